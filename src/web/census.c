/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting clients: lists of few different words, searched from the front, where the frequent are. */
#include "web/census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/exchange.h"
#include "core/base/order.h"

#define OLD_S 5

struct census {
	struct synprint_async *async;
	struct census_table now, next;
	bool has_now, is_running;
	int64_t looked_s; /* when the last count was begun */
};

static void copy(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%s", text);
}

static void count_class(struct census_table *table, const char *name)
{
	unsigned i = 0;

	while (i < table->class_count && strcmp(table->classes[i].name, name) != 0)
		i++;
	if (i == CENSUS_CLASSES)
		return;
	if (i == table->class_count)
		copy(table->classes[table->class_count++].name, CENSUS_WORD_MAX, name);
	table->classes[i].count++;
}

static void count_mtu(struct census_table *table, unsigned mtu, const char *link)
{
	unsigned i = 0;

	while (i < table->mtu_count && table->mtus[i].mtu != mtu)
		i++;
	if (i == CENSUS_MTUS || !mtu)
		return;
	if (i == table->mtu_count) {
		table->mtus[table->mtu_count++].mtu = mtu;
		copy(table->mtus[i].link, CENSUS_WORD_MAX, link);
	}
	table->mtus[i].count++;
}

static void count_shape(struct census_table *table, const char *label, unsigned mtu)
{
	unsigned i = 0;

	while (i < table->shape_count &&
	       (table->shapes[i].mtu != mtu ||
		strncmp(table->shapes[i].label, label, CENSUS_WORD_MAX - 1) != 0))
		i++;
	if (i == CENSUS_SHAPES)
		return;
	if (i == table->shape_count) {
		table->shapes[table->shape_count++].mtu = mtu;
		copy(table->shapes[i].label, CENSUS_WORD_MAX, label);
	}
	table->shapes[i].count++;
}

static void count_grade(struct census_table *table, const char *grade)
{
	static const char *const names[] = {"none", "access", "possible", "likely"};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		table->grades[i] += strcmp(names[i], grade) == 0;
}

static bool has_word(const cJSON *list, const char *word)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (cJSON_IsString(item) && strcmp(item->valuestring, word) == 0)
			return true;
	return false;
}

static bool is_suspect(const cJSON *flags)
{
	static const char *const words[] = {"vpn",          "tunnel",    "scanner", "os_mismatch",
					    "inconsistent", "malformed", "proxy"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (has_word(flags, words[i]))
			return true;
	return false;
}

static void join(const cJSON *list, char *buf, size_t size)
{
	const cJSON *item;
	size_t len = 0;

	buf[0] = '\0';
	cJSON_ArrayForEach (item, list) {
		const char *word = cJSON_GetStringValue(item);

		if (word && len + strlen(word) + 2 < size)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
						word);
	}
}

/* The oldest of a full list gives way. */
static void keep_suspect(struct census_table *table, const cJSON *client, int64_t last_seen)
{
	struct census_suspect *list = table->suspects;
	unsigned at = 0, last;

	while (at < table->suspect_count && list[at].last_seen >= last_seen)
		at++;
	if (at == CENSUS_SUSPECTS)
		return;
	last = table->suspect_count < CENSUS_SUSPECTS ? table->suspect_count++
						      : CENSUS_SUSPECTS - 1;
	memmove(&list[at + 1], &list[at], (last - at) * sizeof(list[0]));
	copy(list[at].ip, sizeof(list[at].ip), exchange_text(client, "ip"));
	copy(list[at].label, CENSUS_WORD_MAX, exchange_text(exchange_get(client, "os"), "label"));
	copy(list[at].link, CENSUS_WORD_MAX, exchange_text(exchange_get(client, "link"), "label"));
	join(exchange_get(client, "flags"), list[at].flags, sizeof(list[at].flags));
	join(exchange_get(client, "reasons"), list[at].reasons, sizeof(list[at].reasons));
	list[at].port = (unsigned)exchange_number(client, "port");
	list[at].last_seen = last_seen;
}

static void count_client(struct census_table *table, const cJSON *client)
{
	const cJSON *os = exchange_get(client, "os"), *link = exchange_get(client, "link");
	const cJSON *flags = exchange_get(client, "flags");
	double number = exchange_number(link, "mtu");
	unsigned mtu = number > 0 && number < 100000 ? (unsigned)number : 0;

	table->clients++;
	table->unknown += has_word(flags, "unknown");
	count_class(table, exchange_text(os, "class"));
	count_mtu(table, mtu, exchange_text(link, "label"));
	count_shape(table, exchange_text(os, "label"), mtu);
	count_grade(table, exchange_text(link, "grade"));
	if (is_suspect(flags))
		keep_suspect(table, client,
			     (int64_t)exchange_number(exchange_get(client, "client"), "last_seen"));
}

uint64_t census_take(struct census_table *table, const char *line)
{
	cJSON *page = cJSON_Parse(line);
	double cursor = exchange_number(page, "cursor");
	const cJSON *client;

	cJSON_ArrayForEach (client, exchange_get(page, "clients"))
		count_client(table, client);
	cJSON_Delete(page);
	return cursor > 0 && cursor < 9007199254740992.0 ? (uint64_t)cursor : 0;
}

static int compare_classes(const void *a, const void *b)
{
	const struct census_class *left = a, *right = b;

	return order_down(left->count, right->count);
}

static int compare_mtus(const void *a, const void *b)
{
	const struct census_mtu *left = a, *right = b;

	return order_down(left->count, right->count);
}

static void take_page(void *ctx, int rc, const char *line);

static void ask(struct census *census, uint64_t cursor)
{
	char text[96];

	snprintf(text, sizeof(text), "{\"op\":\"clients\",\"limit\":1000,\"cursor\":%llu}",
		 (unsigned long long)cursor);
	census->is_running = census->async &&
			     synprint_async_request(census->async, text, take_page, census) == 0;
}

static void take_page(void *ctx, int rc, const char *line)
{
	struct census *census = ctx;
	struct census_table *next = &census->next;
	uint64_t cursor = rc == 0 ? census_take(next, line) : 0;

	if (cursor && next->clients < CENSUS_CLIENTS_MAX) {
		ask(census, cursor);
		return;
	}
	census->is_running = false;
	if (rc < 0)
		return;
	next->is_partial = cursor != 0;
	qsort(next->classes, next->class_count, sizeof(next->classes[0]), compare_classes);
	qsort(next->mtus, next->mtu_count, sizeof(next->mtus[0]), compare_mtus);
	census->now = *next;
	census->has_now = true;
}

const struct census_table *census_look(struct census *census, int64_t now_s)
{
	if (!census->is_running && (!census->looked_s || now_s - census->looked_s >= OLD_S)) {
		census->looked_s = now_s;
		memset(&census->next, 0, sizeof(census->next));
		ask(census, 0);
	}
	return census->has_now ? &census->now : NULL;
}

bool census_is_running(const struct census *census)
{
	return census->is_running;
}

void census_attach(struct census *census, struct synprint_async *async)
{
	if (census)
		census->async = async;
}

struct census *census_new(void)
{
	return calloc(1, sizeof(struct census));
}

void census_free(struct census *census)
{
	free(census);
}
