/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Letters from the brokers' threads to the main one. It holds a fixed number; who finds it full
 * waits, which slows that broker down over TCP and nobody else.
 */
#ifndef SYNPRINT_SHARE_INBOX_H
#define SYNPRINT_SHARE_INBOX_H

#include "share/words/message.h"

#define INBOX_SIGNATURE_MAX 100 /* bytes of a signature as text, with the NUL */

enum letter_kind {
	LETTER_CONNECTED, /* subscriptions and the mark are on their way */
	LETTER_DISCONNECTED,
	LETTER_MESSAGE,
};

struct letter {
	enum letter_kind kind;
	unsigned broker; /* its number */
	bool has_expiry;
	uint32_t left_s; /* Message Expiry Interval as it came (MQTT 5 section 3.3.2.3.3) */
	size_t len; /* of the payload; over MESSAGE_PAYLOAD_MAX: only its beginning is here */
	char topic[MESSAGE_TOPIC_MAX];
	char signature[INBOX_SIGNATURE_MAX]; /* "" for none */
	char payload[MESSAGE_PAYLOAD_MAX];
};

struct inbox;

/** inbox_new() - Return: NULL without memory or descriptors. */
struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);

/** inbox_fd() - readable when something came in or was acknowledged. */
int inbox_fd(const struct inbox *inbox);

/** inbox_put() - from any thread; waits while it is full, until inbox_close(). */
void inbox_put(struct inbox *inbox, const struct letter *letter);

/** inbox_ring() - make the descriptor readable without a letter. */
void inbox_ring(struct inbox *inbox);

/** inbox_take() - the oldest letter; main thread only. Return: whether there was one. */
bool inbox_take(struct inbox *inbox, struct letter *ret_letter);

/** inbox_quiet() - take what made the descriptor readable, before the letters. */
void inbox_quiet(struct inbox *inbox);

/** inbox_close() - nobody waits any more; what comes later is dropped. */
void inbox_close(struct inbox *inbox);

#endif
