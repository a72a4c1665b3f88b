/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch: whether a SYN is diverted at all is decided by what became of those before it. No
 * timer, no thread, no commit. A queue whose SYN came back within ANSWERED_MS is `answering`. One
 * that a SYN went into and nothing came back from since is `waiting`.
 *
 * - The queue answers: divert.
 * - It does not, and a SYN waits in it: the agent is stopped, or dead with its queue; pass.
 * - It does not, and none waits: there was nothing to answer. Divert, and for ASKED_MS the next
 *   ones too; had it ANSWERED_MS for that, a SYN sent again after a second could find it asked
 *   twice.
 *
 * While the queue answers, a SYN that is diverted notes that it waits only BOOKED_A_SECOND times a
 * second: each note is a new element of the set. Without any note a lone SYN just behind the last
 * answer would be caught a second time when it comes again.
 *
 * With one queue the key is the constant `meta l4proto`, the cheapest expression there is; with
 * several it is the queue's number, a hash that the chain behind the queue finds again.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>

#include "ruleset/groups.h"

#define ANSWERED_MS 600
#define ASKED_MS 200
#define WAITED_MS 60000 /* a hung queue costs one SYN in this time */
#define BOOKED_A_SECOND 20
#define QUEUES_ROOM 4096 /* dead elements stay until the kernel collects them, a second later */

struct keys {
	struct rule_key key;
	const char *answering, *waiting;
};

static const char *add_set(struct ruleset *ruleset, const char *name, const struct rule_key *key,
			   uint64_t timeout_ms)
{
	struct ruleset_set set = {.key = *key,
				  .is_typeof = key->fields[0] == FIELD_QUEUE,
				  .size = QUEUES_ROOM,
				  .timeout_ms = timeout_ms};

	snprintf(set.name, sizeof(set.name), "%s", name);
	return ruleset_add_set(ruleset, &set);
}

static void add_decision(struct ruleset *ruleset, const struct keys *keys)
{
	struct rule *rule = ruleset_add_rule(ruleset, "syn", "the queue answers");

	rule_lookup(rule, &keys->key, keys->answering);
	rule_end(rule, RULE_GOTO, "send");
	rule = ruleset_add_rule(ruleset, "syn", "the queue does not answer");
	rule_lookup(rule, &keys->key, keys->waiting);
	rule_count(rule);
	rule_end(rule, RULE_RETURN, NULL);
	rule = ruleset_add_rule(ruleset, "syn", "asked");
	rule_change(rule, RULE_ADD, &keys->key, keys->answering, ASKED_MS);
	/* In one rule: where it cannot be noted that a SYN waits, the SYN passes. */
	rule = ruleset_add_rule(ruleset, "syn", "asked");
	rule_change(rule, RULE_ADD, &keys->key, keys->waiting, 0);
	rule_end(rule, RULE_GOTO, "send");
}

/* xt's target knows no hash of nft's, so each queue has a rule. */
static void add_xt_queues(struct ruleset *ruleset)
{
	for (unsigned i = 0; i < ruleset->queue_count; i++) {
		uint16_t queue = (uint16_t)(ruleset->queue_first + i);
		struct rule *rule = ruleset_add_rule(ruleset, "send", "queue %u", queue);

		if (ruleset->queue_count > 1)
			rule_match(rule, FIELD_QUEUE, queue);
		rule_queue(rule, queue, 1);
	}
}

static void add_send(struct ruleset *ruleset, const struct rules_params *params,
		     const struct keys *keys)
{
	struct rule *rule;

	ruleset_add_chain(ruleset, "send");
	rule = ruleset_add_rule(ruleset, "send", "a SYN waits");
	rule_limit(rule, BOOKED_A_SECOND, BOOKED_A_SECOND);
	rule_change(rule, RULE_ADD, &keys->key, keys->waiting, 0);
	rule = ruleset_add_rule(ruleset, "send", "diverted");
	rule_set_bits(rule, FIELD_MARK, params->marks.diverted);
	if (ruleset->is_xt)
		add_xt_queues(ruleset);
	else
		rule_queue(rule, params->queue_first, params->queue_count);
}

/* Behind the queue without having been in it, see group_divert.c. */
static void add_foreign(struct ruleset *ruleset, const struct rules_params *params)
{
	ruleset_add_chain(ruleset, "foreign");
	rule_set(ruleset_add_rule(ruleset, "foreign", "it goes on as it came"), FIELD_PRIORITY, 0);
	group_confirm_unasked(ruleset, params, "foreign");
}

static void begin_back(struct ruleset *ruleset, const char *chain, const struct keys *keys)
{
	struct rule *rule;

	ruleset_add_chain(ruleset, chain);
	rule = ruleset_add_rule(ruleset, chain, "it was not in the queue");
	rule_match(rule, FIELD_PRIORITY, GROUPS_FOREIGN_PRIORITY);
	rule_end(rule, RULE_GOTO, "foreign");
	rule = ruleset_add_rule(ruleset, chain, "the queue has answered");
	rule_change(rule, RULE_DELETE, &keys->key, keys->waiting, 0);
	rule_change(rule, RULE_UPDATE, &keys->key, keys->answering, ANSWERED_MS);
}

/* All of the field: a packet may still carry what a bit was before a reload. */
static void end_back(struct ruleset *ruleset, const char *chain, const struct rules_params *params)
{
	struct rule *rule = ruleset_add_rule(ruleset, chain, "our bits end here");

	rule_clear_bits(rule, FIELD_MARK, params->marks.field);
}

static void add_back(struct ruleset *ruleset, const struct rules_params *params,
		     const struct keys *keys)
{
	uint32_t bits = marks_used(&params->marks) & ~params->marks.diverted;
	struct rule *rule;

	begin_back(ruleset, "back", keys);
	if (bits) {
		rule = ruleset_add_rule(ruleset, "back", "the agent has said something");
		rule_match_any(rule, FIELD_MARK, bits);
		rule_end(rule, RULE_JUMP, "publish");
	}
	group_confirm_candidates(ruleset, params);
	end_back(ruleset, "back", params);
}

/* A SYN+ACK tells the switch as much as a SYN, and says nothing of a client. */
static void add_back_answer(struct ruleset *ruleset, const struct rules_params *params,
			    const struct keys *keys)
{
	begin_back(ruleset, "back_answer", keys);
	end_back(ruleset, "back_answer", params);
}

static void add_returned(struct ruleset *ruleset, const struct rules_params *params, uint32_t flags,
			 const char *chain)
{
	struct rule *rule = ruleset_add_rule(ruleset, "served", "%s from the queue", chain);

	rule_match_any(rule, FIELD_MARK, params->marks.diverted);
	rule_match(rule, FIELD_L4PROTO, IPPROTO_TCP);
	rule_match_masked(rule, FIELD_TCP_FLAGS, TCP_FLAGS_OF_SYN, flags);
	rule_end(rule, RULE_GOTO, chain);
}

static void add_served(struct ruleset *ruleset, const struct rules_params *params)
{
	ruleset_add_base(ruleset, "served", NF_INET_PRE_ROUTING, GROUPS_PRIORITY + 1);
	add_returned(ruleset, params, TCP_FLAG_SYN, "back");
	if (params->diverts_answers)
		add_returned(ruleset, params, TCP_FLAG_SYN | TCP_FLAG_ACK, "back_answer");
	group_confirm_unasked(ruleset, params, "served");
}

void group_switch(struct ruleset *ruleset, const struct rules_params *params)
{
	struct keys keys = {
		.key = {.count = 1,
			.fields = {params->queue_count > 1 ? FIELD_QUEUE : FIELD_L4PROTO}}};

	keys.answering = add_set(ruleset, GROUPS_ANSWERING, &keys.key, ANSWERED_MS);
	keys.waiting = add_set(ruleset, GROUPS_WAITING, &keys.key, WAITED_MS);
	add_send(ruleset, params, &keys);
	add_decision(ruleset, &keys);
	ruleset_add_chain(ruleset, "publish");
	add_foreign(ruleset, params);
	add_back(ruleset, params, &keys);
	if (params->diverts_answers)
		add_back_answer(ruleset, params, &keys);
	add_served(ruleset, params);
}
