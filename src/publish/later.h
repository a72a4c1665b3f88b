/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements, or networks, for later: a fixed number of them, the newest. Any thread may call any function
 * here.
 */
#ifndef SYNPRINT_PUBLISH_LATER_H
#define SYNPRINT_PUBLISH_LATER_H

#include <pthread.h>

#include "publish/setops.h"

struct later {
	pthread_mutex_t lock;
	unsigned max;
	uint64_t noted, taken; /* ever; the newest of what is between them are kept */
	struct later_one {
		struct addr addr;
		uint16_t number; /* a port, or how many bits a network has */
	} * kept; /* many: made when it is first needed */
};

void later_init(struct later *later, unsigned max);
void later_done(struct later *later);

/**
 * later_note() - one more. Return: how many waited before; where they were as many as there may be, it
 * took the place of the oldest.
 */
unsigned later_note(struct later *later, const struct addr *addr, uint16_t number);

/** later_take() - the oldest ones, as removals, the number as port. Return: how many of @max. */
unsigned later_take(struct later *later, struct publish_op *ret_ops, unsigned max);

/** later_first() - the oldest one, which stays. Return: false where there is none. */
bool later_first(struct later *later, struct publish_op *ret_op);

/** later_drop() - the oldest one, if it is @op still: it may have given way to a newer one. */
void later_drop(struct later *later, const struct publish_op *op);

/** later_waiting() - how many there are. */
unsigned later_waiting(struct later *later);

/** later_move() - all of them; the two are different ones. */
void later_move(struct later *from, struct later *to);

#endif
