/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts first, words last: nothing is looked up before the totals are printed. */
#include "cli/summary.h"

#include <stdlib.h>

#define ROWS_MAX (VOCAB_LINKS_MAX + 1)

struct row {
	const char *name;
	uint64_t count;
};

/* One section of the summary, in the making. */
struct table {
	const char *title, *key;
	unsigned count;
	struct row rows[ROWS_MAX];
};

void summary_count_packet(struct summary *summary, enum syn_result result)
{
	summary->packets++;
	summary->results[result]++;
}

void summary_count_verdict(struct summary *summary, const struct verdict *verdict)
{
	summary->classes[verdict->class_id]++;
	summary->links[verdict->link]++;
	for (unsigned flags = verdict->flags; flags; flags &= flags - 1)
		summary->flags[__builtin_ctz(flags)]++;
}

static void add_row(struct table *table, const char *name, uint64_t count)
{
	if (count > 0)
		table->rows[table->count++] = (struct row){name, count};
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return (left->count < right->count) - (left->count > right->count);
}

static void put_json_table(const struct table *table, struct text_buf *buf)
{
	text_putf(buf, ",\"%s\":{", table->key);
	for (unsigned i = 0; i < table->count; i++) {
		if (i)
			text_put_char(buf, ',');
		text_put_json(buf, table->rows[i].name);
		text_put_char(buf, ':');
		text_put_uint(buf, table->rows[i].count);
	}
	text_put_char(buf, '}');
}

static void put_text_table(const struct table *table, uint64_t syns, struct text_buf *buf)
{
	text_putf(buf, "\n%s\n", table->title);
	for (unsigned i = 0; i < table->count; i++)
		text_putf(buf, "  %-28s %12llu %6.2f%%\n", table->rows[i].name,
			  (unsigned long long)table->rows[i].count,
			  100.0 * (double)table->rows[i].count / (double)syns);
	if (table->count == 0)
		text_put(buf, "  none\n");
}

static void put_table(struct table *table, uint64_t syns, bool json, struct text_buf *buf)
{
	qsort(table->rows, table->count, sizeof(table->rows[0]), compare_rows);
	if (json)
		put_json_table(table, buf);
	else
		put_text_table(table, syns, buf);
}

static void put_packets(const struct summary *summary, bool json, struct text_buf *buf)
{
	uint64_t syns = summary->results[SYN_OK];

	if (json) {
		text_putf(buf, "{\"packets\":%llu,\"syns\":%llu,\"not_syns\":{",
			  (unsigned long long)summary->packets, (unsigned long long)syns);
		for (unsigned r = SYN_OK + 1; r < SYN_RESULT_COUNT; r++)
			text_putf(buf, "%s\"%s\":%llu", r > SYN_OK + 1 ? "," : "",
				  syn_result_name((enum syn_result)r),
				  (unsigned long long)summary->results[r]);
		text_put_char(buf, '}');
		return;
	}
	text_putf(buf, "packets %llu, SYNs %llu", (unsigned long long)summary->packets,
		  (unsigned long long)syns);
	for (unsigned r = SYN_OK + 1; r < SYN_RESULT_COUNT; r++)
		if (summary->results[r] > 0)
			text_putf(buf, ", %s %llu", syn_result_name((enum syn_result)r),
				  (unsigned long long)summary->results[r]);
	text_put_char(buf, '\n');
}

void summary_put(const struct summary *summary, const struct vocab *vocab, bool json,
		 struct text_buf *buf)
{
	struct table classes = {.title = "Class", .key = "classes"};
	struct table links = {.title = "Link", .key = "links"};
	struct table flags = {.title = "Flag", .key = "flags"};
	uint64_t syns = summary->results[SYN_OK];

	for (unsigned i = 0; i < VOCAB_CLASSES_MAX; i++)
		add_row(&classes, vocab_text(vocab, VOCAB_CLASS, i), summary->classes[i]);
	for (unsigned i = 0; i < ROWS_MAX; i++)
		add_row(&links, vocab_text(vocab, VOCAB_LINK, i), summary->links[i]);
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++)
		add_row(&flags, verdict_flag_name((enum verdict_flag)(1u << i)), summary->flags[i]);
	put_packets(summary, json, buf);
	put_table(&classes, syns, json, buf);
	put_table(&links, syns, json, buf);
	put_table(&flags, syns, json, buf);
	text_put(buf, json ? "}\n" : "");
}
