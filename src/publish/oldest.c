/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An array that is sorted whenever it is full; see oldest.h. */
#include "publish/oldest.h"

#include <errno.h>
#include <stdlib.h>

int oldest_init(struct oldest *oldest, size_t max)
{
	*oldest = (struct oldest){.max = max,
				  .bound = UINT64_MAX,
				  .ones = calloc(max, 2 * sizeof(*oldest->ones))};
	return oldest->ones ? 0 : -ENOMEM;
}

void oldest_done(struct oldest *oldest)
{
	free(oldest->ones);
	*oldest = (struct oldest){.max = 0};
}

bool oldest_takes(const struct oldest *oldest, uint64_t order)
{
	return order < oldest->bound;
}

static int compare(const void *a, const void *b)
{
	uint64_t first = ((const struct oldest_one *)a)->order;
	uint64_t second = ((const struct oldest_one *)b)->order;

	return (first > second) - (first < second);
}

void oldest_sort(struct oldest *oldest)
{
	qsort(oldest->ones, oldest->count, sizeof(*oldest->ones), compare);
	if (oldest->count < oldest->max)
		return;
	oldest->count = oldest->max;
	oldest->bound = oldest->ones[oldest->max - 1].order;
}

void oldest_put(struct oldest *oldest, uint64_t order, const struct target_element *element)
{
	if (!oldest_takes(oldest, order))
		return;
	oldest->ones[oldest->count++] = (struct oldest_one){order, element->addr, element->port};
	if (oldest->count == 2 * oldest->max)
		oldest_sort(oldest);
}
