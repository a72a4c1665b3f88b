/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues are compared with those that are read, interfaces with those of the configuration. */
#include "cli/rules_differ.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/ask.h"

#define SHOWN_MAX 8 /* interfaces */

#define REMEDY "'synprint reload' puts synprintd's own rules in place"

struct names {
	const char *list[RULES_INTERFACES_MAX];
	unsigned count; /* 0: all */
};

static void add_line(struct rules_differ *differ, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct rules_differ *differ, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(differ->lines[differ->count++], sizeof(differ->lines[0]), fmt, args);
	va_end(args);
}

static void compare_queues(const struct rules_status *rules, const cJSON *status,
			   struct rules_differ *differ)
{
	const cJSON *queues = ask_member(status, "queues");
	unsigned count = (unsigned)cJSON_GetArraySize(queues);
	unsigned first = (unsigned)ask_number(cJSON_GetArrayItem(queues, 0), "queue");

	if (count && (rules->queue_first != first || rules->queue_count != count))
		add_line(differ,
			 "lead into queues %u to %u, and synprintd reads %u to %u: what goes into "
			 "others passes by, unclassified. " REMEDY,
			 rules->queue_first, rules->queue_first + rules->queue_count - 1u, first,
			 first + count - 1u);
}

static void names_of_rules(const struct rules_status *rules, struct names *names)
{
	for (unsigned i = 0; i < rules->interface_count; i++)
		names->list[names->count++] = rules->interfaces[i];
}

static void names_of_list(const cJSON *list, struct names *names)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (cJSON_IsString(item) && names->count < RULES_INTERFACES_MAX)
			names->list[names->count++] = item->valuestring;
}

static bool is_covered(const char *name, const struct names *by)
{
	for (unsigned i = 0; i < by->count; i++)
		if (rules_interface_covers(by->list[i], name))
			return true;
	return !by->count;
}

/* Those that are not among @others. Return: whether there are any. */
static bool put_rest(const struct names *names, const struct names *others, struct text_buf *out)
{
	unsigned count = 0;

	if (!names->count && others->count)
		text_put(out, "all others");
	for (unsigned i = 0; i < names->count; i++)
		if (!is_covered(names->list[i], others) && ++count <= SHOWN_MAX)
			text_putf(out, "%s%s", count > 1 ? ", " : "", names->list[i]);
	if (count > SHOWN_MAX)
		text_putf(out, " and %u more", count - SHOWN_MAX);
	return out->len > 0;
}

static void compare_interfaces(const struct rules_status *rules, const cJSON *list,
			       struct rules_differ *differ)
{
	struct names wanted = {.count = 0}, there = {.count = 0};
	char missing_data[256], extra_data[256];
	struct text_buf missing, extra;

	text_buf_init(&missing, missing_data, sizeof(missing_data));
	text_buf_init(&extra, extra_data, sizeof(extra_data));
	names_of_list(list, &wanted);
	names_of_rules(rules, &there);
	if (put_rest(&wanted, &there, &missing))
		add_line(differ,
			 "do not divert all that synprintd is configured for (rules.interfaces): "
			 "what comes in by %s passes by, unclassified. " REMEDY,
			 missing_data);
	if (put_rest(&there, &wanted, &extra))
		add_line(differ,
			 "divert what synprintd is not configured for (rules.interfaces), and it "
			 "is classified: what comes in by %s. " REMEDY,
			 extra_data);
}

void rules_differ_find(const struct rules_status *rules, const cJSON *status,
		       struct rules_differ *ret_differ)
{
	const cJSON *list = ask_member(ask_member(status, "rules"), "interfaces");

	ret_differ->count = 0;
	compare_queues(rules, status, ret_differ);
	if (cJSON_IsArray(list))
		compare_interfaces(rules, list, ret_differ);
}
