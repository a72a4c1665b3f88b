/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint unknown: what nothing in the databases looks like, ready to be named and pasted. */
#include "cli/unknown.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/ask.h"
#include "cli/classify/classify.h"
#include "control/proto.h"

static double number_of(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static void format_time(double unix_s, char text[32])
{
	time_t time_s = (time_t)unix_s;
	struct tm tm;

	snprintf(text, 32, "-");
	if (localtime_r(&time_s, &tm))
		strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

static void print_entry(const cJSON *entry, unsigned number)
{
	const cJSON *sig = cJSON_GetObjectItemCaseSensitive(entry, "sig");
	char first[32], last[32];

	if (!cJSON_IsString(sig))
		return;
	format_time(number_of(entry, "first_seen"), first);
	format_time(number_of(entry, "last_seen"), last);
	printf("\n; %.0f SYNs, from %s to %s\n", number_of(entry, "count"), first, last);
	printf("label = s:other:Unnamed:%u\nsig = %s\n", number, sig->valuestring);
}

static int print_reply(const struct cli *cli, const char *line, const cJSON *reply)
{
	const cJSON *entry;
	unsigned number = 0;

	if (cli->json) {
		puts(line);
		return CLI_OK;
	}
	printf("; %.0f SYNs of %.0f shapes that nothing in the database looks like\n",
	       number_of(reply, "syns"), number_of(reply, "shapes"));
	if (number_of(reply, "evicted") > 0)
		printf("; %.0f rare shapes gave way to others and are not shown\n",
		       number_of(reply, "evicted"));
	printf("[tcp:request]\n");
	cJSON_ArrayForEach (entry, cJSON_GetObjectItemCaseSensitive(reply, "unknown"))
		print_entry(entry, ++number);
	return CLI_OK;
}

/* ---- of captures ---- */

#define ENTRY_BYTES_MAX (SIG_TEXT_MAX + 160)

static void put_entry_json(const struct tally_entry *entry, bool is_first, struct text_buf *out)
{
	text_put(out, is_first ? "{\"sig\":\"" : ",{\"sig\":\"");
	sig_format(&entry->sig, out);
	text_putf(out, "\",\"count\":%llu,\"first_seen\":%u,\"last_seen\":%u}",
		  (unsigned long long)entry->count, entry->first_seen_s, entry->last_seen_s);
}

static void put_entry(const struct tally_entry *entry, unsigned number, struct text_buf *out)
{
	char first[32], last[32];

	format_time(entry->first_seen_s, first);
	format_time(entry->last_seen_s, last);
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

void unknown_put_tally(struct tally *tally, bool json, struct text_buf *out)
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

/* ---- of the daemon ---- */

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	cJSON *request, *reply = NULL;
	struct ask ask;
	const char *line;
	int r;

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return classify_unknown(cli, (const char *const *)(argv + optind),
					(unsigned)(argc - optind));
	request = ask_new_request("unknown");
	cJSON_AddNumberToObject(request, "limit", PROTO_LIMIT_MAX);
	r = ask_request(cli, request, &ask, &line, &reply);
	if (r == CLI_OK)
		r = print_reply(cli, line, reply);
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

const struct cli_command cli_unknown = {
	.name = "unknown",
	.arguments = "[FILE ...]",
	.summary = "List signatures that matched nothing, as a database with counts",
	.help = "Those that synprintd saw, or those of captures. Give each a label of its own and\n"
		"paste it into a signature file.\n\nOptions:\n",
	.run = run,
};
