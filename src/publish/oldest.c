/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A binary heap whose root is the first to give way; see oldest.h. */
#include "publish/oldest.h"

#include <errno.h>
#include <stdlib.h>

int oldest_init(struct oldest *oldest, size_t max)
{
	*oldest = (struct oldest){.max = max, .ones = calloc(max, sizeof(*oldest->ones))};
	return oldest->ones ? 0 : -ENOMEM;
}

void oldest_done(struct oldest *oldest)
{
	free(oldest->ones);
	*oldest = (struct oldest){.max = 0};
}

bool oldest_takes(const struct oldest *oldest, uint64_t order)
{
	return oldest->count < oldest->max || order < oldest->ones[0].order;
}

/* Upwards from the end, as far as it comes before those above it. */
static void sift_up(struct oldest *oldest, struct oldest_one one)
{
	size_t at = oldest->count++;

	for (; at && oldest->ones[(at - 1) / 2].order < one.order; at = (at - 1) / 2)
		oldest->ones[at] = oldest->ones[(at - 1) / 2];
	oldest->ones[at] = one;
}

/* Downwards from the root, which goes. */
static void sift_down(struct oldest *oldest, struct oldest_one one)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < oldest->count &&
		    oldest->ones[child + 1].order > oldest->ones[child].order)
			child++;
		if (child >= oldest->count || oldest->ones[child].order <= one.order)
			break;
		oldest->ones[at] = oldest->ones[child];
		at = child;
	}
	oldest->ones[at] = one;
}

void oldest_put(struct oldest *oldest, uint64_t order, const struct target_element *element)
{
	struct oldest_one one = {order, element->addr, element->port};

	if (!oldest_takes(oldest, order))
		return;
	if (oldest->count < oldest->max)
		sift_up(oldest, one);
	else
		sift_down(oldest, one);
}
