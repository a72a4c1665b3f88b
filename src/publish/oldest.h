/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first few of many elements, in an order that the caller gives: a heap of fixed size, so that a
 * set of a million is looked through with the memory of those that are to go. Pure.
 */
#ifndef SYNPRINT_PUBLISH_OLDEST_H
#define SYNPRINT_PUBLISH_OLDEST_H

#include <stdbool.h>
#include <stddef.h>

#include "publish/target.h"

struct oldest {
	size_t max, count;
	struct oldest_one {
		uint64_t order; /* the smallest ones are kept */
		struct addr addr;
		uint16_t port;
	} * ones; /* a heap, the last one of all first */
};

/** oldest_init() - for @max of them, at least 1. Return: 0 or -ENOMEM. */
int oldest_init(struct oldest *oldest, size_t max);
void oldest_done(struct oldest *oldest);

/** oldest_takes() - whether one of this order would be kept. */
bool oldest_takes(const struct oldest *oldest, uint64_t order);

/** oldest_put() - keep this one, if it is among the first. */
void oldest_put(struct oldest *oldest, uint64_t order, const struct target_element *element);

#endif
