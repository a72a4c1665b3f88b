/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset as nft writes it; each statement is one function. */
#include "ruleset/ruleset_text.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>

static void put_field(const struct ruleset *ruleset, enum field field, struct text_buf *out)
{
	text_put(out, field_info(field)->text);
	if (field != FIELD_QUEUE)
		return;
	text_putf(out, " mod %u", ruleset->queue_count);
	if (ruleset->queue_first)
		text_putf(out, " offset %u", ruleset->queue_first);
}

static void put_prefix_mask(unsigned prefix, struct text_buf *out)
{
	struct in6_addr mask = {.s6_addr = {0}};
	char text[INET6_ADDRSTRLEN];

	for (unsigned bit = 0; bit < prefix; bit++)
		mask.s6_addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	text_putf(out, " & %s", inet_ntop(AF_INET6, &mask, text, sizeof(text)));
}

static void put_key(const struct ruleset *ruleset, const struct rule_key *key, struct text_buf *out)
{
	for (unsigned i = 0; i < key->count; i++) {
		text_put(out, i ? " . " : "");
		put_field(ruleset, key->fields[i], out);
		if (key->prefix6 && field_is_ip6(key->fields[i]))
			put_prefix_mask(key->prefix6, out);
	}
}

static void put_flags(uint32_t flags, struct text_buf *out)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack"};
	const char *separator = "";

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags >> i & 1) {
			text_putf(out, "%s%s", separator, names[i]);
			separator = " | ";
		}
}

static void put_value(enum field field, uint32_t value, struct text_buf *out)
{
	if (field == FIELD_TCP_FLAGS)
		put_flags(value, out);
	else if (field == FIELD_NFPROTO)
		text_put(out, value == NFPROTO_IPV4 ? "ipv4" : "ipv6");
	else if (field == FIELD_WAY_BACK)
		text_put(out, value ? "exists" : "missing");
	else if (field == FIELD_L4PROTO && value == IPPROTO_TCP)
		text_put(out, "tcp");
	else if (field == FIELD_PRIORITY && !value)
		text_put(out, "none");
	else if (field == FIELD_PRIORITY)
		text_putf(out, "%x:%x", value >> 16, value & 0xffff);
	else if (field == FIELD_QUEUE || field == FIELD_CT_DIRECTION)
		text_putf(out, "%u", value);
	else
		text_putf(out, "0x%08x", value);
}

static void put_match(const struct ruleset *ruleset, const struct statement *match,
		      struct text_buf *out)
{
	put_field(ruleset, match->field, out);
	if (match->mask != UINT32_MAX) {
		text_put(out, " & ");
		text_put(out, match->field == FIELD_TCP_FLAGS ? "(" : "");
		put_value(match->field, match->mask, out);
		text_put(out, match->field == FIELD_TCP_FLAGS ? ")" : "");
	}
	text_put(out, match->is_not ? " != " : match->mask != UINT32_MAX ? " == " : " ");
	put_value(match->field, match->value, out);
}

static void put_timeout(uint64_t timeout_ms, struct text_buf *out)
{
	if (timeout_ms % 1000)
		text_putf(out, "timeout %llums", (unsigned long long)timeout_ms);
	else
		text_putf(out, "timeout %llus", (unsigned long long)timeout_ms / 1000);
}

static void put_change(const struct ruleset *ruleset, const struct statement *change,
		       struct text_buf *out)
{
	static const char *const verbs[] = {"add", "update", "delete"};

	text_putf(out, "%s @%s { ", verbs[change->change], change->set);
	put_key(ruleset, &change->key, out);
	if (change->timeout_ms) {
		text_put_char(out, ' ');
		put_timeout(change->timeout_ms, out);
	}
	if (change->has_data)
		text_putf(out, " : 0x%08x", change->value);
	text_put(out, " }");
}

static void put_set_field(const struct statement *set, struct text_buf *out)
{
	const char *field = field_info(set->field)->text;

	if (!set->mask) {
		text_putf(out, "%s set ", field);
		put_value(set->field, set->value, out);
	} else if (set->value)
		text_putf(out, "%s set %s | 0x%08x", field, field, set->value);
	else
		text_putf(out, "%s set %s & 0x%08x", field, field, set->mask);
}

static void put_verdict(const struct statement *end, struct text_buf *out)
{
	static const char *const verdicts[] = {"goto ", "jump ", "return"};

	text_putf(out, "%s%s", verdicts[end->verdict], end->name);
}

static void put_queue(const struct ruleset *ruleset, const struct statement *queue,
		      struct text_buf *out)
{
	text_put(out, "queue flags bypass to ");
	if (queue->queue_count > 1)
		put_field(ruleset, FIELD_QUEUE, out);
	else
		text_putf(out, "%u", queue->queue_first);
}

static void put_labels(const struct statement *labels, struct text_buf *out)
{
	uint64_t bits = (uint64_t)labels->mask << 32 | labels->value;
	const char *separator = "";

	text_put(out, labels->kind == STATEMENT_SET_LABELS ? "ct label set "
		      : labels->is_not                     ? "ct label ! "
							   : "ct label ");
	for (unsigned i = 0; i < 64; i++)
		if (bits >> i & 1) {
			text_putf(out, "%s%u", separator, 64 + i);
			separator = ",";
		}
}

static void put_statement(const struct ruleset *ruleset, const struct statement *statement,
			  struct text_buf *out)
{
	switch (statement->kind) {
	case STATEMENT_MATCH: put_match(ruleset, statement, out); return;
	case STATEMENT_MATCH_NAME:
		text_putf(out, "%s \"%s\"", field_info(statement->field)->text, statement->name);
		return;
	case STATEMENT_LOOKUP:
		put_key(ruleset, &statement->key, out);
		text_putf(out, "%s @%s", statement->is_not ? " !=" : "", statement->set);
		return;
	case STATEMENT_CHANGE: put_change(ruleset, statement, out); return;
	case STATEMENT_SET_FIELD: put_set_field(statement, out); return;
	case STATEMENT_COUNTER: text_put(out, "counter"); return;
	case STATEMENT_LIMIT:
		text_putf(out, "limit rate %u/second burst %u packets", statement->rate,
			  statement->burst);
		return;
	case STATEMENT_VERDICT: put_verdict(statement, out); return;
	case STATEMENT_QUEUE: put_queue(ruleset, statement, out); return;
	case STATEMENT_WHOLE: text_put(out, "tproxy to :1"); return;
	case STATEMENT_MATCH_COUNT:
		text_putf(out, "%s & %llu %s 0", field_info(FIELD_CT_ORIGINAL_PACKETS)->text,
			  (unsigned long long)~(uint64_t)(statement->value - 1),
			  statement->is_not ? "!=" : "==");
		return;
	case STATEMENT_MATCH_PACKETS:
		text_putf(out, "%s %u-%u", field_info(FIELD_CT_ORIGINAL_PACKETS)->text,
			  statement->mask, statement->value);
		return;
	case STATEMENT_MATCH_LABELS:
	case STATEMENT_SET_LABELS: put_labels(statement, out); return;
	case STATEMENT_LOG:
		text_putf(out, "log group %u snaplen %u", statement->rate, statement->burst);
		return;
	}
}

/* A map whose key is longer than a register of 16 bytes: netlink_gen_map_stmt() of nft 1.0.6. */
static bool aborts_nft(const struct rule *rule)
{
	for (unsigned i = 0; i < rule->count; i++) {
		const struct statement *change = &rule->statements[i];

		if (change->kind == STATEMENT_CHANGE && change->has_data && change->key.count > 1 &&
		    field_is_ip6(change->key.fields[0]))
			return true;
	}
	return false;
}

static void put_rule(const struct ruleset *ruleset, const struct rule *rule, const char *tag,
		     struct text_buf *out)
{
	if (aborts_nft(rule))
		text_put(out, "\t\t# nft 1.0.6 aborts at this rule; without it the map stays "
			      "empty:\n\t\t# ");
	else
		text_put(out, "\t\t");
	for (unsigned i = 0; i < rule->count; i++) {
		put_statement(ruleset, &rule->statements[i], out);
		text_put_char(out, ' ');
	}
	text_putf(out, "comment \"%s%s%s\"\n", tag, rule->comment[0] ? " " : "", rule->comment);
}

static void put_set_type(const struct ruleset *ruleset, const struct ruleset_set *set,
			 struct text_buf *out)
{
	if (set->is_typeof) {
		text_put(out, "typeof ");
		put_key(ruleset,
			&(struct rule_key){.count = set->key.count,
					   .fields = {set->key.fields[0], set->key.fields[1],
						      set->key.fields[2], set->key.fields[3]}},
			out);
		return;
	}
	text_put(out, "type ");
	for (unsigned i = 0; i < set->key.count; i++)
		text_putf(out, "%s%s", i ? " . " : "", field_info(set->key.fields[i])->type_text);
	text_put(out, set->is_mark_map ? " : mark" : "");
}

static void put_set(const struct ruleset *ruleset, const struct ruleset_set *set, const char *tag,
		    struct text_buf *out)
{
	text_putf(out, "\t%s %s {\n\t\t", set->is_mark_map ? "map" : "set", set->name);
	put_set_type(ruleset, set, out);
	text_putf(out, "\n\t\tsize %u\n\t\tflags dynamic,timeout\n\t\t", set->size);
	put_timeout(set->timeout_ms, out);
	if (set->collect_ms && !set->is_mark_map) /* nft 1.0.6 has no word for it in maps */
		text_putf(out, "\n\t\tgc-interval %us", set->collect_ms / 1000);
	text_putf(out, "\n\t\tcomment \"%s\"\n\t}\n\n", tag);
}

static void put_chain(const struct ruleset *ruleset, const struct ruleset_chain *chain,
		      const char *tag, struct text_buf *out)
{
	static const char *const hooks[] = {"prerouting", "input", "forward", "output",
					    "postrouting"};

	text_putf(out, "\tchain %s {\n", chain->name);
	if (chain->is_base)
		text_putf(out, "\t\ttype filter hook %s priority %d; policy accept;\n",
			  hooks[chain->hook], chain->priority);
	for (unsigned i = 0; tag && i < ruleset->rule_count; i++)
		if (strcmp(ruleset->rules[i].chain, chain->name) == 0)
			put_rule(ruleset, &ruleset->rules[i], tag, out);
	text_put(out, "\t}\n\n");
}

void ruleset_put_text(const struct ruleset *ruleset, const char *table, const char *tag,
		      struct text_buf *out)
{
	text_putf(out, "table inet %s {\n", table);
	for (unsigned i = 0; i < ruleset->set_count; i++)
		put_set(ruleset, &ruleset->sets[i], tag, out);
	for (unsigned i = 0; i < ruleset->chain_count; i++)
		put_chain(ruleset, &ruleset->chains[i], NULL, out);
	text_put(out, "}\n\n");
	for (unsigned i = 0; i < ruleset->chain_count; i++)
		text_putf(out, "flush chain inet %s %s\n", table, ruleset->chains[i].name);
	text_putf(out, "\ntable inet %s {\n", table);
	for (unsigned i = 0; i < ruleset->chain_count; i++)
		put_chain(ruleset, &ruleset->chains[i], tag, out);
	text_put(out, "}\n");
}
