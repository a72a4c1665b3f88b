/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events are read member by member: of a later daemon's, what is here is enough. */
#include "share/words/local.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/verdict/verdict.h"

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static unsigned read_flags(const cJSON *list)
{
	unsigned flags = 0;
	const cJSON *item;

	cJSON_ArrayForEach (item, list) {
		const char *name = cJSON_GetStringValue(item);

		flags |= name ? verdict_flag_parse(name, strlen(name)) : 0;
	}
	return flags;
}

static bool read_suspect(const cJSON *event, struct message *suspect)
{
	const char *ip = cJSON_GetStringValue(get(event, "ip"));
	const cJSON *os = get(event, "os");
	const char *label = cJSON_GetStringValue(get(os, "label"));
	const cJSON *confidence = get(os, "confidence");

	*suspect = (struct message){.flags = read_flags(get(event, "flags"))};
	if (!ip || addr_parse(ip, &suspect->addr) < 0)
		return false;
	snprintf(suspect->label, sizeof(suspect->label), "%s", label ? label : "");
	if (cJSON_IsNumber(confidence) && confidence->valuedouble >= 0 &&
	    confidence->valuedouble <= 1)
		suspect->confidence_permille = (uint16_t)lround(confidence->valuedouble * 1000);
	return true;
}

/* One SYN, which anybody can send from any address, takes nothing back that a handshake confirmed. */
static bool may_take_back(const struct local_rule *rules, unsigned count, bool is_confirmed)
{
	for (unsigned i = 0; i < count; i++)
		if (rules[i].is_served && !is_confirmed)
			return false;
	return true;
}

static bool meets(const struct local_rule *rule, const struct message *suspect, bool is_confirmed)
{
	return (!rule->flags || rule->flags & suspect->flags) &&
	       rule->min_permille <= suspect->confidence_permille &&
	       (!rule->is_served || is_confirmed);
}

enum local_answer local_judge(const struct local_rule *rules, unsigned count,
			      const struct cJSON *event, struct message *ret_suspect,
			      uint32_t *ret_expiry_s)
{
	bool is_confirmed = cJSON_IsTrue(get(event, "confirmed"));
	unsigned flags = 0;
	uint32_t expiry_s = 0;

	if (!read_suspect(event, ret_suspect))
		return LOCAL_NOTHING;
	for (unsigned i = 0; i < count; i++) {
		if (!meets(&rules[i], ret_suspect, is_confirmed))
			continue;
		flags |= rules[i].flags ? rules[i].flags & ret_suspect->flags : ret_suspect->flags;
		if (rules[i].expiry_s > expiry_s)
			expiry_s = rules[i].expiry_s;
	}
	if (!expiry_s)
		return may_take_back(rules, count, is_confirmed) ? LOCAL_TAKE_BACK : LOCAL_NOTHING;
	ret_suspect->flags = flags;
	*ret_expiry_s = expiry_s;
	return LOCAL_TELL;
}

/* An empty list would be refused: a rule for everybody is no list. */
static unsigned all_flags(const struct local_rule *rules, unsigned count)
{
	unsigned flags = 0;

	for (unsigned i = 0; i < count; i++) {
		if (!rules[i].flags)
			return 0;
		flags |= rules[i].flags;
	}
	return flags;
}

void local_put_flags(const struct local_rule *rules, unsigned count, struct text_buf *out)
{
	unsigned flags = all_flags(rules, count);
	const char *comma = "";

	if (!flags)
		return;
	text_put(out, ",\"flags\":[");
	for (; flags; flags &= flags - 1, comma = ",")
		text_putf(out, "%s\"%s\"", comma,
			  verdict_flag_name((enum verdict_flag)(flags & -flags)));
	text_put_char(out, ']');
}

void local_subscription(const struct local_rule *rules, unsigned count, bool syns,
			struct text_buf *out)
{
	text_putf(out, "\"syns\":%s,\"snapshot\":true,\"leaves\":true", syns ? "true" : "false");
	local_put_flags(rules, count, out);
}
