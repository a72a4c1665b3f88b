/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft sets and ipsets have in common; see setops.h. */
#include "publish/setops.h"

#include <string.h>
#include <xxhash.h>

#define BUCKETS (2 * SETOPS_MAX)
#define WITNESS_MARGIN_MS 500 /* before its timeout a witness says nothing any more */

/* The place of an address in an open hash of operations. */
static size_t find_bucket(const struct publish_op *const *buckets, const struct addr *addr)
{
	size_t bucket = XXH3_64bits(addr->bytes, sizeof(addr->bytes)) % BUCKETS;

	while (buckets[bucket] && !addr_equal(&buckets[bucket]->addr, addr))
		bucket = (bucket + 1) % BUCKETS;
	return bucket;
}

void setops_split(const struct publish_op *ops, size_t count,
		  struct setops_list ret_lists[SETOPS_VERSIONS])
{
	const struct publish_op *buckets[BUCKETS] = {NULL};

	ret_lists[SETOPS_V4].count = ret_lists[SETOPS_V6].count = 0;
	for (size_t i = count; i-- > 0;) {
		size_t bucket = find_bucket(buckets, &ops[i].addr);
		struct setops_list *list =
			&ret_lists[addr_is_v4(&ops[i].addr) ? SETOPS_V4 : SETOPS_V6];

		if (buckets[bucket])
			continue;
		buckets[bucket] = &ops[i];
		list->ops[list->count++] = &ops[i];
	}
}

void setops_drop(struct setops_list *list, enum publish_op_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->ops[i]->kind != kind)
			list->ops[kept++] = list->ops[i];
	list->count = kept;
}

const uint8_t *setops_bytes(const struct addr *addr, enum setops_version version, size_t *ret_len)
{
	*ret_len = version == SETOPS_V4 ? 4 : sizeof(addr->bytes);
	return addr->bytes + sizeof(addr->bytes) - *ret_len;
}

/* The slot that an element takes, if any. */
static struct witness *choose_slot(struct witnesses *witnesses, const struct addr *addr,
				   uint64_t now_ms)
{
	struct witness *free_slot = NULL;

	for (unsigned i = 0; i < WITNESSES; i++) {
		struct witness *slot = &witnesses->slots[i];

		if (slot->until_ms && addr_equal(&slot->addr, addr))
			return slot;
		if (slot->until_ms <= now_ms + WITNESS_MARGIN_MS)
			free_slot = slot;
	}
	if (!free_slot && witnesses->may_replace) {
		witnesses->may_replace = false;
		free_slot = &witnesses->slots[witnesses->next];
		witnesses->next = (witnesses->next + 1) % WITNESSES;
	}
	return free_slot;
}

static void forget_witness(struct witnesses *witnesses, const struct addr *addr)
{
	for (unsigned i = 0; i < WITNESSES; i++)
		if (addr_equal(&witnesses->slots[i].addr, addr))
			witnesses->slots[i].until_ms = 0;
}

void witnesses_note(struct witnesses *witnesses, const struct setops_list *list, uint32_t timeout_s,
		    uint64_t now_ms)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct publish_op *op = list->ops[i];
		uint32_t left_s = op->timeout_s ? op->timeout_s : timeout_s;
		struct witness *slot;

		if (op->kind == PUBLISH_REMOVE) {
			forget_witness(witnesses, &op->addr);
			continue;
		}
		slot = choose_slot(witnesses, &op->addr, now_ms);
		if (slot)
			*slot = (struct witness){op->addr, now_ms + UINT64_C(1000) * left_s};
	}
}

unsigned witnesses_list(const struct witnesses *witnesses, uint64_t now_ms,
			struct addr ret_addrs[WITNESSES])
{
	unsigned count = 0;

	for (unsigned i = 0; i < WITNESSES; i++)
		if (witnesses->slots[i].until_ms > now_ms + WITNESS_MARGIN_MS)
			ret_addrs[count++] = witnesses->slots[i].addr;
	return count;
}

void witnesses_looked(struct witnesses *witnesses, bool is_intact)
{
	if (!is_intact)
		memset(witnesses->slots, 0, sizeof(witnesses->slots));
	witnesses->may_replace = true;
}
