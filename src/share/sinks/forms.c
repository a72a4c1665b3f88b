/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each form is a list of where its members come from; what an event does not have is left out. */
#include "share/sinks/forms.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cjson/cJSON.h>

const char *event_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "";
}

bool sink_wants(const struct sink_config *config, const struct sink_event *event)
{
	struct message suspect;
	uint32_t expiry_s;

	return local_judge(&config->rule, 1, event->tree, &suspect, &expiry_s) == LOCAL_TELL;
}

/* ---- copying members ---- */

struct part {
	const char *name; /* in the form; dots make objects */
	const char *path; /* in the event */
};

static const cJSON *find(const cJSON *object, const char *path)
{
	for (const char *dot; object && (dot = strchr(path, '.')); path = dot + 1) {
		char name[32];

		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		object = cJSON_GetObjectItemCaseSensitive(object, name);
	}
	return cJSON_GetObjectItemCaseSensitive(object, path);
}

/* The object that a dotted name ends in, made where it is missing; *name is left with the rest. */
static cJSON *descend(cJSON *object, const char **name)
{
	for (const char *dot; object && (dot = strchr(*name, '.')); *name = dot + 1) {
		char part[32];
		cJSON *inner;

		snprintf(part, sizeof(part), "%.*s", (int)(dot - *name), *name);
		inner = cJSON_GetObjectItemCaseSensitive(object, part);
		object = inner ? inner : cJSON_AddObjectToObject(object, part);
	}
	return object;
}

static void copy(cJSON *to, const char *name, const cJSON *value)
{
	cJSON *object = descend(to, &name), *copied;

	if (!object || !value || cJSON_IsNull(value))
		return;
	copied = cJSON_Duplicate(value, true);
	if (!cJSON_AddItemToObject(object, name, copied))
		cJSON_Delete(copied);
}

static void copy_parts(cJSON *to, const cJSON *event, const struct part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		copy(to, parts[i].name, find(event, parts[i].path));
}

static void add_text(cJSON *to, const char *name, const char *text)
{
	cJSON *object = descend(to, &name);

	if (object)
		cJSON_AddStringToObject(object, name, text);
}

/* RFC 3339 with microseconds and the zone as EVE writes it. */
static void add_time(cJSON *to, const char *name, const char *zone)
{
	struct timespec now;
	struct tm parts;
	char text[64], day[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof(text), "%s.%06ld%s", day, now.tv_nsec / 1000, zone);
	cJSON_AddStringToObject(to, name, text);
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- EVE (Suricata user guide, "EVE JSON Format") ---- */

static void make_eve(cJSON *record, const cJSON *event)
{
	static const struct part parts[] = {
		{"src_ip", "ip"},
		{"src_port", "port"},
		{"dest_ip", "syn.dst_ip"},
		{"dest_port", "syn.dst_port"},
		{"community_id", "community_id"},
		{"synprint.event", "event"},
		{"synprint.os", "os"},
		{"synprint.link", "link"},
		{"synprint.dist_hops", "dist_hops"},
		{"synprint.flags", "flags"},
		{"synprint.reasons", "reasons"},
		{"synprint.sig", "sig"},
		{"synprint.confirmed", "confirmed"},
	};

	add_time(record, "timestamp", "+0000");
	cJSON_AddStringToObject(record, "event_type", "synprint");
	cJSON_AddStringToObject(record, "proto", "TCP");
	add_text(record, "flow.state", "new");
	copy_parts(record, event, parts, COUNT(parts));
}

/* ---- the Elastic Common Schema, 8.x ---- */

static void make_ecs(cJSON *record, const cJSON *event)
{
	static const struct part parts[] = {
		{"source.ip", "ip"},
		{"source.address", "ip"},
		{"source.port", "port"},
		{"destination.ip", "syn.dst_ip"},
		{"destination.address", "syn.dst_ip"},
		{"destination.port", "syn.dst_port"},
		{"network.community_id", "community_id"},
		{"event.action", "event"},
		{"event.sequence", "seq"},
		{"host.os.family", "os.family"},
		{"host.os.full", "os.label"},
		{"tags", "flags"},
		{"synprint.os", "os"},
		{"synprint.link", "link"},
		{"synprint.dist_hops", "dist_hops"},
		{"synprint.reasons", "reasons"},
		{"synprint.sig", "sig"},
		{"synprint.confirmed", "confirmed"},
	};

	add_time(record, "@timestamp", "Z");
	add_text(record, "ecs.version", "8.11.0");
	add_text(record, "event.kind", "event");
	add_text(record, "event.module", "synprint");
	add_text(record, "event.dataset", "synprint.events");
	add_text(record, "network.transport", "tcp");
	add_text(record, "network.type", strchr(event_text(event, "ip"), ':') ? "ipv6" : "ipv4");
	copy_parts(record, event, parts, COUNT(parts));
}

void form_put(enum sink_form form, const struct sink_event *event, struct text_buf *out)
{
	cJSON *record;
	char *text;

	if (form == SINK_FORM_SYNPRINT) {
		text_put_len(out, event->line, event->len);
		return;
	}
	record = cJSON_CreateObject();
	if (form == SINK_FORM_EVE)
		make_eve(record, event->tree);
	else
		make_ecs(record, event->tree);
	text = cJSON_PrintUnformatted(record);
	if (text)
		text_put(out, text);
	else
		out->overflow = true;
	cJSON_free(text);
	cJSON_Delete(record);
}
