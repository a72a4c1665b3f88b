/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring: who comes when it is full takes the place of the oldest. */
#include "publish/removals.h"

#include <stdlib.h>

void removals_init(struct removals *removals)
{
	*removals = (struct removals){.kept = NULL};
	pthread_mutex_init(&removals->lock, NULL);
}

void removals_done(struct removals *removals)
{
	pthread_mutex_destroy(&removals->lock);
	free(removals->kept);
}

void removals_note(struct removals *removals, const struct addr *addr, uint16_t port)
{
	pthread_mutex_lock(&removals->lock);
	if (!removals->kept)
		removals->kept = calloc(REMOVALS_MAX, sizeof(*removals->kept));
	if (removals->kept) {
		removals->kept[removals->noted++ % REMOVALS_MAX] = (struct removal){*addr, port};
		if (removals->noted - removals->taken > REMOVALS_MAX)
			removals->taken = removals->noted - REMOVALS_MAX;
	}
	pthread_mutex_unlock(&removals->lock);
}

unsigned removals_take(struct removals *removals, struct publish_op *ret_ops, unsigned max)
{
	unsigned count = 0;

	pthread_mutex_lock(&removals->lock);
	for (; count < max && removals->taken < removals->noted; count++) {
		const struct removal *one = &removals->kept[removals->taken++ % REMOVALS_MAX];

		ret_ops[count] = (struct publish_op){.addr = one->addr,
						     .port = one->port,
						     .kind = PUBLISH_REMOVE};
	}
	pthread_mutex_unlock(&removals->lock);
	return count;
}

unsigned removals_waiting(struct removals *removals)
{
	unsigned count;

	pthread_mutex_lock(&removals->lock);
	count = (unsigned)(removals->noted - removals->taken);
	pthread_mutex_unlock(&removals->lock);
	return count;
}

bool removals_look(struct removals *removals, unsigned number, struct publish_op *ret_op)
{
	bool is_there;

	pthread_mutex_lock(&removals->lock);
	is_there = removals->taken + number < removals->noted;
	if (is_there) {
		const struct removal *one =
			&removals->kept[(removals->taken + number) % REMOVALS_MAX];

		ret_op->addr = one->addr;
		ret_op->port = one->port;
	}
	pthread_mutex_unlock(&removals->lock);
	return is_there;
}

void removals_move(struct removals *from, struct removals *to)
{
	struct publish_op op;

	while (removals_take(from, &op, 1))
		removals_note(to, &op.addr, op.port);
}

uint64_t removals_count(struct removals *removals)
{
	uint64_t count;

	pthread_mutex_lock(&removals->lock);
	count = removals->noted;
	pthread_mutex_unlock(&removals->lock);
	return count;
}

void removals_forget(struct removals *removals, uint64_t count)
{
	pthread_mutex_lock(&removals->lock);
	if (removals->taken < count)
		removals->taken = count;
	pthread_mutex_unlock(&removals->lock);
}
