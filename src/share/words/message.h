/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gateways tell each other, as text: the topic says who speaks and which of its slots it is,
 * the payload what stands in it. Pure: no broker, no clock. Documented in synprint-share(8).
 *
 *     synprint/v1/GATEWAY/s/SLOT   one suspect, retained; SLOT is four hexadecimal digits
 *     synprint/v1/GATEWAY/status   "online" or "offline", retained
 *     synprint/v1/GATEWAY/sync     a gateway's mark to itself: what it asked for has come
 */
#ifndef SYNPRINT_SHARE_WORDS_MESSAGE_H
#define SYNPRINT_SHARE_WORDS_MESSAGE_H

#include <stdbool.h>

#include "core/base/addr.h"
#include "core/base/text.h"

#define MESSAGE_SLOTS 65536 /* of one gateway: a broker never gives a topic's memory back */
#define MESSAGE_GATEWAY_MAX 33 /* bytes of a gateway's name, with the NUL */
#define MESSAGE_LABEL_MAX 64 /* bytes, with the NUL */
#define MESSAGE_TOPIC_MAX 80 /* bytes, with the NUL */
#define MESSAGE_PAYLOAD_MAX 1024 /* bytes; a longer one is refused unread */
#define MESSAGE_EXACT_MAX 9007199254740991 /* 2^53 - 1: RFC 8259 section 6 */

enum message_kind { MESSAGE_SUSPECT, MESSAGE_STATUS, MESSAGE_SYNC };

struct message_topic {
	enum message_kind kind;
	char gateway[MESSAGE_GATEWAY_MAX];
	uint16_t slot; /* MESSAGE_SUSPECT */
};

/* What stands in a slot. Of two, the one with the greater (epoch, seq) is the newer. */
struct message {
	uint64_t epoch, seq; /* at most MESSAGE_EXACT_MAX */
	bool is_gone; /* withdrawn; nothing below counts then */
	struct addr addr;
	unsigned flags; /* enum verdict_flag, or-ed; at least one */
	uint16_t confidence_permille; /* of the class */
	char label[MESSAGE_LABEL_MAX];
};

enum message_result {
	MESSAGE_OK,
	MESSAGE_TOO_LONG,
	MESSAGE_NOT_JSON, /* not one JSON object */
	MESSAGE_OTHER_VERSION, /* "v" is not 1 */
	MESSAGE_BAD_MEMBER, /* missing, of the wrong type or out of range */
	MESSAGE_NO_FLAG, /* none that this version knows */
	MESSAGE_RESULT_COUNT
};

/** message_is_gateway() - whether a name may stand in a topic: a-z, 0-9, '-', '.', 1 to 32 bytes. */
bool message_is_gateway(const char *name);

/** message_topic_format() - write a topic of this gateway. @out: of MESSAGE_TOPIC_MAX bytes */
void message_topic_format(const struct message_topic *topic, struct text_buf *out);

/** message_topic_parse() - Return: 0, or -EINVAL for what is no topic of ours. */
int message_topic_parse(const char *text, struct message_topic *ret_topic);

/** message_format() - write a payload, of MESSAGE_PAYLOAD_MAX bytes at the most. */
void message_format(const struct message *message, struct text_buf *out);

/**
 * message_parse() - read a payload. Members that this version does not know are passed over, and so
 * are flags; a label that is too long is cut, and '?' stands for what cannot be printed.
 * @ret_message: untouched unless MESSAGE_OK
 */
enum message_result message_parse(const char *payload, size_t len, struct message *ret_message);

/** message_result_name() - "ok", "too_long", ... as the figures name it. */
const char *message_result_name(enum message_result result);

/** message_is_newer() - whether @a was said after @b. */
bool message_is_newer(const struct message *a, const struct message *b);

#endif
