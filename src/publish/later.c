/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring; see later.h. */
#include "publish/later.h"

#include <stdlib.h>

#define SMALL 64 /* up to so many there is room from the beginning */

void later_init(struct later *later, unsigned max)
{
	*later = (struct later){.max = max,
				.kept = max > SMALL ? NULL : calloc(max, sizeof(*later->kept))};
	pthread_mutex_init(&later->lock, NULL);
}

void later_done(struct later *later)
{
	pthread_mutex_destroy(&later->lock);
	free(later->kept);
}

static unsigned waiting(const struct later *later)
{
	return (unsigned)(later->noted - later->taken);
}

unsigned later_note(struct later *later, const struct addr *addr, uint16_t number)
{
	unsigned before;

	pthread_mutex_lock(&later->lock);
	before = waiting(later);
	if (!later->kept)
		later->kept = calloc(later->max, sizeof(*later->kept));
	if (later->kept) {
		later->kept[later->noted++ % later->max] = (struct later_one){*addr, number};
		later->taken += before == later->max;
	}
	pthread_mutex_unlock(&later->lock);
	return before;
}

/* With the lock held; there is one. */
static struct publish_op first(const struct later *later)
{
	const struct later_one *one = &later->kept[later->taken % later->max];

	return (struct publish_op){.addr = one->addr, .port = one->number, .kind = PUBLISH_REMOVE};
}

unsigned later_take(struct later *later, struct publish_op *ret_ops, unsigned max)
{
	unsigned count = 0;

	pthread_mutex_lock(&later->lock);
	for (; count < max && waiting(later); later->taken++)
		ret_ops[count++] = first(later);
	pthread_mutex_unlock(&later->lock);
	return count;
}

bool later_first(struct later *later, struct publish_op *ret_op)
{
	bool is_any;

	pthread_mutex_lock(&later->lock);
	is_any = waiting(later) != 0;
	if (is_any)
		*ret_op = first(later);
	pthread_mutex_unlock(&later->lock);
	return is_any;
}

void later_drop(struct later *later, const struct publish_op *op)
{
	struct publish_op oldest;

	pthread_mutex_lock(&later->lock);
	if (waiting(later)) {
		oldest = first(later);
		later->taken += addr_equal(&oldest.addr, &op->addr) && oldest.port == op->port;
	}
	pthread_mutex_unlock(&later->lock);
}

unsigned later_waiting(struct later *later)
{
	unsigned count;

	pthread_mutex_lock(&later->lock);
	count = waiting(later);
	pthread_mutex_unlock(&later->lock);
	return count;
}

void later_move(struct later *from, struct later *to)
{
	struct publish_op op;

	while (later_take(from, &op, 1))
		later_note(to, &op.addr, op.port);
}
