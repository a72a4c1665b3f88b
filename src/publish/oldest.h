/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first few of many elements, in an order that the caller gives, in memory of fixed size: so that a
 * set of a million is looked through with the memory of those that are to go. Pure.
 */
#ifndef SYNPRINT_PUBLISH_OLDEST_H
#define SYNPRINT_PUBLISH_OLDEST_H

#include "publish/target.h"

struct oldest {
	size_t max, count;
	uint64_t bound; /* whoever is not before it is not among the first */
	struct oldest_one {
		uint64_t order; /* the smallest ones are kept */
		struct addr addr;
		uint16_t port;
	} * ones; /* up to twice as many: then the later half goes */
};

/** oldest_init() - for @max of them, at least 1. Return: 0 or -ENOMEM. */
int oldest_init(struct oldest *oldest, size_t max);
void oldest_done(struct oldest *oldest);

/** oldest_takes() - false: one of this order would not be kept. */
bool oldest_takes(const struct oldest *oldest, uint64_t order);

/** oldest_put() - keep this one, if it may be among the first. */
void oldest_put(struct oldest *oldest, uint64_t order, const struct target_element *element);

/** oldest_sort() - leave the first ones, in their order. */
void oldest_sort(struct oldest *oldest);

#endif
