/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the other gateways say: one record for each slot of each of them, the newest by (epoch,
 * seq), whichever broker brought it. Bounded by the configuration, and by a share for each origin,
 * so that one member that talks without end leaves room for the others. Pure: the time is the
 * caller's, seconds of a clock that nobody sets.
 */
#ifndef SYNPRINT_SHARE_WORDS_PEERS_H
#define SYNPRINT_SHARE_WORDS_PEERS_H

#include "share/words/message.h"

#define PEERS_ORIGINS_MAX 4096

struct peers;

enum peers_result {
	PEERS_NEWS,
	PEERS_OLD, /* known, or older than what is known */
	PEERS_FULL, /* the table, or the origin's share of it */
	PEERS_TOO_MANY, /* origins */
	PEERS_RESULT_COUNT
};

/* What one record says. */
struct peers_word {
	char origin[MESSAGE_GATEWAY_MAX];
	struct message message;
	uint32_t left_s; /* 0: not any more */
};

/* How a slot has changed. */
struct peers_change {
	bool has_dropped; /* the address that stood there before is not vouched for any more */
	struct addr dropped;
};

/** peers_new() - @capacity: records, at least 1. @seed: of the hash. Return: NULL without memory. */
struct peers *peers_new(uint32_t capacity, uint64_t seed);
void peers_free(struct peers *peers);

/* What an origin says of one of its slots. */
struct peers_saying {
	const char *origin;
	uint16_t slot;
	const struct message *message;
	uint32_t left_s; /* how long it is to be believed; a tombstone is kept as long */
	uint32_t most; /* records of this origin, tombstones among them */
	bool is_refused; /* it ends what the slot said before, and nothing of it is kept */
};

/** peers_take() - @ret_change: only where PEERS_NEWS */
enum peers_result peers_take(struct peers *peers, uint64_t now_s, const struct peers_saying *saying,
			     struct peers_change *ret_change);

/** peers_expire() - drop what has expired; once in some seconds is enough. */
void peers_expire(struct peers *peers, uint64_t now_s);

/**
 * peers_next() - the live words, from a cursor on (0 at first).
 * Return: whether there was one more.
 */
bool peers_next(const struct peers *peers, uint64_t now_s, uint32_t *cursor,
		struct peers_word *ret_word);

/** peers_count() - records now, tombstones among them. */
uint32_t peers_count(const struct peers *peers);

/** peers_result_name() - "news", "old", "full" or "too_many", as the figures name it. */
const char *peers_result_name(enum peers_result result);

#endif
