/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clocks: copies of the first packets of some connections, for who measures how long a client's data
 * and answers wait. A copy holds nothing, so the switch has no say here. The client's packets and
 * the server's SYN+ACK are seen before routing; the SYN+ACK of a server on this machine goes out.
 *
 * By mark: the SYN of a connection gets a bit of the connection mark, so many a second. All other
 * connections pay for one comparison. The bit is taken away behind the packets that count.
 *
 * By counter, for who has no bit to spare: the connection's own counter alone tells its first
 * packets. Ranges are compared in network order, which costs three times as much as a mask, so a
 * mask comes first. `1-20` and never `<= 20`: connections that are older than the rule have no
 * counter, and read 0. Both ways conntrack counts packets as long as the namespace lives
 * (net.netfilter.nf_conntrack_acct): the kernel switches that on with the rule, and never off.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "ruleset/groups.h"

#define CLOCKS_PRIORITY (-170) /* behind the queue and its answer, before others change marks */
#define OUT_PRIORITY (-149) /* as group_confirm.c's: where others restore marks comes before */
#define LOG_BYTES 128 /* an IPv6 header and the longest one of TCP, and some of IPv6's extensions */
#define COUNT_ROUGH 32 /* the power of two behind RULES_CLOCKS_PACKETS */

static const uint32_t answer_flags = TCP_FLAG_SYN | TCP_FLAG_ACK;

static bool is_by_bit(const struct rules_params *params)
{
	return params->clocks.bit != 0;
}

static void match_bit(struct rule *rule, const struct rules_params *params)
{
	if (params->confirm.has_labels)
		rule_match_labels(rule, params->clocks.bit, 0);
	else
		rule_match_any(rule, FIELD_CT_MARK, params->clocks.bit);
}

static void give_bit(struct rule *rule, const struct rules_params *params)
{
	if (params->confirm.has_labels)
		rule_set_labels(rule, params->clocks.bit, 0);
	else
		rule_set_bits(rule, FIELD_CT_MARK, params->clocks.bit);
}

static void match_flags(struct rule *rule, uint32_t flags)
{
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, flags);
}

/* By the way that leads to the server: who sends both ends of a connection has none measured. */
static void match_answer(struct rule *rule)
{
	match_flags(rule, answer_flags);
	rule_match(rule, FIELD_WAY_BACK, 1);
}

/*
 * A rule for each interface that clients come in by, or for all. @make: what it is for.
 */
static void for_interfaces(struct ruleset *ruleset, const struct rules_params *params,
			   void (*make)(struct rule *rule, const struct rules_params *params),
			   const char *comment)
{
	unsigned count = params->interface_count ? params->interface_count : 1;

	for (unsigned i = 0; i < count; i++) {
		struct rule *rule = ruleset_add_rule(ruleset, "clocks", "%s", comment);

		if (params->interface_count)
			rule_match_name(rule, FIELD_IIFNAME, params->interfaces[i]);
		make(rule, params);
	}
}

/* The last rule of a chain of copies. @limit: packets a second; 0: all */
static void add_log(struct ruleset *ruleset, const struct rules_params *params, const char *chain,
		    uint32_t limit)
{
	struct rule *rule = ruleset_add_rule(ruleset, chain, "clocks: a copy");

	if (limit)
		rule_limit(rule, limit, limit);
	rule_count(rule);
	rule_log(rule, params->clocks.group, LOG_BYTES);
}

/* A VRF runs the hook twice for each packet. */
static void add_vrf_guard(struct ruleset *ruleset, const char *chain)
{
	struct rule *rule = ruleset_add_rule(ruleset, chain, "second pass of a VRF");

	rule_match_name(rule, FIELD_IIFKIND, "vrf");
	rule_end(rule, RULE_RETURN, NULL);
}

/* ---- by mark ---- */

static void make_beginning(struct rule *rule, const struct rules_params *params)
{
	match_flags(rule, TCP_FLAG_SYN);
	rule_match_masked(rule, FIELD_CT_STATUS, FIELD_CT_CONFIRMED, 0);
	rule_limit(rule, params->clocks.limit, params->clocks.limit);
	give_bit(rule, params);
}

static void add_beginning(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	for_interfaces(ruleset, params, make_beginning, "this connection is measured");
	rule = ruleset_add_rule(ruleset, "clocks", "it is");
	match_bit(rule, params);
	rule_end(rule, RULE_GOTO, "clocks_copy");
}

/* Labels stay for ever; then the counter alone ends the copies. */
static void add_copies_by_mark(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	ruleset_add_chain(ruleset, "clocks_copy");
	add_vrf_guard(ruleset, "clocks_copy");
	if (!params->confirm.has_labels) {
		rule = ruleset_add_rule(ruleset, "clocks_copy", "enough of it");
		rule_match_count(rule, COUNT_ROUGH, true);
		rule_clear_bits(rule, FIELD_CT_MARK, params->clocks.bit);
	}
	rule = ruleset_add_rule(ruleset, "clocks_copy", "clocks: the client's first packets");
	rule_match(rule, FIELD_CT_DIRECTION, FIELD_CT_ORIGINAL);
	rule_match_packets(rule, 1, RULES_CLOCKS_PACKETS);
	rule_count(rule);
	rule_log(rule, params->clocks.group, LOG_BYTES);
	rule = ruleset_add_rule(ruleset, "clocks_copy", "clocks: the server's SYN+ACK");
	match_answer(rule);
	rule_count(rule);
	rule_log(rule, params->clocks.group, LOG_BYTES);
}

/* ---- by counter ---- */

static void make_syn(struct rule *rule, const struct rules_params *params)
{
	(void)params;
	match_flags(rule, TCP_FLAG_SYN);
	rule_end(rule, RULE_GOTO, "clocks_begin");
}

static void make_first_packets(struct rule *rule, const struct rules_params *params)
{
	(void)params;
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match(rule, FIELD_CT_DIRECTION, FIELD_CT_ORIGINAL);
	rule_match_count(rule, COUNT_ROUGH, false);
	rule_match_packets(rule, 1, RULES_CLOCKS_PACKETS);
	rule_end(rule, RULE_GOTO, "clocks_copy");
}

static void add_copies_by_counter(struct ruleset *ruleset, const struct rules_params *params)
{
	uint32_t limit = params->clocks.limit;
	struct rule *rule;

	ruleset_add_chain(ruleset, "clocks_begin");
	add_vrf_guard(ruleset, "clocks_begin");
	add_log(ruleset, params, "clocks_begin", limit);
	ruleset_add_chain(ruleset, "clocks_copy");
	add_vrf_guard(ruleset, "clocks_copy");
	add_log(ruleset, params, "clocks_copy", limit * RULES_CLOCKS_PACKETS);
	for_interfaces(ruleset, params, make_syn, "this connection may be measured");
	for_interfaces(ruleset, params, make_first_packets, "its client's first packets");
	rule = ruleset_add_rule(ruleset, "clocks", "its server's SYN+ACK");
	match_answer(rule);
	rule_end(rule, RULE_GOTO, "clocks_copy");
}

/* The kernel stamps nothing that goes out; of a SYN+ACK no stamp is needed. */
static void add_own_servers(struct ruleset *ruleset, const struct rules_params *params)
{
	struct rule *rule;

	ruleset_add_base(ruleset, "clocks_out", NF_INET_LOCAL_OUT, OUT_PRIORITY);
	rule = ruleset_add_rule(ruleset, "clocks_out", "clocks: this machine's SYN+ACK");
	match_flags(rule, answer_flags);
	if (is_by_bit(params))
		match_bit(rule, params);
	else
		rule_limit(rule, params->clocks.limit, params->clocks.limit);
	rule_count(rule);
	rule_log(rule, params->clocks.group, LOG_BYTES);
}

void group_clocks(struct ruleset *ruleset, const struct rules_params *params)
{
	if (!params->clocks.is_on)
		return;
	ruleset_add_base(ruleset, "clocks", NF_INET_PRE_ROUTING, CLOCKS_PRIORITY);
	if (is_by_bit(params)) {
		add_copies_by_mark(ruleset, params);
		add_beginning(ruleset, params);
	} else {
		add_copies_by_counter(ruleset, params);
	}
	add_own_servers(ruleset, params);
}
