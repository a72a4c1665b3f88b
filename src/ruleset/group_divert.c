/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which SYNs and SYN+ACKs are ours at all: chain `divert`, and the head of chain `syn`. And that
 * SYNs in fragments are put together before.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "ruleset/groups.h"

static void add_divert_rule(struct ruleset *ruleset, const struct rules_params *params,
			    const char *interface)
{
	struct rule *rule =
		ruleset_add_rule(ruleset, "divert", "divert %s", interface ? interface : "*");

	if (interface)
		rule_match_name(rule, FIELD_IIFNAME, interface);
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, TCP_FLAG_SYN);
	rule_count(rule);
	if (params->limit)
		rule_limit(rule, params->limit, params->limit);
	rule_end(rule, RULE_GOTO, "syn");
}

/* Servers are not where clients are, so no interface is asked for. */
static void add_answer_rule(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule = ruleset_add_rule(ruleset, "divert", "divert SYN+ACKs");

	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, TCP_FLAG_SYN | TCP_FLAG_ACK);
	rule_count(rule);
	if (params->limit)
		rule_limit(rule, params->limit, params->limit);
	rule_end(rule, RULE_GOTO, "syn");
}

/*
 * A VRF runs the hook a second time with the VRF as the interface, and frees what was queued there
 * (drivers/net/vrf.c: vrf_rcv_nfhook, which knows no NF_QUEUE).
 */
static void add_vrf_guard(struct ruleset *ruleset, const char *chain)
{
	struct rule *rule = ruleset_add_rule(ruleset, chain, "second pass of a VRF");

	rule_match_name(rule, FIELD_IIFKIND, "vrf");
	rule_end(rule, RULE_RETURN, NULL);
}

/*
 * Where somebody's mark has the bit that says that a SYN was diverted, the chain behind the queue would
 * take it for one that comes back. It is told apart by its priority, which is none before routing.
 */
static void tell_apart(struct rule *rule)
{
	rule_match(rule, FIELD_PRIORITY, 0);
	rule_set(rule, FIELD_PRIORITY, GROUPS_FOREIGN_PRIORITY);
}

/* What is not diverted comes past the chain behind the queue as well. */
static void add_undiverted(struct ruleset *ruleset, const struct rules_params *params,
			   uint32_t flags)
{
	struct rule *rule =
		ruleset_add_rule(ruleset, "divert", "somebody else's mark, and not diverted");

	rule_match_any(rule, FIELD_MARK, params->marks.diverted);
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, flags);
	tell_apart(rule);
}

static void add_mark_guard(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule = ruleset_add_rule(ruleset, "syn", "the mark is somebody else's");

	rule_match_any(rule, FIELD_MARK, params->marks.field);
	rule_end(rule, RULE_GOTO, "marked");
	ruleset_add_chain(ruleset, "marked");
	rule = ruleset_add_rule(ruleset, "marked", "as if it had been in the queue");
	rule_match_any(rule, FIELD_MARK, params->marks.diverted);
	tell_apart(rule);
	add_vrf_guard(ruleset, "marked");
	rule_count(ruleset_add_rule(ruleset, "marked", "our mark bits are somebody else's"));
}

void group_divert(struct ruleset *ruleset, const struct rules_params *params)
{
	ruleset_add_base(ruleset, "divert", NF_INET_PRE_ROUTING, GROUPS_PRIORITY);
	ruleset_add_chain(ruleset, "syn");
	for (unsigned i = 0; i < params->interface_count; i++)
		add_divert_rule(ruleset, params, params->interfaces[i]);
	if (!params->interface_count)
		add_divert_rule(ruleset, params, NULL);
	if (params->diverts_answers)
		add_answer_rule(ruleset, params);
	if (params->interface_count || params->limit)
		add_undiverted(ruleset, params, TCP_FLAG_SYN);
	if (params->diverts_answers && params->limit)
		add_undiverted(ruleset, params, TCP_FLAG_SYN | TCP_FLAG_ACK);
	add_mark_guard(ruleset, params);
	add_vrf_guard(ruleset, "syn");
}

/*
 * The first of small fragments (nmap -f) has no TCP flags, so no rule sees a SYN in it; only what is
 * put together again is one. The kernel does that from priority -400 on, once anything in the
 * namespace asks for it: connection tracking does, and so does a rule that hands packets to a socket
 * (nft_tproxy.c: nft_tproxy_init), which nothing has to reach for that.
 */
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
