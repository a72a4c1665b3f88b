/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is confirmed: what a SYN says of its sender acts on an address only once both ends have
 * spoken. The agent's verdict makes the connection a candidate, by a bit of the connection mark for
 * each set. The server's first data promotes it: `ct status assured` says that the handshake was
 * complete, PSH that the server has something to say to who is there. Its answer goes to the log as
 * well, so that the agent knows.
 *
 * A SYN makes a candidate of the connection that it begins, and of no other: one on the tuple of a
 * connection that is there, sent again or forged, can only take bits away. So does one that passes
 * unasked, of which nobody knows anything. A connection that inherits another one's mark begins
 * clean by the same rules.
 *
 * Where somebody else takes the whole connection mark for his own, labels carry the bits: label 96
 * and up, each as its bit of the mark. A label cannot be taken away again, so label 95 closes the
 * connection for all of them.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "ruleset/groups.h"

#define CONFIRM_PRIORITY (-149) /* just behind mangle, where others restore and save marks */
#define LOG_BYTES 80 /* an IPv6 header and TCP's without options, and some of IPv4's options */
#define CLOSED (1u << 31) /* label 95 */

static const struct {
	char suffix;
	uint32_t nfproto;
	enum field saddr;
} versions[] = {{'4', NFPROTO_IPV4, FIELD_CT_ORIGINAL_IP_SADDR},
		{'6', NFPROTO_IPV6, FIELD_CT_ORIGINAL_IP6_SADDR}};

static uint32_t all_bits(const struct rules_params *params)
{
	uint32_t bits = params->confirm.ask;

	for (unsigned i = 0; i < params->set_count; i++)
		bits |= params->sets[i].ct_bit;
	return bits;
}

/* ---- candidates, by mark or by label ---- */

static void match_candidate(struct rule *rule, const struct rules_params *params, uint32_t bits)
{
	if (!params->confirm.has_labels) {
		rule_match_any(rule, FIELD_CT_MARK, bits);
		return;
	}
	rule_match_labels(rule, bits, 0);
	rule_match_no_labels(rule, 0, CLOSED);
}

static void make_candidate(struct rule *rule, const struct rules_params *params, uint32_t bits)
{
	if (params->confirm.has_labels)
		rule_set_labels(rule, bits, 0);
	else
		rule_set_bits(rule, FIELD_CT_MARK, bits);
}

static void unmake_candidate(struct rule *rule, const struct rules_params *params, uint32_t bits)
{
	if (params->confirm.has_labels)
		rule_set_labels(rule, 0, CLOSED);
	else
		rule_clear_bits(rule, FIELD_CT_MARK, bits);
}

/* ---- SYNs ---- */

static void add_candidate(struct ruleset *ruleset, const struct rules_params *params, uint32_t bit,
			  uint32_t ct_bit, const char *name)
{
	struct rule *rule = ruleset_add_rule(ruleset, "publish", "candidate for %.60s", name);

	rule_match_any(rule, FIELD_MARK, bit);
	rule_match_masked(rule, FIELD_CT_STATUS, FIELD_CT_CONFIRMED, 0);
	make_candidate(rule, params, ct_bit);
}

static void add_dispute(struct ruleset *ruleset, const struct rules_params *params, uint32_t bit,
			uint32_t ct_bit)
{
	struct rule *rule = ruleset_add_rule(ruleset, "dispute", "a SYN says otherwise");

	rule_match_masked(rule, FIELD_MARK, bit, 0);
	match_candidate(rule, params, ct_bit);
	unmake_candidate(rule, params, all_bits(params));
}

/* Of a simultaneous open: what it says is said of the other end. */
static void add_dispute_of_server(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule = ruleset_add_rule(ruleset, "dispute", "a SYN of the server's");

	rule_match(rule, FIELD_CT_DIRECTION, FIELD_CT_REPLY);
	unmake_candidate(rule, params, all_bits(params));
}

/* Chain `back`, behind `publish`: what this SYN does not say, no earlier one on its tuple said. */
static void add_to_back(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule = ruleset_add_rule(ruleset, "back", "candidates");

	match_candidate(rule, params, all_bits(params));
	rule_end(rule, RULE_JUMP, "dispute");
}

void group_confirm_candidates(struct ruleset *ruleset, const struct rules_params *params)
{
	if (!params->confirm.is_on)
		return;
	ruleset_add_chain(ruleset, "dispute");
	add_dispute_of_server(ruleset, params);
	for (unsigned i = 0; i < params->set_count; i++) {
		const struct rules_set *set = &params->sets[i];

		if (!set->ct_bit || !set->bit || set->is_paused)
			continue;
		add_candidate(ruleset, params, set->bit, set->ct_bit, set->name);
		add_dispute(ruleset, params, set->bit, set->ct_bit);
	}
	if (params->marks.ask && params->confirm.ask) {
		add_candidate(ruleset, params, params->marks.ask, params->confirm.ask,
			      "confirmation");
		add_dispute(ruleset, params, params->marks.ask, params->confirm.ask);
	}
	add_to_back(ruleset, params);
}

/* A SYN that nobody was asked about: it may be anybody's. */
void group_confirm_unasked(struct ruleset *ruleset, const struct rules_params *params,
			   const char *chain)
{
	struct rule *rule;

	if (!params->confirm.is_on)
		return;
	rule = ruleset_add_rule(ruleset, chain, "a SYN that passes unasked");
	match_candidate(rule, params, all_bits(params));
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, TCP_FLAG_SYN);
	unmake_candidate(rule, params, all_bits(params));
}

/* ---- answers ---- */

static void add_guards(struct ruleset *ruleset)
{
	static const uint32_t flags = TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_PSH | TCP_FLAG_ACK;
	struct rule *rule = ruleset_add_rule(ruleset, "confirm", "an error message");

	rule_match_not(rule, FIELD_L4PROTO, UINT32_MAX, IPPROTO_TCP);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "confirm", "the client's packets prove nothing");
	rule_match(rule, FIELD_CT_DIRECTION, FIELD_CT_ORIGINAL);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "confirm", "no whole handshake");
	rule_match_masked(rule, FIELD_CT_STATUS, FIELD_CT_ASSURED, 0);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "confirm", "no data");
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_not(rule, FIELD_TCP_FLAGS, flags, TCP_FLAG_PSH | TCP_FLAG_ACK);
	rule_end(rule, RULE_RETURN, NULL);
}

static struct rule_key key_of(const struct rules_set *set, enum field saddr)
{
	struct rule_key key = {.count = 1, .fields = {saddr}};

	if (saddr == FIELD_CT_ORIGINAL_IP6_SADDR && set->prefix6 < 128)
		key.prefix6 = set->prefix6;
	return key;
}

static void add_change(struct ruleset *ruleset, const struct rules_params *params,
		       const struct rules_set *set, unsigned version, bool is_member)
{
	struct rule_key key = key_of(set, versions[version].saddr);
	const char *name = ruleset_find_set(ruleset, set->name, versions[version].suffix);
	struct rule *rule = ruleset_add_rule(ruleset, "confirm", "%s %.80s",
					     is_member ? "fills" : "empties", name);
	enum rule_change change = is_member ? RULE_UPDATE : RULE_DELETE;
	uint64_t timeout_ms = is_member ? UINT64_C(1000) * set->timeout_s : 0;

	rule_match(rule, FIELD_NFPROTO, versions[version].nfproto);
	if (is_member)
		match_candidate(rule, params, set->ct_bit);
	else if (params->confirm.has_labels)
		rule_match_no_labels(rule, set->ct_bit, CLOSED);
	else
		rule_match_masked(rule, FIELD_CT_MARK, set->ct_bit, 0);
	rule_count(rule);
	if (set->is_map)
		rule_change_map(rule, change, &key, name, timeout_ms, set->value);
	else
		rule_change(rule, change, &key, name, timeout_ms);
	if (is_member)
		rule_count(rule);
}

/* A map's element keeps its old value through an update, so it is taken out first. */
static void add_set(struct ruleset *ruleset, const struct rules_params *params,
		    const struct rules_set *set)
{
	for (unsigned version = 0; version < 2; version++) {
		add_change(ruleset, params, set, version, true);
		if (set->removes)
			add_change(ruleset, params, set, version, false);
	}
}

/*
 * Who stands on the wire of some interface can send packets of both ends, and so make a whole
 * connection of them. Those of the server come in by another interface than the server's then.
 */
static void add_inbound(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	ruleset_add_chain(ruleset, "inbound");
	rule = ruleset_add_rule(ruleset, "inbound", "not the server's way");
	rule_match(rule, FIELD_CT_DIRECTION, FIELD_CT_REPLY);
	rule_match(rule, FIELD_WAY_BACK, 0);
	unmake_candidate(rule, params, all_bits(params));
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "inbound", "the server's way");
	rule_end(rule, RULE_GOTO, "confirm");
}

static void add_promote(struct ruleset *ruleset, const struct rules_params *params,
			const char *chain, uint8_t hook, const char *next)
{
	struct rule *rule;

	ruleset_add_base(ruleset, chain, hook, CONFIRM_PRIORITY);
	rule = ruleset_add_rule(ruleset, chain, "candidates");
	match_candidate(rule, params, all_bits(params));
	rule_end(rule, RULE_GOTO, next);
}

void group_confirm(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	if (!params->confirm.is_on)
		return;
	ruleset_add_chain(ruleset, "confirm");
	add_guards(ruleset);
	for (unsigned i = 0; i < params->set_count; i++)
		if (params->sets[i].ct_bit && !params->sets[i].is_paused)
			add_set(ruleset, params, &params->sets[i]);
	rule = ruleset_add_rule(ruleset, "confirm", "once is enough");
	unmake_candidate(rule, params, all_bits(params));
	if (params->confirm.has_log) {
		rule = ruleset_add_rule(ruleset, "confirm", "the agent is told");
		rule_log(rule, params->confirm.group, LOG_BYTES);
	}
	add_inbound(ruleset, params);
	add_promote(ruleset, params, "promote", NF_INET_PRE_ROUTING, "inbound");
	add_promote(ruleset, params, "promote_out", NF_INET_LOCAL_OUT, "confirm");
}
