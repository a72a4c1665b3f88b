/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements for later: removals that a target could not take yet, of a burst that was lost, or while it
 * was left alone; or new ones that found no room. A fixed number of them; any thread may call any
 * function here.
 */
#ifndef SYNPRINT_PUBLISH_REMOVALS_H
#define SYNPRINT_PUBLISH_REMOVALS_H

#include <pthread.h>

#include "publish/target.h"

#define REMOVALS_MAX 4096 /* of the newest, for each target */

struct removals {
	pthread_mutex_t lock;
	uint64_t noted, taken; /* ever; the newest REMOVALS_MAX of what is between them are kept */
	struct removal {
		struct addr addr;
		uint16_t port;
	} * kept; /* made when it is first needed */
};

void removals_init(struct removals *removals);
void removals_done(struct removals *removals);

/** removals_note() - one that is to be done later. */
void removals_note(struct removals *removals, const struct addr *addr, uint16_t port);

/** removals_take() - the oldest ones, as operations. Return: how many of @max. */
unsigned removals_take(struct removals *removals, struct publish_op *ret_ops, unsigned max);

/** removals_waiting() - how many there are. */
unsigned removals_waiting(struct removals *removals);

/**
 * removals_look() - one of them, the oldest being number 0. Return: whether there is one of this number.
 */
bool removals_look(struct removals *removals, unsigned number, struct publish_op *ret_op);

/** removals_move() - all of them; the two are different ones. */
void removals_move(struct removals *from, struct removals *to);

/** removals_count() - how many there were ever. removals_forget() - all but those noted since then. */
uint64_t removals_count(struct removals *removals);
void removals_forget(struct removals *removals, uint64_t count);

#endif
