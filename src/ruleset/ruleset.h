/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All sets, chains and rules that we have in the kernel, as data. From it come the transaction
 * (ruleset_kernel.h) and the text of `synprint rules print` (ruleset_text.h), so they cannot differ.
 * What the rules are stands in groups.h. A new group: a file group_NAME.c, its line in groups_build().
 */
#ifndef SYNPRINT_RULESET_RULESET_H
#define SYNPRINT_RULESET_RULESET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "ruleset/field.h"

#define RULE_STATEMENTS_MAX 16
#define RULE_COMMENT_MAX 96
#define RULESET_NAME_MAX 255 /* nf_tables.h: NFT_NAME_MAXLEN with its NUL */

/* What a set is keyed by, and what rules look up in it: one field, or several one after another. */
struct rule_key {
	unsigned count;
	enum field fields[KEY_FIELDS_MAX];
	unsigned prefix6; /* an IPv6 address is cut to so many bits; 0: it is not */
};

struct ruleset_set {
	char name[RULESET_NAME_MAX + 1];
	struct rule_key key;
	bool is_mark_map; /* maps the key to a packet mark */
	bool is_typeof; /* the key has no named types: nft is told the expression */
	uint32_t size; /* elements at the most */
	uint64_t timeout_ms;
	uint32_t collect_ms; /* as struct nft_set_spec has it */
};

struct ruleset_chain {
	char name[32];
	bool is_base; /* of type filter */
	uint8_t hook; /* enum nf_inet_hooks */
	int priority;
};

enum rule_verdict { RULE_GOTO, RULE_JUMP, RULE_RETURN };

enum statement_kind {
	STATEMENT_MATCH, /* go on where (field & mask) is, or is not, the value */
	STATEMENT_MATCH_NAME, /* go on where a field of text is this, or begins with it */
	STATEMENT_LOOKUP, /* go on where the key is, or is not, in the set */
	STATEMENT_CHANGE, /* add, update or delete the key; a failed add or update ends the rule */
	STATEMENT_SET_FIELD, /* field = (field & mask) | value; of what is no mark, mask is 0 */
	STATEMENT_COUNTER,
	STATEMENT_LIMIT, /* go on at most so often a second */
	STATEMENT_VERDICT,
	STATEMENT_QUEUE, /* to one of the queues, by the hash that FIELD_QUEUE is */
	STATEMENT_LOG, /* to an NFLOG group */
	STATEMENT_WHOLE, /* to a local socket, of which the kernel wants whole packets */
	STATEMENT_MATCH_LABELS, /* go on where the connection has some of the labels, or none of them */
	STATEMENT_MATCH_COUNT, /* go on where the client has sent fewer packets, or as many and more */
	STATEMENT_MATCH_PACKETS, /* go on where it is one of the packets from mask to value */
	STATEMENT_SET_LABELS, /* give the connection labels, for ever */
};

enum rule_change { RULE_ADD, RULE_UPDATE, RULE_DELETE }; /* as enum nft_dynset_ops */

struct statement {
	enum statement_kind kind;
	enum field field;
	bool is_not;
	uint32_t mask, value; /* in host order; of labels: 96 to 127, and 64 to 95 */
	char name[32]; /* of an interface, a set's name is in set, of a chain */
	struct rule_key key;
	const char *set; /* of one that ruleset_add_set() has made */
	enum rule_change change;
	uint64_t timeout_ms; /* of a change: 0: the set's */
	bool has_data; /* of a change: value is what a map maps the key to */
	uint32_t rate, burst; /* packets a second; of a log: its group, bytes copied */
	enum rule_verdict verdict;
	uint16_t queue_first, queue_count;
};

struct rule {
	const char *chain;
	char comment[RULE_COMMENT_MAX + 1];
	unsigned count;
	struct statement statements[RULE_STATEMENTS_MAX];
};

struct ruleset {
	bool is_xt; /* queues are reached by xt's target, one rule for each */
	bool failed; /* no memory, or more than there is room for: the ruleset is of no use */
	uint16_t queue_first, queue_count; /* what FIELD_QUEUE tells apart */
	uint32_t fingerprint; /* of all of it, once it is built; the diverting rules say it */
	struct ruleset_set *sets;
	struct ruleset_chain *chains;
	struct rule *rules;
	unsigned set_count, chain_count, rule_count;
};

/** ruleset_free() - what the pointers own; the struct is the caller's. */
void ruleset_free(struct ruleset *ruleset);

/** ruleset_add_set() - copies it. Its name stays where it is while the ruleset lives. */
const char *ruleset_add_set(struct ruleset *ruleset, const struct ruleset_set *set);

/** ruleset_add_chain() - a chain that only rules lead to; ruleset_add_base() - one at a hook. */
void ruleset_add_chain(struct ruleset *ruleset, const char *name);
void ruleset_add_base(struct ruleset *ruleset, const char *name, uint8_t hook, int priority);

/**
 * ruleset_add_rule() - an empty rule at the end of a chain, to be filled until the next call.
 * @chain: static
 * @comment: what it is for, behind our tag; "" for nothing
 */
struct rule *ruleset_add_rule(struct ruleset *ruleset, const char *chain, const char *comment, ...)
	__attribute__((format(printf, 3, 4)));

/** ruleset_find_set() - the name of set NAME4 or NAME6, as ruleset_add_set() gave it; "" for none. */
const char *ruleset_find_set(const struct ruleset *ruleset, const char *name, char suffix);

/* Each adds one statement; the rule's room is known when it is written, so none of them fails. */
void rule_match(struct rule *rule, enum field field, uint32_t value);
void rule_match_masked(struct rule *rule, enum field field, uint32_t mask, uint32_t value);
void rule_match_any(struct rule *rule, enum field field, uint32_t mask); /* some bit of mask */
void rule_match_not(struct rule *rule, enum field field, uint32_t mask, uint32_t value);
void rule_match_name(struct rule *rule, enum field field, const char *name); /* "eth*" too */
void rule_lookup(struct rule *rule, const struct rule_key *key, const char *set);
void rule_lookup_not(struct rule *rule, const struct rule_key *key, const char *set);
void rule_change(struct rule *rule, enum rule_change change, const struct rule_key *key,
		 const char *set, uint64_t timeout_ms);
void rule_change_map(struct rule *rule, enum rule_change change, const struct rule_key *key,
		     const char *set, uint64_t timeout_ms, uint32_t data);
/* Packets of the connection's first direction: fewer than @count, a power of two; or not fewer. */
void rule_match_count(struct rule *rule, uint32_t count, bool is_not);
void rule_match_packets(struct rule *rule, uint32_t first, uint32_t last);
void rule_set(struct rule *rule, enum field field, uint32_t value);
void rule_set_bits(struct rule *rule, enum field field, uint32_t bits); /* or-ed */
void rule_clear_bits(struct rule *rule, enum field field, uint32_t bits);
void rule_count(struct rule *rule);
void rule_limit(struct rule *rule, uint32_t rate, uint32_t burst);
void rule_end(struct rule *rule, enum rule_verdict verdict, const char *chain);
void rule_queue(struct rule *rule, uint16_t first, uint16_t count);
void rule_ask_for_whole(struct rule *rule);
void rule_log(struct rule *rule, uint16_t group, uint32_t bytes);
/* Labels: @high has a bit for each of 96 to 127, @low of 64 to 95. The first: some of them. */
void rule_match_labels(struct rule *rule, uint32_t high, uint32_t low);
void rule_match_no_labels(struct rule *rule, uint32_t high, uint32_t low);
void rule_set_labels(struct rule *rule, uint32_t high, uint32_t low);

#endif
