/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.skip_known: a SYN of the same shape from the same client passes unasked for some seconds.
 * The agent says by a bit which are worth it. The shape is the address, hop limit, header length,
 * flags, window and the first option, where a SYN has its MSS; of IPv6 the packet's length too.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "ruleset/groups.h"

#define SHAPES_MAX 65536

static const struct family {
	const char *set;
	uint32_t nfproto;
	struct rule_key key;
} families[] = {
	{"known_shapes_v4s",
	 NFPROTO_IPV4,
	 {4, {FIELD_IP_SADDR, FIELD_IP_TTL, FIELD_TCP_LENGTH_WINDOW, FIELD_TCP_OPTION}, 0}},
	{"known_shapes_v6s",
	 NFPROTO_IPV6,
	 {4,
	  {FIELD_IP6_SADDR, FIELD_IP6_LENGTH_HOPS, FIELD_TCP_LENGTH_WINDOW, FIELD_TCP_OPTION},
	  0}},
};

void group_skip(struct ruleset *ruleset, const struct rules_params *params)
{
	for (unsigned i = 0; params->marks.fresh && i < 2; i++) {
		const struct family *family = &families[i];
		struct ruleset_set set = {.key = family->key,
					  .is_typeof = true,
					  .size = SHAPES_MAX,
					  .timeout_ms = UINT64_C(1000) * params->skip_known_s};
		struct rule *rule;
		const char *name;

		snprintf(set.name, sizeof(set.name), "%s", family->set);
		name = ruleset_add_set(ruleset, &set);
		rule = ruleset_add_rule(ruleset, "syn", "skipped");
		rule_match(rule, FIELD_NFPROTO, family->nfproto);
		rule_lookup(rule, &family->key, name);
		rule_count(rule);
		rule_end(rule, RULE_RETURN, NULL);
		rule = ruleset_add_rule(ruleset, "publish", "remembers a shape");
		rule_match_any(rule, FIELD_MARK, params->marks.fresh);
		rule_match(rule, FIELD_NFPROTO, family->nfproto);
		rule_change(rule, RULE_UPDATE, &family->key, name, set.timeout_ms);
	}
}
