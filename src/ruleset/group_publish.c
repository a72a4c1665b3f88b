/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chain `publish`, behind the queue: each bit of the mark puts the SYN's source into its sets. A
 * full set refreshes what is in it and refuses what is new: the counter before an update tells how
 * often it was tried, the one behind it how often it worked.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "nl/nft.h"
#include "ruleset/groups.h"

static const struct {
	char suffix;
	uint32_t nfproto;
	enum field saddr;
} versions[] = {{'4', NFPROTO_IPV4, FIELD_IP_SADDR}, {'6', NFPROTO_IPV6, FIELD_IP6_SADDR}};

static struct rule_key key_of(const struct rules_set *set, enum field saddr)
{
	struct rule_key key = {.count = set->has_port ? 2 : 1, .fields = {saddr, FIELD_TCP_SPORT}};

	if (saddr == FIELD_IP6_SADDR && set->prefix6 < 128)
		key.prefix6 = set->prefix6;
	if (!set->has_port)
		key.fields[1] = (enum field)0;
	return key;
}

static const char *add_set(struct ruleset *ruleset, const struct rules_set *set,
			   const struct rule_key *key, char suffix)
{
	struct ruleset_set own = {.key = *key,
				  .is_mark_map = set->is_map,
				  .size = set->size,
				  .timeout_ms = UINT64_C(1000) * set->timeout_s};

	/* What a packet deletes takes room until it is collected, too. */
	if (!set->removes)
		own.collect_ms = nft_collect_ms(own.timeout_ms);
	snprintf(own.name, sizeof(own.name), "%s%c", set->name, suffix);
	return ruleset_add_set(ruleset, &own);
}

/* A packet of this IP version; where ports are part of the key nft wants to read that it is TCP. */
static void match_version(struct rule *rule, const struct rules_set *set, uint32_t nfproto)
{
	rule_match(rule, FIELD_NFPROTO, nfproto);
	if (set->has_port)
		rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
}

static void add_update(struct ruleset *ruleset, const struct rules_set *set,
		       const struct rule_key *key, const char *name, uint32_t nfproto)
{
	struct rule *rule = ruleset_add_rule(ruleset, "publish", "fills %.80s", name);
	uint64_t timeout_ms = UINT64_C(1000) * set->timeout_s;

	match_version(rule, set, nfproto);
	rule_match_any(rule, FIELD_MARK, set->bit);
	rule_count(rule);
	if (set->is_map)
		rule_change_map(rule, RULE_UPDATE, key, name, timeout_ms, set->value);
	else
		rule_change(rule, RULE_UPDATE, key, name, timeout_ms);
	rule_count(rule);
}

static void add_delete(struct ruleset *ruleset, const struct rules_set *set,
		       const struct rule_key *key, const char *name, uint32_t nfproto,
		       uint32_t judged)
{
	struct rule *rule = ruleset_add_rule(ruleset, "publish", "empties %.80s", name);

	match_version(rule, set, nfproto);
	rule_match_masked(rule, FIELD_MARK, judged | set->bit, judged);
	rule_count(rule);
	if (set->is_map)
		rule_change_map(rule, RULE_DELETE, key, name, 0, set->value);
	else
		rule_change(rule, RULE_DELETE, key, name, 0);
}

static void add_pair(struct ruleset *ruleset, const struct rules_params *params,
		     const struct rules_set *set)
{
	for (unsigned v = 0; v < 2; v++) {
		struct rule_key key = key_of(set, versions[v].saddr);
		const char *name = add_set(ruleset, set, &key, versions[v].suffix);

		if (!set->bit || set->is_paused || set->is_served)
			continue;
		add_update(ruleset, set, &key, name, versions[v].nfproto);
		if (set->removes && params->marks.judged)
			add_delete(ruleset, set, &key, name, versions[v].nfproto,
				   params->marks.judged);
	}
}

void group_publish(struct ruleset *ruleset, const struct rules_params *params)
{
	for (unsigned i = 0; i < params->set_count; i++)
		add_pair(ruleset, params, &params->sets[i]);
}
