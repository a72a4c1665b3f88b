/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may connect to a socket while its places are nearly all taken. Some are kept for root, and
 * who has the most gives one up for a user who has less: so each user has a share, as large as
 * the others leave it. It knows neither sockets nor clocks.
 */
#ifndef SYNPRINT_CONTROL_PLACES_H
#define SYNPRINT_CONTROL_PLACES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

struct party; /* all places of one user */

/* A part of a connection, which stays where it is while it has its place. */
struct place {
	struct party *party;
	uint64_t active_ms; /* when its peer last asked something */
	bool is_subscriber; /* waits by trade: gives way last */
	TAILQ_ENTRY(place) by_age;
};

struct places {
	unsigned max; /* places there are */
	unsigned taken, of_root;
	LIST_HEAD(, party) parties;
};

/** places_init() - @max places, at least 1, of which a sixty-fourth is kept for root. */
void places_init(struct places *places, unsigned max);

/**
 * places_ask() - whether a user may have one more place.
 * @now_ms: of any clock that only goes forward
 * @ret_victim: whose place it is until then, where there is none left: the longest idle one of the
 * user who has the most. Among his own, one that asked something in the last second stays.
 * Return: 0: there is room; 1: there is when the victim has left; -EBUSY: there is none.
 */
int places_ask(const struct places *places, uid_t uid, uint64_t now_ms, struct place **ret_victim);

/** places_enter() - take a place. Return: 0 or -ENOMEM. */
int places_enter(struct places *places, uid_t uid, uint64_t now_ms, struct place *place);

/** places_touch() - its peer asked something. */
void places_touch(struct place *place, uint64_t now_ms);

/** places_leave() - give the place back. */
void places_leave(struct places *places, struct place *place);

#endif
