/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /live/data: what the gateway's page draws, once a second for each viewer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/census.h"
#include "web/pages/parts.h"
#include "web/routes.h"
#include "web/series.h"

#define DATA_BYTES 98304

void live_data_ask(struct exchange *exchange)
{
	struct exchange_site *site = exchange->site;

	series_look(site->series, site->now_s);
	census_look(site->census, site->now_s);
	exchange_ask(exchange, "{\"op\":\"status\"}");
}

/* The second that runs is left out: it would look like a drop. */
static void put_counts(struct text_buf *buf, const struct exchange_site *site, int number)
{
	for (int64_t ago_s = SERIES_SECONDS - 1; ago_s >= 1; ago_s--) {
		const struct series_second *second =
			series_second(site->series, site->now_s - ago_s);
		unsigned count = !second      ? 0
				 : number < 0 ? second->read + second->missed
					      : series_scale(second, second->classes[number]);

		text_putf(buf, "%s%u", ago_s == SERIES_SECONDS - 1 ? "" : ",", count);
	}
}

static void put_series(struct text_buf *buf, const struct exchange_site *site)
{
	const struct series *series = site->series;

	text_putf(buf, "\"series\":{\"counting_s\":%lld,\"total\":[",
		  series->is_on ? (long long)(site->now_s - series->since_s) : -1);
	put_counts(buf, site, -1);
	text_put(buf, "],\"classes\":[");
	for (unsigned i = 0; i < series->class_count; i++) {
		text_put(buf, i ? ",{\"name\":" : "{\"name\":");
		text_put_json(buf, series->names[i]);
		text_put(buf, ",\"counts\":[");
		put_counts(buf, site, (int)i);
		text_put(buf, "]}");
	}
	if (series->class_count == SERIES_CLASSES) {
		text_put(buf, ",{\"name\":\"other\",\"counts\":[");
		put_counts(buf, site, SERIES_CLASSES);
		text_put(buf, "]}");
	}
	text_put(buf, "]}");
}

static void put_lists(struct text_buf *buf, const struct census_table *table)
{
	static const char *const grades[] = {"none", "access", "possible", "likely"};

	text_put(buf, ",\"grades\":[");
	for (unsigned i = 0; i < 4; i++)
		text_putf(buf, "%s{\"name\":\"%s\",\"count\":%u}", i ? "," : "", grades[i],
			  table->grades[i]);
	text_put(buf, "],\"classes\":[");
	for (unsigned i = 0; i < table->class_count; i++) {
		text_put(buf, i ? ",{\"name\":" : "{\"name\":");
		text_put_json(buf, table->classes[i].name);
		text_putf(buf, ",\"count\":%u}", table->classes[i].count);
	}
	text_put(buf, "],\"mtus\":[");
	for (unsigned i = 0; i < table->mtu_count; i++) {
		text_putf(buf, "%s{\"mtu\":%u,\"count\":%u,\"link\":", i ? "," : "",
			  table->mtus[i].mtu, table->mtus[i].count);
		text_put_json(buf, table->mtus[i].link);
		text_put(buf, "}");
	}
	text_put(buf, "]");
}

static void put_suspect(struct text_buf *buf, const struct census_suspect *suspect, int64_t now_s)
{
	text_put(buf, "{\"ip\":");
	text_put_json(buf, suspect->ip);
	text_putf(buf, ",\"port\":%u,\"label\":", suspect->port);
	text_put_json(buf, suspect->label);
	text_put(buf, ",\"link\":");
	text_put_json(buf, suspect->link);
	text_put(buf, ",\"flags\":");
	text_put_json(buf, suspect->flags);
	text_putf(buf, ",\"ago_s\":%lld,\"reasons\":[",
		  now_s > suspect->last_seen ? (long long)(now_s - suspect->last_seen) : 0);
	for (const char *word = suspect->reasons; *word;) {
		size_t len = strcspn(word, " ");
		char code[64];

		snprintf(code, sizeof(code), "%.*s", (int)len, word);
		text_put_json(buf, part_reason(code));
		word += len + strspn(word + len, " ");
		if (*word)
			text_put_char(buf, ',');
	}
	text_put(buf, "]}");
}

static void put_table(struct text_buf *buf, struct exchange_site *site)
{
	const struct census_table *table = census_look(site->census, site->now_s);

	if (!table) {
		text_put(buf, ",\"table\":null");
		return;
	}
	text_putf(buf, ",\"table\":{\"clients\":%u,\"partial\":%s,\"unknown\":%u", table->clients,
		  table->is_partial ? "true" : "false", table->unknown);
	put_lists(buf, table);
	text_put(buf, ",\"suspects\":[");
	for (unsigned i = 0; i < table->suspect_count; i++) {
		if (i)
			text_put_char(buf, ',');
		put_suspect(buf, &table->suspects[i], site->today_s);
	}
	text_put(buf, "]}");
}

static void put_status(struct text_buf *buf, const cJSON *status)
{
	static const char *const names[] = {"uptime_s", "rules", "queues", "clients"};

	text_putf(buf, ",\"up\":%s,\"status\":{", status ? "true" : "false");
	for (unsigned i = 0; status && i < sizeof(names) / sizeof(names[0]); i++) {
		char *text = cJSON_PrintUnformatted(exchange_get(status, names[i]));

		text_putf(buf, "%s\"%s\":", i ? "," : "", names[i]);
		text_put(buf, text ? text : "null");
		cJSON_free(text);
	}
	text_put(buf, "}");
}

void live_data_answer(struct exchange *exchange)
{
	cJSON *status = exchange_answer(exchange, 0);
	char *data = malloc(DATA_BYTES);
	struct text_buf buf;

	if (data) {
		text_buf_init(&buf, data, DATA_BYTES);
		text_put(&buf, "{\"ok\":true,");
		put_series(&buf, exchange->site);
		put_table(&buf, exchange->site);
		put_status(&buf, status);
		text_put(&buf, "}\n");
	}
	if (data && !buf.overflow)
		reply_set(&exchange->reply, 200, "application/json", buf.data, buf.len);
	else
		reply_refuse(&exchange->reply, 500, "failed", "out of memory");
	free(data);
	cJSON_Delete(status);
}
