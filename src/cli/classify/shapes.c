/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same text and JSON as the daemon's own unknown shapes have. */
#include "cli/classify/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ENTRY_BYTES_MAX (SIG_TEXT_MAX + 160)

void shapes_format_time(uint32_t unix_s, char text[SHAPES_TIME_MAX])
{
	time_t time_s = (time_t)unix_s;
	struct tm tm;

	snprintf(text, SHAPES_TIME_MAX, "-");
	if (localtime_r(&time_s, &tm))
		strftime(text, SHAPES_TIME_MAX, "%Y-%m-%d %H:%M:%S", &tm);
}

static void put_entry_json(const struct tally_entry *entry, bool is_first, struct text_buf *out)
{
	text_put(out, is_first ? "{\"sig\":\"" : ",{\"sig\":\"");
	sig_format(&entry->sig, out);
	text_putf(out, "\",\"count\":%llu,\"first_seen\":%u,\"last_seen\":%u}",
		  (unsigned long long)entry->count, entry->first_seen_s, entry->last_seen_s);
}

static void put_entry(const struct tally_entry *entry, unsigned number, struct text_buf *out)
{
	char first[SHAPES_TIME_MAX], last[SHAPES_TIME_MAX];

	shapes_format_time(entry->first_seen_s, first);
	shapes_format_time(entry->last_seen_s, last);
	text_putf(out, "\n; %llu SYNs, from %s to %s\nlabel = s:other:Unnamed:%u\nsig = ",
		  (unsigned long long)entry->count, first, last, number);
	sig_format(&entry->sig, out);
	text_put_char(out, '\n');
}

static void put_head(const struct tally_stats *stats, bool json, struct text_buf *out)
{
	if (json) {
		text_putf(out,
			  "{\"ok\":true,\"syns\":%llu,\"shapes\":%zu,\"capacity\":%zu,"
			  "\"evicted\":%llu,\"unknown\":[",
			  (unsigned long long)stats->total, stats->used, stats->capacity,
			  (unsigned long long)stats->evicted);
		return;
	}
	text_putf(out, "; %llu SYNs of %zu shapes that nothing in the database looks like\n",
		  (unsigned long long)stats->total, stats->used);
	if (stats->evicted)
		text_putf(out, "; %llu rare shapes gave way to others and are not shown\n",
			  (unsigned long long)stats->evicted);
	text_put(out, "[tcp:request]\n");
}

void shapes_put(struct tally *tally, bool json, struct text_buf *out)
{
	struct tally_stats stats;
	struct tally_entry *entries;
	size_t count = 0;

	tally_get_stats(tally, &stats);
	entries = calloc(stats.used + 1, sizeof(*entries));
	if (entries)
		count = tally_list(tally, entries, stats.used);
	put_head(&stats, json, out);
	for (size_t i = 0; i < count && out->size - out->len > ENTRY_BYTES_MAX; i++)
		if (json)
			put_entry_json(&entries[i], i == 0, out);
		else
			put_entry(&entries[i], (unsigned)i + 1, out);
	text_put(out, json ? "]}\n" : "");
	free(entries);
}
