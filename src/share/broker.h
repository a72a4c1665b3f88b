/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One broker: a connection over MQTT 5 in a thread of libmosquitto's, which comes back by itself.
 * What is to be published is a set of slots, not a queue of messages: while a broker is away or
 * slow, its memory is one bit a slot. All functions are for the main thread.
 */
#ifndef SYNPRINT_SHARE_BROKER_H
#define SYNPRINT_SHARE_BROKER_H

#include "share/inbox.h"
#include "share/sign.h"
#include "share/words/slots.h"

struct broker_params {
	unsigned number; /* in letters */
	const char *gateway; /* our name */
	const char *host;
	int port;
	const char *ca, *cert,
		*key; /* PEM files; NULL: without TLS, or without a certificate of ours */
	const char *user, *password; /* NULL: none */
	struct inbox *inbox;
	const struct sign_key *sign_key; /* NULL: unsigned */
};

struct broker_stats {
	bool is_connected;
	unsigned waiting; /* slots to be published */
	uint64_t published, refused; /* refused: the broker said no */
	uint64_t connects;
};

struct broker;

/** broker_new() - begin to connect. Return: 0; -EINVAL with the reason; -ENOMEM. */
int broker_new(const struct broker_params *params, struct text_error *ret_error,
	       struct broker **ret_broker);

/** broker_free() - say goodbye and end the thread; after inbox_close(). NULL is allowed. */
void broker_free(struct broker *broker);

/** broker_connected() - on LETTER_CONNECTED: what is ours is asked for, behind it comes the mark. */
void broker_connected(struct broker *broker, uint64_t now_s);

/** broker_disconnected() - on LETTER_DISCONNECTED. */
void broker_disconnected(struct broker *broker, uint64_t now_s);

/**
 * broker_is_synced() - whether what this broker held of ours is known: its mark came back, or did
 * not come in time. Nothing is published before.
 * @mark: the payload of a MESSAGE_SYNC letter; NULL: only the time has passed
 * Return: true once for each connection: now every slot has to be marked.
 */
bool broker_is_synced(struct broker *broker, uint64_t now_s, const char *mark, size_t len);

/** broker_mark() - a slot is to be published. */
void broker_mark(struct broker *broker, uint16_t slot);

/** broker_pump() - hand over marked slots, as many as may be under way. */
void broker_pump(struct broker *broker, const struct slots *slots, uint64_t now_s);

void broker_get_stats(const struct broker *broker, struct broker_stats *ret_stats);

#endif
