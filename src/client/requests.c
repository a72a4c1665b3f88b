/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests as JSON, and replies and events as structs. What is not in a reply stays zero. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "client/connection.h"

static const struct flag {
	const char *name;
	enum synprint_flag flag;
} flags[] = {
	{"vpn", SYNPRINT_VPN},
	{"tunnel", SYNPRINT_TUNNEL},
	{"scanner", SYNPRINT_SCANNER},
	{"os_mismatch", SYNPRINT_OS_MISMATCH},
	{"inconsistent", SYNPRINT_INCONSISTENT},
	{"shared", SYNPRINT_SHARED},
	{"mss_clamped", SYNPRINT_MSS_CLAMPED},
	{"unknown", SYNPRINT_UNKNOWN},
	{"malformed", SYNPRINT_MALFORMED},
	{"proxy", SYNPRINT_PROXY},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static void copy_text(char *buf, size_t size, const cJSON *value)
{
	const char *text = cJSON_GetStringValue(value);

	snprintf(buf, size, "%s", text ? text : "");
}

static unsigned number(const cJSON *value)
{
	return cJSON_IsNumber(value) && value->valuedouble > 0 && value->valuedouble < 4294967296.0
		       ? (unsigned)value->valuedouble
		       : 0;
}

static unsigned permille(const cJSON *value)
{
	return cJSON_IsNumber(value) ? (unsigned)(value->valuedouble * 1000 + 0.5) : 0;
}

static unsigned find_flag(const char *name)
{
	for (size_t i = 0; i < COUNT(flags); i++)
		if (name && strcmp(flags[i].name, name) == 0)
			return flags[i].flag;
	return SYNPRINT_OTHER_FLAG;
}

static enum synprint_grade find_grade(const char *name)
{
	static const char *const names[] = {"none", "access", "possible", "likely"};

	for (size_t i = 0; name && i < COUNT(names); i++)
		if (strcmp(names[i], name) == 0)
			return (enum synprint_grade)i;
	return SYNPRINT_GRADE_NONE;
}

static void take_reasons(const cJSON *list, struct synprint_verdict *verdict)
{
	size_t len = 0;
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		const char *name = cJSON_GetStringValue(item);

		if (!name || len + strlen(name) + 2 > sizeof(verdict->reasons))
			continue;
		len += (size_t)snprintf(verdict->reasons + len, sizeof(verdict->reasons) - len,
					"%s%s", len ? " " : "", name);
	}
}

static void take_os(const cJSON *os, struct synprint_verdict *verdict)
{
	copy_text(verdict->os_class, sizeof(verdict->os_class), get(os, "class"));
	copy_text(verdict->os_family, sizeof(verdict->os_family), get(os, "family"));
	copy_text(verdict->os_label, sizeof(verdict->os_label), get(os, "label"));
	verdict->confidence_permille = permille(get(os, "confidence"));
	verdict->family_permille = permille(get(os, "family_confidence"));
}

static void take_link(const cJSON *link, struct synprint_verdict *verdict)
{
	verdict->mss = number(get(link, "mss"));
	verdict->mtu = number(get(link, "mtu"));
	copy_text(verdict->link, sizeof(verdict->link), get(link, "label"));
	verdict->grade = find_grade(cJSON_GetStringValue(get(link, "grade")));
}

static void take_verdict(const cJSON *object, struct synprint_verdict *verdict)
{
	const cJSON *lie = get(get(object, "user_agent"), "os_mismatch");
	const cJSON *distance = get(object, "dist_hops");
	const cJSON *item;

	copy_text(verdict->ip, sizeof(verdict->ip), get(object, "ip"));
	verdict->port = (uint16_t)number(get(object, "port"));
	take_os(get(object, "os"), verdict);
	take_link(get(object, "link"), verdict);
	take_reasons(get(object, "reasons"), verdict);
	verdict->distance = cJSON_IsNumber(distance) ? distance->valueint : -1;
	cJSON_ArrayForEach (item, get(object, "flags"))
		verdict->flags |= find_flag(cJSON_GetStringValue(item));
	verdict->flags |= cJSON_IsTrue(get(object, "confirmed")) ? SYNPRINT_CONFIRMED : 0;
	verdict->flags |= cJSON_IsTrue(get(object, "newer_differs")) ? SYNPRINT_NEWER_DIFFERS : 0;
	verdict->is_lie =
		cJSON_IsBool(lie) ? (enum synprint_answer)cJSON_IsTrue(lie) : SYNPRINT_NOT_KNOWN;
	verdict->syn_count = number(get(get(object, "client"), "syn_count"));
}

/* A reply that is no refusal, to be deleted; or NULL, and *ret_rc. */
static cJSON *parse_reply(struct synprint *synprint, const char *line, int *ret_rc)
{
	cJSON *reply = cJSON_Parse(line);
	const char *message = cJSON_GetStringValue(get(get(reply, "error"), "message"));

	if (cJSON_IsTrue(get(reply, "ok")))
		return reply;
	*ret_rc = message ? client_fail(synprint, -EINVAL, "%s", message)
			  : client_break(synprint, -EPROTO, "the daemon's answer makes no sense");
	cJSON_Delete(reply);
	return NULL;
}

static cJSON *receive_reply(struct synprint *synprint, int *ret_rc)
{
	const char *line;

	*ret_rc = client_receive_answer(synprint, &line);
	return *ret_rc < 0 ? NULL : parse_reply(synprint, line, ret_rc);
}

SYNPRINT_API int synprint_request(struct synprint *synprint, const char *request,
				  const char **ret_reply)
{
	int rc = synprint_send_line(synprint, request);
	cJSON *reply;

	if (rc == 0)
		rc = client_receive_answer(synprint, ret_reply);
	if (rc < 0)
		return rc;
	reply = parse_reply(synprint, *ret_reply, &rc);
	cJSON_Delete(reply);
	return rc;
}

SYNPRINT_API int synprint_send_verdict(struct synprint *synprint, const char *ip, uint16_t port,
				       const char *user_agent)
{
	cJSON *request = cJSON_CreateObject();
	char *line;
	int rc;

	cJSON_AddStringToObject(request, "op", "verdict");
	cJSON_AddStringToObject(request, "ip", ip);
	if (port)
		cJSON_AddNumberToObject(request, "port", port);
	if (user_agent)
		cJSON_AddStringToObject(request, "user_agent", user_agent);
	line = cJSON_PrintUnformatted(request);
	rc = line ? synprint_send_line(synprint, line)
		  : client_fail(synprint, -ENOMEM, "out of memory");
	cJSON_free(line);
	cJSON_Delete(request);
	return rc;
}

SYNPRINT_API int synprint_receive_verdict(struct synprint *synprint,
					  struct synprint_verdict *ret_verdict)
{
	int rc;
	cJSON *reply = receive_reply(synprint, &rc);

	if (!reply)
		return rc;
	*ret_verdict = (struct synprint_verdict){.is_found = cJSON_IsTrue(get(reply, "found")),
						 .is_exact = cJSON_IsTrue(get(reply, "exact"))};
	take_verdict(reply, ret_verdict);
	cJSON_Delete(reply);
	return 0;
}

SYNPRINT_API int synprint_verdict(struct synprint *synprint, const char *ip, uint16_t port,
				  const char *user_agent, struct synprint_verdict *ret_verdict)
{
	int rc = synprint_send_verdict(synprint, ip, port, user_agent);

	return rc < 0 ? rc : synprint_receive_verdict(synprint, ret_verdict);
}

SYNPRINT_API int synprint_subscribe(struct synprint *synprint, const char *options)
{
	bool has_options = options && *options;
	size_t size = 64 + (options ? strlen(options) : 0);
	char *line = malloc(size);
	cJSON *reply;
	int rc;

	if (!line)
		return client_fail(synprint, -ENOMEM, "out of memory");
	snprintf(line, size, "{\"op\":\"subscribe\"%s%s}", has_options ? "," : "",
		 has_options ? options : "");
	rc = synprint_send_line(synprint, line);
	free(line);
	if (rc < 0)
		return rc;
	reply = receive_reply(synprint, &rc);
	cJSON_Delete(reply);
	return rc;
}

/* Return: 1; 0 for an event of a later daemon, which is passed over; -EPROTO. */
static int take_event(struct synprint *synprint, const cJSON *object, struct synprint_event *event)
{
	static const struct {
		const char *name;
		enum synprint_event_kind kind;
	} kinds[] = {{"new", SYNPRINT_EVENT_NEW},
		     {"change", SYNPRINT_EVENT_CHANGE},
		     {"confirmed", SYNPRINT_EVENT_CONFIRMED},
		     {"syn", SYNPRINT_EVENT_SYN},
		     {"client", SYNPRINT_EVENT_CLIENT},
		     {"snapshot_end", SYNPRINT_EVENT_SNAPSHOT_END},
		     {"gap", SYNPRINT_EVENT_GAP}};
	const char *name = cJSON_GetStringValue(get(object, "event"));
	const cJSON *seq = get(object, "seq"), *missed = get(object, "missed");

	if (!name)
		return client_break(synprint, -EPROTO, "the daemon's event makes no sense");
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(kinds[i].name, name) != 0)
			continue;
		*event = (struct synprint_event){.kind = kinds[i].kind};
		event->seq = cJSON_IsNumber(seq) ? (uint64_t)seq->valuedouble : 0;
		event->missed = cJSON_IsNumber(missed) ? (uint64_t)missed->valuedouble : 0;
		event->verdict.is_found = event->verdict.is_exact = get(object, "ip") != NULL;
		take_verdict(object, &event->verdict);
		return 1;
	}
	return 0;
}

SYNPRINT_API int synprint_next_event(struct synprint *synprint, int timeout_ms,
				     struct synprint_event *ret_event)
{
	const char *line;
	int rc;

	do {
		cJSON *object;

		rc = synprint_receive_line(synprint, timeout_ms, &line);
		if (rc < 0)
			return rc == -ETIMEDOUT ? 0 : rc;
		object = cJSON_Parse(line);
		rc = take_event(synprint, object, ret_event);
		cJSON_Delete(object);
	} while (rc == 0);
	return rc;
}
