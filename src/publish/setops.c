/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which operations count, and who gives a flush away; see setops.h. */
#include "publish/setops.h"

#include <string.h>
#include <xxhash.h>

#define BUCKETS (2 * SETOPS_MAX)
#define WITNESS_MARGIN_MS 500 /* before its timeout a witness says nothing any more */

static bool is_same(const struct publish_op *a, const struct publish_op *b)
{
	return addr_equal(&a->addr, &b->addr) && a->port == b->port;
}

/* The place of an element in an open hash of operations. */
static size_t find_bucket(const struct publish_op *const *buckets, const struct publish_op *op)
{
	size_t bucket =
		XXH3_64bits_withSeed(op->addr.bytes, sizeof(op->addr.bytes), op->port) % BUCKETS;

	while (buckets[bucket] && !is_same(buckets[bucket], op))
		bucket = (bucket + 1) % BUCKETS;
	return bucket;
}

void setops_split(const struct publish_op *ops, size_t count, bool has_port, unsigned prefix6,
		  struct setops *ret)
{
	const struct publish_op *buckets[BUCKETS] = {NULL};

	ret->lists[SETOPS_V4].count = ret->lists[SETOPS_V6].count = 0;
	for (size_t i = count; i-- > 0;) {
		enum setops_version v = setops_version_of(&ops[i].addr);
		struct setops_list *list = &ret->lists[v];
		struct publish_op *kept = &ret->kept[v][SETOPS_MAX - 1 - list->count];
		size_t bucket;

		*kept = ops[i];
		if (!has_port)
			kept->port = 0;
		if (v == SETOPS_V6 && prefix6 < 128)
			kept->addr = addr_mask(&kept->addr, prefix6);
		bucket = find_bucket(buckets, kept);
		if (buckets[bucket])
			continue;
		buckets[bucket] = kept;
		*list = (struct setops_list){kept, list->count + 1};
	}
}

const uint8_t *setops_bytes(const struct addr *addr, enum setops_version version, size_t *ret_len)
{
	*ret_len = version == SETOPS_V4 ? 4 : sizeof(addr->bytes);
	return addr->bytes + sizeof(addr->bytes) - *ret_len;
}

/* The slot that an element takes, if any. */
static struct witness_slot *choose_slot(struct witnesses *witnesses, const struct publish_op *op,
					uint64_t now_ms)
{
	struct witness_slot *free_slot = NULL;

	for (unsigned i = 0; i < SETOPS_WITNESSES; i++) {
		struct witness_slot *slot = &witnesses->slots[i];

		if (slot->until_ms && is_same(&slot->op, op))
			return slot;
		if (slot->until_ms <= now_ms + WITNESS_MARGIN_MS)
			free_slot = slot;
	}
	if (!free_slot && witnesses->may_replace && op->kind != PUBLISH_REMOVE) {
		witnesses->may_replace = false;
		free_slot = &witnesses->slots[witnesses->next];
		witnesses->next = (witnesses->next + 1) % SETOPS_WITNESSES;
	}
	return free_slot;
}

void witnesses_note(struct witnesses *witnesses, const struct setops_list *list, uint32_t timeout_s,
		    uint64_t now_ms)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct publish_op *op = &list->ops[i];
		uint32_t left_s = op->timeout_s ? op->timeout_s : timeout_s;
		struct witness_slot *slot = choose_slot(witnesses, op, now_ms);

		if (slot && op->kind == PUBLISH_REMOVE)
			slot->until_ms = 0;
		else if (slot)
			*slot = (struct witness_slot){*op, now_ms + UINT64_C(1000) * left_s};
	}
}

unsigned witnesses_list(const struct witnesses *witnesses, uint64_t now_ms,
			struct publish_op ret_ops[SETOPS_WITNESSES])
{
	unsigned count = 0;

	for (unsigned i = 0; i < SETOPS_WITNESSES; i++)
		if (witnesses->slots[i].until_ms > now_ms + WITNESS_MARGIN_MS)
			ret_ops[count++] = witnesses->slots[i].op;
	return count;
}

void witnesses_looked(struct witnesses *witnesses, bool is_intact)
{
	if (!is_intact)
		memset(witnesses->slots, 0, sizeof(witnesses->slots));
	witnesses->may_replace = true;
}
