/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts first, words last: nothing is looked up before the totals are printed. */
#include "cli/summary.h"

#include <stdlib.h>

#include "core/sig/sig.h"
#include "core/base/order.h"

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
	summary->results[result]++;
}

static void count_unknown(struct summary *summary, const struct report *report)
{
	struct sig shape;

	tally_shape(report->syn, &shape);
	tally_add(summary->unknown, report->now_ms, &shape, 0, 1);
}

void summary_count_report(struct summary *summary, const struct report *report)
{
	const struct verdict *verdict = &report->verdict;

	if (syn_is_answer(report->syn)) {
		summary->answers++;
		summary->server_classes[verdict->class_id]++;
		return;
	}
	summary->classes[verdict->class_id]++;
	summary->links[verdict->link]++;
	summary->mtus[report->link->mtu]++;
	for (unsigned flags = verdict->flags; flags; flags &= flags - 1)
		summary->flags[__builtin_ctz(flags)]++;
	if (verdict->match == MATCH_NONE && summary->unknown)
		count_unknown(summary, report);
}

static void add_row(struct table *table, const char *name, uint64_t count)
{
	if (count > 0)
		table->rows[table->count++] = (struct row){name, count};
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = a, *right = b;

	return order_down(left->count, right->count);
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

/* ---- what was read ---- */

static void put_skipped_json(const struct peel_counts *frames, struct text_buf *buf)
{
	text_put(buf, ",\"skipped\":{");
	for (unsigned r = LAYERS_IP + 1; r < LAYERS_RESULT_COUNT; r++)
		text_putf(buf, "%s\"%s\":%llu", r > LAYERS_IP + 1 ? "," : "",
			  layers_result_name((enum layers_result)r),
			  (unsigned long long)frames->results[r]);
	text_putf(buf, "},\"tunnels\":%llu", (unsigned long long)frames->tunnels);
}

static void put_packets_json(const struct summary *summary, const struct peel_counts *frames,
			     struct text_buf *buf)
{
	text_putf(buf, "{\"packets\":%llu,\"syns\":%llu,\"synacks\":%llu,\"not_syns\":{",
		  (unsigned long long)frames->frames,
		  (unsigned long long)(summary->results[SYN_OK] - summary->answers),
		  (unsigned long long)summary->answers);
	for (unsigned r = SYN_OK + 1; r < SYN_RESULT_COUNT; r++)
		text_putf(buf, "%s\"%s\":%llu", r > SYN_OK + 1 ? "," : "",
			  syn_result_name((enum syn_result)r),
			  (unsigned long long)summary->results[r]);
	text_put_char(buf, '}');
	put_skipped_json(frames, buf);
}

static void put_count(struct text_buf *buf, const char *name, uint64_t count)
{
	if (count > 0)
		text_putf(buf, ", %s %llu", name, (unsigned long long)count);
}

static void put_packets_text(const struct summary *summary, const struct peel_counts *frames,
			     struct text_buf *buf)
{
	text_putf(buf, "packets %llu, SYNs %llu", (unsigned long long)frames->frames,
		  (unsigned long long)(summary->results[SYN_OK] - summary->answers));
	put_count(buf, "SYN+ACKs", summary->answers);
	for (unsigned r = SYN_OK + 1; r < SYN_RESULT_COUNT; r++)
		put_count(buf, syn_result_name((enum syn_result)r), summary->results[r]);
	for (unsigned r = LAYERS_IP + 1; r < LAYERS_RESULT_COUNT; r++)
		put_count(buf, layers_result_name((enum layers_result)r), frames->results[r]);
	put_count(buf, "in tunnels (see --decap)", frames->tunnels);
	text_put_char(buf, '\n');
}

/* ---- MTUs ---- */

#define MTUS_TOLD 20
#define BAR_COLUMNS 40

/* The least count of the MTUS_TOLD most common ones. */
static uint32_t least_told(const struct summary *summary)
{
	uint32_t top[MTUS_TOLD] = {0};

	for (unsigned mtu = 1; mtu <= UINT16_MAX; mtu++) {
		unsigned at = MTUS_TOLD;

		if (summary->mtus[mtu] <= top[MTUS_TOLD - 1])
			continue;
		for (at = MTUS_TOLD - 1; at && top[at - 1] < summary->mtus[mtu]; at--)
			top[at] = top[at - 1];
		top[at] = summary->mtus[mtu];
	}
	return top[MTUS_TOLD - 1] ? top[MTUS_TOLD - 1] : 1;
}

static void put_bar(struct text_buf *buf, uint32_t count, uint32_t most)
{
	unsigned columns = (unsigned)((uint64_t)count * BAR_COLUMNS / most);

	for (unsigned i = 0; i < (columns ? columns : 1); i++)
		text_put_char(buf, '#');
	text_put_char(buf, '\n');
}

/* The most common ones, by size. */
static void put_mtus_text(const struct summary *summary, struct text_buf *buf)
{
	uint32_t least = least_told(summary), most = 0;
	uint64_t others = 0;

	for (unsigned mtu = 1; mtu <= UINT16_MAX; mtu++)
		most = summary->mtus[mtu] > most ? summary->mtus[mtu] : most;
	text_put(buf, most ? "\nMTU\n" : "\nMTU\n  none\n");
	for (unsigned mtu = 1; mtu <= UINT16_MAX; mtu++) {
		uint32_t count = summary->mtus[mtu];

		if (count < least) {
			others += count;
			continue;
		}
		text_putf(buf, "  %5u %12u ", mtu, count);
		put_bar(buf, count, most);
	}
	if (others)
		text_putf(buf, "  other %12llu\n", (unsigned long long)others);
}

static void put_mtus_json(const struct summary *summary, struct text_buf *buf)
{
	uint32_t least = least_told(summary);
	uint64_t others = 0;

	text_put(buf, ",\"mtus\":{");
	for (unsigned mtu = 1; mtu <= UINT16_MAX; mtu++)
		if (summary->mtus[mtu] >= least)
			text_putf(buf, "\"%u\":%u,", mtu, summary->mtus[mtu]);
		else
			others += summary->mtus[mtu];
	text_putf(buf, "\"other\":%llu}", (unsigned long long)others);
}

/* ---- shapes that nothing looks like ---- */

#define UNKNOWN_TOLD 10

static void put_unknown(const struct summary *summary, bool json, struct text_buf *buf)
{
	static struct tally_entry entries[UNKNOWN_TOLD];
	size_t count = summary->unknown ? tally_list(summary->unknown, entries, UNKNOWN_TOLD) : 0;

	text_put(buf, json ? ",\"unknown\":{" : count ? "\nUnknown shapes\n" : "");
	for (size_t i = 0; i < count; i++) {
		if (json)
			text_put(buf, i ? ",\"" : "\"");
		else
			text_putf(buf, "  %12llu  ", (unsigned long long)entries[i].count);
		sig_format(&entries[i].sig, buf);
		if (json)
			text_putf(buf, "\":%llu", (unsigned long long)entries[i].count);
		else
			text_put_char(buf, '\n');
	}
	text_put(buf, json ? "}" : "");
}

static void put_words(const struct summary *summary, const struct vocab *vocab, bool json,
		      struct text_buf *buf)
{
	struct table classes = {.title = "Class", .key = "classes"};
	struct table servers = {.title = "Class of servers", .key = "server_classes"};
	struct table links = {.title = "Link", .key = "links"};
	struct table flags = {.title = "Flag", .key = "flags"};
	uint64_t syns = summary->results[SYN_OK] - summary->answers;

	VOCAB_EACH_CLASS (i) {
		const char *name = vocab_text(vocab, VOCAB_CLASS, i);

		add_row(&classes, name, summary->classes[i]);
		add_row(&servers, name, summary->server_classes[i]);
	}
	for (unsigned i = 0; i < ROWS_MAX; i++)
		add_row(&links, vocab_text(vocab, VOCAB_LINK, i), summary->links[i]);
	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++)
		add_row(&flags, verdict_flag_name((enum verdict_flag)(1u << i)), summary->flags[i]);
	put_table(&classes, syns, json, buf);
	if (summary->answers)
		put_table(&servers, summary->answers, json, buf);
	put_table(&links, syns, json, buf);
	put_table(&flags, syns, json, buf);
}

void summary_put(const struct summary *summary, const struct peel_counts *frames,
		 const struct vocab *vocab, bool json, struct text_buf *buf)
{
	if (json) {
		put_packets_json(summary, frames, buf);
		put_words(summary, vocab, true, buf);
		put_mtus_json(summary, buf);
		put_unknown(summary, true, buf);
		text_put(buf, summary->clocks ? "," : "");
		text_put(buf, summary->clocks ? summary->clocks : "");
		text_put(buf, "}\n");
		return;
	}
	put_packets_text(summary, frames, buf);
	put_words(summary, vocab, false, buf);
	text_put(buf, summary->clocks ? summary->clocks : "");
	put_mtus_text(summary, buf);
	put_unknown(summary, false, buf);
}
