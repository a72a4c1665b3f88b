/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing at half load: an element is in one of the places behind its hash. */
#include "publish/expiry.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#define PLACES 64 /* at half load, one of a million finds all of them taken */

struct slot {
	struct addr addr;
	uint64_t until_ms; /* 0: free */
};

struct expiry {
	pthread_mutex_t lock; /* before and after a reload, two threads may have it */
	unsigned owners;
	size_t slots_count; /* a power of two */
	size_t next; /* where expiry_due() goes on */
	struct slot slots[];
};

struct expiry *expiry_new(size_t capacity)
{
	struct expiry *expiry;
	size_t count = 64;

	while (count < 2 * capacity)
		count *= 2;
	expiry = calloc(1, sizeof(*expiry) + count * sizeof(struct slot));
	if (!expiry)
		return NULL;
	expiry->slots_count = count;
	expiry->owners = 1;
	pthread_mutex_init(&expiry->lock, NULL);
	return expiry;
}

struct expiry *expiry_share(struct expiry *expiry)
{
	expiry->owners++;
	return expiry;
}

void expiry_free(struct expiry *expiry)
{
	if (!expiry || --expiry->owners)
		return;
	pthread_mutex_destroy(&expiry->lock);
	free(expiry);
}

/* The slot of @addr, or a free one, or NULL. */
static struct slot *find(struct expiry *expiry, const struct addr *addr)
{
	size_t at = XXH3_64bits(addr->bytes, sizeof(addr->bytes));
	struct slot *free_slot = NULL;

	for (unsigned i = 0; i < PLACES; i++, at++) {
		struct slot *slot = &expiry->slots[at & (expiry->slots_count - 1)];

		if (slot->until_ms && addr_equal(&slot->addr, addr))
			return slot;
		if (!slot->until_ms && !free_slot)
			free_slot = slot;
	}
	return free_slot;
}

bool expiry_set(struct expiry *expiry, const struct addr *addr, uint64_t until_ms)
{
	struct slot *slot;

	pthread_mutex_lock(&expiry->lock);
	slot = find(expiry, addr);
	if (slot)
		*slot = (struct slot){.addr = *addr, .until_ms = until_ms};
	pthread_mutex_unlock(&expiry->lock);
	return slot || !until_ms;
}

static bool is_due(const struct slot *slot, uint64_t now_ms)
{
	return slot->until_ms && slot->until_ms <= now_ms;
}

size_t expiry_due(struct expiry *expiry, uint64_t now_ms, struct publish_op *ret_ops, size_t max)
{
	size_t count = 0;

	pthread_mutex_lock(&expiry->lock);
	for (size_t looked = 0; looked < expiry->slots_count && count < max; looked++) {
		struct slot *slot = &expiry->slots[expiry->next++ & (expiry->slots_count - 1)];

		if (is_due(slot, now_ms))
			ret_ops[count++] =
				(struct publish_op){.addr = slot->addr, .kind = PUBLISH_REMOVE};
	}
	pthread_mutex_unlock(&expiry->lock);
	return count;
}

void expiry_forget(struct expiry *expiry, uint64_t now_ms, const struct publish_op *ops,
		   size_t count)
{
	pthread_mutex_lock(&expiry->lock);
	for (size_t i = 0; i < count; i++) {
		struct slot *slot = find(expiry, &ops[i].addr);

		if (slot && is_due(slot, now_ms))
			slot->until_ms = 0;
	}
	pthread_mutex_unlock(&expiry->lock);
}
