/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building a ruleset; see ruleset.h. */
#include "ruleset/ruleset.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETS_MAX 160
#define CHAINS_MAX 32
#define RULES_MAX 512

/* Room for one more of an array that never moves: names in it are pointed to. */
static void *add(struct ruleset *ruleset, void **array, unsigned *count, unsigned max, size_t size)
{
	if (!*array)
		*array = calloc(max, size);
	if (!*array || *count == max) {
		ruleset->failed = true;
		return NULL;
	}
	return (char *)*array + (*count)++ * size;
}

void ruleset_free(struct ruleset *ruleset)
{
	free(ruleset->sets);
	free(ruleset->chains);
	free(ruleset->rules);
	*ruleset = (struct ruleset){.failed = true};
}

const char *ruleset_add_set(struct ruleset *ruleset, const struct ruleset_set *set)
{
	struct ruleset_set *place =
		add(ruleset, (void **)&ruleset->sets, &ruleset->set_count, SETS_MAX, sizeof(*set));

	if (!place)
		return "";
	*place = *set;
	return place->name;
}

const char *ruleset_find_set(const struct ruleset *ruleset, const char *name, char suffix)
{
	size_t len = strlen(name);

	for (unsigned i = 0; i < ruleset->set_count; i++) {
		const char *found = ruleset->sets[i].name;

		if (strncmp(found, name, len) == 0 && found[len] == suffix && !found[len + 1])
			return found;
	}
	return "";
}

void ruleset_add_base(struct ruleset *ruleset, const char *name, uint8_t hook, int priority)
{
	struct ruleset_chain *chain = add(ruleset, (void **)&ruleset->chains, &ruleset->chain_count,
					  CHAINS_MAX, sizeof(*chain));

	if (!chain)
		return;
	*chain = (struct ruleset_chain){.is_base = true, .hook = hook, .priority = priority};
	snprintf(chain->name, sizeof(chain->name), "%s", name);
}

void ruleset_add_chain(struct ruleset *ruleset, const char *name)
{
	ruleset_add_base(ruleset, name, 0, 0);
	if (ruleset->chain_count)
		ruleset->chains[ruleset->chain_count - 1].is_base = false;
}

struct rule *ruleset_add_rule(struct ruleset *ruleset, const char *chain, const char *comment, ...)
{
	static _Thread_local struct rule
		nowhere; /* where there is no room: filled, and of no use */
	struct rule *rule = add(ruleset, (void **)&ruleset->rules, &ruleset->rule_count, RULES_MAX,
				sizeof(*rule));
	va_list args;

	rule = rule ? rule : &nowhere;
	rule->count = 0;
	rule->chain = chain;
	va_start(args, comment);
	vsnprintf(rule->comment, sizeof(rule->comment), comment, args);
	va_end(args);
	return rule;
}

static struct statement *add_statement(struct rule *rule, enum statement_kind kind)
{
	struct statement *statement = &rule->statements[rule->count++];

	assert(rule->count <= RULE_STATEMENTS_MAX);
	*statement = (struct statement){.kind = kind};
	return statement;
}

static void put_match(struct rule *rule, enum field field, bool is_not, uint32_t mask,
		      uint32_t value)
{
	struct statement *match = add_statement(rule, STATEMENT_MATCH);

	match->field = field;
	match->is_not = is_not;
	match->mask = mask;
	match->value = value;
}

void rule_match(struct rule *rule, enum field field, uint32_t value)
{
	put_match(rule, field, false, UINT32_MAX, value);
}

void rule_match_masked(struct rule *rule, enum field field, uint32_t mask, uint32_t value)
{
	put_match(rule, field, false, mask, value);
}

void rule_match_any(struct rule *rule, enum field field, uint32_t mask)
{
	put_match(rule, field, true, mask, 0);
}

void rule_match_not(struct rule *rule, enum field field, uint32_t mask, uint32_t value)
{
	put_match(rule, field, true, mask, value);
}

void rule_match_count(struct rule *rule, uint32_t count, bool is_not)
{
	struct statement *match = add_statement(rule, STATEMENT_MATCH_COUNT);

	match->value = count;
	match->is_not = is_not;
}

void rule_match_packets(struct rule *rule, uint32_t first, uint32_t last)
{
	struct statement *match = add_statement(rule, STATEMENT_MATCH_PACKETS);

	match->mask = first;
	match->value = last;
}

void rule_match_name(struct rule *rule, enum field field, const char *name)
{
	struct statement *match = add_statement(rule, STATEMENT_MATCH_NAME);

	match->field = field;
	snprintf(match->name, sizeof(match->name), "%s", name);
}

void rule_lookup(struct rule *rule, const struct rule_key *key, const char *set)
{
	struct statement *lookup = add_statement(rule, STATEMENT_LOOKUP);

	lookup->key = *key;
	lookup->set = set;
}

void rule_lookup_not(struct rule *rule, const struct rule_key *key, const char *set)
{
	rule_lookup(rule, key, set);
	rule->statements[rule->count - 1].is_not = true;
}

void rule_change(struct rule *rule, enum rule_change change, const struct rule_key *key,
		 const char *set, uint64_t timeout_ms)
{
	struct statement *statement = add_statement(rule, STATEMENT_CHANGE);

	statement->change = change;
	statement->key = *key;
	statement->set = set;
	statement->timeout_ms = timeout_ms;
}

void rule_change_map(struct rule *rule, enum rule_change change, const struct rule_key *key,
		     const char *set, uint64_t timeout_ms, uint32_t data)
{
	rule_change(rule, change, key, set, timeout_ms);
	rule->statements[rule->count - 1].has_data = true;
	rule->statements[rule->count - 1].value = data;
}

static void put_field(struct rule *rule, enum field field, uint32_t mask, uint32_t value)
{
	struct statement *statement = add_statement(rule, STATEMENT_SET_FIELD);

	statement->field = field;
	statement->mask = mask;
	statement->value = value;
}

void rule_set(struct rule *rule, enum field field, uint32_t value)
{
	put_field(rule, field, 0, value);
}

void rule_set_bits(struct rule *rule, enum field field, uint32_t bits)
{
	put_field(rule, field, ~bits, bits);
}

void rule_clear_bits(struct rule *rule, enum field field, uint32_t bits)
{
	put_field(rule, field, ~bits, 0);
}

void rule_count(struct rule *rule)
{
	add_statement(rule, STATEMENT_COUNTER);
}

void rule_limit(struct rule *rule, uint32_t rate, uint32_t burst)
{
	struct statement *limit = add_statement(rule, STATEMENT_LIMIT);

	limit->rate = rate;
	limit->burst = burst;
}

void rule_end(struct rule *rule, enum rule_verdict verdict, const char *chain)
{
	struct statement *end = add_statement(rule, STATEMENT_VERDICT);

	end->verdict = verdict;
	snprintf(end->name, sizeof(end->name), "%s", chain ? chain : "");
}

void rule_queue(struct rule *rule, uint16_t first, uint16_t count)
{
	struct statement *queue = add_statement(rule, STATEMENT_QUEUE);

	queue->queue_first = first;
	queue->queue_count = count;
}

void rule_ask_for_whole(struct rule *rule)
{
	add_statement(rule, STATEMENT_WHOLE);
}

void rule_log(struct rule *rule, uint16_t group, uint32_t bytes)
{
	struct statement *log = add_statement(rule, STATEMENT_LOG);

	log->rate = group;
	log->burst = bytes;
}

static void put_labels(struct rule *rule, enum statement_kind kind, bool is_not, uint32_t high,
		       uint32_t low)
{
	struct statement *labels = add_statement(rule, kind);

	labels->is_not = is_not;
	labels->mask = high;
	labels->value = low;
}

void rule_match_labels(struct rule *rule, uint32_t high, uint32_t low)
{
	put_labels(rule, STATEMENT_MATCH_LABELS, false, high, low);
}

void rule_match_no_labels(struct rule *rule, uint32_t high, uint32_t low)
{
	put_labels(rule, STATEMENT_MATCH_LABELS, true, high, low);
}

void rule_set_labels(struct rule *rule, uint32_t high, uint32_t low)
{
	put_labels(rule, STATEMENT_SET_LABELS, false, high, low);
}
