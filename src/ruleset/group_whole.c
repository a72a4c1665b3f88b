/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs in fragments. The first of small fragments (nmap -f) has no TCP flags, so no rule sees a SYN
 * in it; only what is put together again is one. The kernel does that from priority -400 on, once
 * anything in the namespace asks for it: connection tracking does, and so does a rule that hands
 * packets to a socket (nft_tproxy.c: nft_tproxy_init), which nothing has to reach for that.
 */
#include "ruleset/groups.h"

#include <netinet/in.h>

void group_whole(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	if (!params->defragments)
		return;
	ruleset_add_chain(ruleset, "whole");
	rule = ruleset_add_rule(ruleset, "whole", "nothing comes here: fragments are put together");
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_ask_for_whole(rule);
}
