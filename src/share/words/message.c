/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Topics and payloads: strict in what is ours, deaf to what a later version adds. */
#include "share/words/message.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "core/verdict/verdict.h"

#define PREFIX "synprint/v1/"
#define VERSION 1

bool message_is_gateway(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.");

	return len && len < MESSAGE_GATEWAY_MAX && !name[len];
}

void message_topic_format(const struct message_topic *topic, struct text_buf *out)
{
	text_putf(out, PREFIX "%s/", topic->gateway);
	switch (topic->kind) {
	case MESSAGE_SUSPECT: text_putf(out, "s/%04x", topic->slot); return;
	case MESSAGE_STATUS: text_put(out, "status"); return;
	case MESSAGE_SYNC: text_put(out, "sync"); return;
	}
}

/* Exactly four lower-case digits: each slot has one spelling. */
static int parse_slot(const char *text, uint16_t *ret_slot)
{
	static const char digits[] = "0123456789abcdef";
	unsigned slot = 0;

	if (strspn(text, digits) != 4 || text[4])
		return -EINVAL;
	for (; *text; text++)
		slot = slot << 4 | (unsigned)(strchr(digits, *text) - digits);
	*ret_slot = (uint16_t)slot;
	return 0;
}

static int parse_rest(const char *rest, struct message_topic *topic)
{
	if (strcmp(rest, "status") == 0)
		topic->kind = MESSAGE_STATUS;
	else if (strcmp(rest, "sync") == 0)
		topic->kind = MESSAGE_SYNC;
	else if (strncmp(rest, "s/", 2) == 0 && parse_slot(rest + 2, &topic->slot) == 0)
		topic->kind = MESSAGE_SUSPECT;
	else
		return -EINVAL;
	return 0;
}

int message_topic_parse(const char *text, struct message_topic *ret_topic)
{
	struct message_topic topic = {.slot = 0};
	const char *name = text + strlen(PREFIX), *slash;

	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -EINVAL;
	slash = strchr(name, '/');
	if (!slash || slash - name >= MESSAGE_GATEWAY_MAX)
		return -EINVAL;
	memcpy(topic.gateway, name, (size_t)(slash - name));
	if (!message_is_gateway(topic.gateway) || parse_rest(slash + 1, &topic) < 0)
		return -EINVAL;
	*ret_topic = topic;
	return 0;
}

static void put_flags(unsigned flags, struct text_buf *out)
{
	const char *comma = "";

	for (; flags; flags &= flags - 1) {
		const char *name = verdict_flag_name((enum verdict_flag)(flags & -flags));

		if (!name)
			continue;
		text_putf(out, "%s\"%s\"", comma, name);
		comma = ",";
	}
}

void message_format(const struct message *message, struct text_buf *out)
{
	char ip[ADDR_TEXT_MAX];

	text_putf(out, "{\"v\":%d,\"epoch\":%llu,\"seq\":%llu", VERSION,
		  (unsigned long long)message->epoch, (unsigned long long)message->seq);
	if (message->is_gone) {
		text_put(out, ",\"gone\":true}");
		return;
	}
	addr_format(&message->addr, ip);
	text_putf(out, ",\"ip\":\"%s\",\"flags\":[", ip);
	put_flags(message->flags, out);
	text_put(out, "],\"label\":");
	text_put_json(out, message->label);
	text_put(out, ",\"confidence\":");
	text_put_permille(out, message->confidence_permille);
	text_put(out, "}");
}

static bool read_number(const cJSON *tree, const char *name, double max, double *ret_number)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(tree, name);

	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble <= max))
		return false;
	*ret_number = value->valuedouble;
	return true;
}

static bool read_count(const cJSON *tree, const char *name, uint64_t *ret_count)
{
	double number;

	if (!read_number(tree, name, MESSAGE_EXACT_MAX, &number) || number != floor(number))
		return false;
	*ret_count = (uint64_t)number;
	return true;
}

static bool read_flags(const cJSON *list, unsigned *ret_flags)
{
	const cJSON *item;

	*ret_flags = 0;
	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach (item, list) {
		if (!cJSON_IsString(item))
			return false;
		*ret_flags |= verdict_flag_parse(item->valuestring, strlen(item->valuestring));
	}
	return true;
}

/*
 * Cut between characters; what is no character, or moves a terminal's cursor, becomes '?'. So it is
 * as long for everybody who reads it.
 */
static void copy_label(const char *text, char label[MESSAGE_LABEL_MAX])
{
	size_t used = 0;

	while (*text) {
		size_t len = text_utf8_len(text);
		bool is_plain = len && (unsigned char)*text >= ' ' && *text != '\x7f';

		if (used + (is_plain ? len : 1) >= MESSAGE_LABEL_MAX)
			break;
		if (is_plain)
			memcpy(label + used, text, len);
		else
			label[used] = '?';
		used += is_plain ? len : 1;
		text += len ? len : 1;
	}
	label[used] = '\0';
}

static enum message_result read_suspect(const cJSON *tree, struct message *message)
{
	const char *ip = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "ip"));
	const char *label = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "label"));
	double confidence;

	if (!ip || addr_parse(ip, &message->addr) < 0 || !label ||
	    !read_number(tree, "confidence", 1, &confidence) ||
	    !read_flags(cJSON_GetObjectItemCaseSensitive(tree, "flags"), &message->flags))
		return MESSAGE_BAD_MEMBER;
	message->confidence_permille = (uint16_t)lround(confidence * 1000);
	copy_label(label, message->label);
	return message->flags ? MESSAGE_OK : MESSAGE_NO_FLAG;
}

static enum message_result read_tree(const cJSON *tree, struct message *message)
{
	const cJSON *gone = cJSON_GetObjectItemCaseSensitive(tree, "gone");
	double version;

	if (!cJSON_IsObject(tree))
		return MESSAGE_NOT_JSON;
	if (!read_number(tree, "v", MESSAGE_EXACT_MAX, &version))
		return MESSAGE_BAD_MEMBER;
	if (version < VERSION || version > VERSION)
		return MESSAGE_OTHER_VERSION;
	if (!read_count(tree, "epoch", &message->epoch) ||
	    !read_count(tree, "seq", &message->seq) || (gone && !cJSON_IsBool(gone)))
		return MESSAGE_BAD_MEMBER;
	message->is_gone = cJSON_IsTrue(gone);
	return message->is_gone ? MESSAGE_OK : read_suspect(tree, message);
}

enum message_result message_parse(const char *payload, size_t len, struct message *ret_message)
{
	struct message message = {.epoch = 0};
	enum message_result result;
	const char *end;
	cJSON *tree;

	if (len > MESSAGE_PAYLOAD_MAX)
		return MESSAGE_TOO_LONG;
	tree = cJSON_ParseWithLengthOpts(payload, len, &end, false);
	if (!tree || end != payload + len) {
		cJSON_Delete(tree);
		return MESSAGE_NOT_JSON;
	}
	result = read_tree(tree, &message);
	cJSON_Delete(tree);
	if (result == MESSAGE_OK)
		*ret_message = message;
	return result;
}

const char *message_result_name(enum message_result result)
{
	static const char *const names[MESSAGE_RESULT_COUNT] = {
		[MESSAGE_OK] = "ok",
		[MESSAGE_TOO_LONG] = "too_long",
		[MESSAGE_NOT_JSON] = "not_json",
		[MESSAGE_OTHER_VERSION] = "other_version",
		[MESSAGE_BAD_MEMBER] = "bad_member",
		[MESSAGE_NO_FLAG] = "no_flag",
	};

	return names[result];
}

bool message_is_newer(const struct message *a, const struct message *b)
{
	return a->epoch != b->epoch ? a->epoch > b->epoch : a->seq > b->seq;
}
