/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring of seconds. */
#include "web/series.h"

#include <stdio.h>
#include <string.h>

#include "web/exchange.h"

void series_look(struct series *series, int64_t now_s)
{
	series->looked_s = now_s;
}

bool series_is_wanted(const struct series *series, int64_t now_s)
{
	return series->looked_s && now_s - series->looked_s <= SERIES_PATIENCE_S;
}

void series_set_on(struct series *series, bool is_on, int64_t now_s)
{
	int64_t looked_s = series->looked_s;

	if (!is_on)
		*series = (struct series){.looked_s = looked_s};
	series->is_on = is_on;
	series->since_s = now_s;
}

static struct series_second *second_at(struct series *series, int64_t now_s)
{
	struct series_second *second = &series->seconds[now_s % SERIES_SECONDS];

	if (second->at_s != now_s)
		*second = (struct series_second){.at_s = now_s};
	return second;
}

static unsigned class_number(struct series *series, const char *name)
{
	for (unsigned i = 0; i < series->class_count; i++)
		if (strcmp(series->names[i], name) == 0)
			return i;
	if (series->class_count == SERIES_CLASSES || strlen(name) >= sizeof(series->names[0]))
		return SERIES_CLASSES;
	snprintf(series->names[series->class_count], sizeof(series->names[0]), "%s", name);
	return series->class_count++;
}

static void count_syn(struct series *series, const cJSON *event, struct series_second *second)
{
	const char *class = exchange_text(exchange_get(event, "os"), "class");
	const cJSON *flag;

	second->read++;
	cJSON_ArrayForEach (flag, exchange_get(event, "flags"))
		second->unknown +=
			cJSON_IsString(flag) && strcmp(flag->valuestring, "unknown") == 0;
	second->classes[class_number(series, *class ? class : "unknown")]++;
}

bool series_take(struct series *series, const char *line, int64_t now_s)
{
	struct series_second *second = second_at(series, now_s);
	cJSON *event = cJSON_Parse(line);
	const char *kind = exchange_text(event, "event");
	double missed = exchange_number(event, "missed");

	if (strcmp(kind, "gap") == 0)
		second->missed += missed > 0 && missed < 1e9 ? (unsigned)missed : 0;
	else if (strcmp(kind, "new") == 0 || strcmp(kind, "change") == 0 ||
		 strcmp(kind, "syn") == 0)
		count_syn(series, event, second);
	cJSON_Delete(event);
	return second->read < SERIES_READ_MAX;
}

const struct series_second *series_second(const struct series *series, int64_t at_s)
{
	const struct series_second *second = &series->seconds[at_s % SERIES_SECONDS];

	return at_s > 0 && second->at_s == at_s ? second : NULL;
}

unsigned series_scale(const struct series_second *second, unsigned count)
{
	if (!second->read)
		return 0;
	return (unsigned)((double)count * ((double)second->read + second->missed) / second->read +
			  0.5);
}
