/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nft sets and ipsets have in common; see setops.h. */
#include "publish/setops.h"

#include <errno.h>

#include <string.h>
#include <xxhash.h>

#define BUCKETS (2 * SETOPS_MAX)
#define WITNESS_MARGIN_MS 500 /* before its timeout a witness says nothing any more */

static bool is_same(const struct publish_op *a, const struct publish_op *b, bool has_port)
{
	return addr_equal(&a->addr, &b->addr) && (!has_port || a->port == b->port);
}

/* The place of an element in an open hash of operations. */
static size_t find_bucket(const struct publish_op *const *buckets, const struct publish_op *op,
			  bool has_port)
{
	uint64_t seed = has_port ? op->port : 0;
	size_t bucket =
		XXH3_64bits_withSeed(op->addr.bytes, sizeof(op->addr.bytes), seed) % BUCKETS;

	while (buckets[bucket] && !is_same(buckets[bucket], op, has_port))
		bucket = (bucket + 1) % BUCKETS;
	return bucket;
}

void setops_split(const struct publish_op *ops, size_t count, bool has_port,
		  struct setops_list ret_lists[SETOPS_VERSIONS])
{
	const struct publish_op *buckets[BUCKETS] = {NULL};

	ret_lists[SETOPS_V4].count = ret_lists[SETOPS_V6].count = 0;
	for (size_t i = count; i-- > 0;) {
		size_t bucket = find_bucket(buckets, &ops[i], has_port);
		struct setops_list *list =
			&ret_lists[addr_is_v4(&ops[i].addr) ? SETOPS_V4 : SETOPS_V6];

		if (buckets[bucket])
			continue;
		buckets[bucket] = &ops[i];
		list->ops[list->count++] = &ops[i];
	}
}

const uint8_t *setops_bytes(const struct addr *addr, enum setops_version version, size_t *ret_len)
{
	*ret_len = version == SETOPS_V4 ? 4 : sizeof(addr->bytes);
	return addr->bytes + sizeof(addr->bytes) - *ret_len;
}

static bool is_witness(const struct witnesses *witnesses, const struct witness *slot,
		       const struct publish_op *op)
{
	return addr_equal(&slot->addr, &op->addr) &&
	       (!witnesses->has_port || slot->port == op->port);
}

/* The slot that an element takes, if any. */
static struct witness *choose_slot(struct witnesses *witnesses, const struct publish_op *op,
				   uint64_t now_ms)
{
	struct witness *free_slot = NULL;

	for (unsigned i = 0; i < WITNESSES; i++) {
		struct witness *slot = &witnesses->slots[i];

		if (slot->until_ms && is_witness(witnesses, slot, op))
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

static void forget_witness(struct witnesses *witnesses, const struct publish_op *op)
{
	for (unsigned i = 0; i < WITNESSES; i++)
		if (is_witness(witnesses, &witnesses->slots[i], op))
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
			forget_witness(witnesses, op);
			continue;
		}
		slot = choose_slot(witnesses, op, now_ms);
		if (slot)
			*slot = (struct witness){op->addr, op->port,
						 now_ms + UINT64_C(1000) * left_s};
	}
}

unsigned witnesses_list(const struct witnesses *witnesses, uint64_t now_ms,
			struct witness ret_witnesses[WITNESSES])
{
	unsigned count = 0;

	for (unsigned i = 0; i < WITNESSES; i++)
		if (witnesses->slots[i].until_ms > now_ms + WITNESS_MARGIN_MS)
			ret_witnesses[count++] = witnesses->slots[i];
	return count;
}

void witnesses_looked(struct witnesses *witnesses, bool is_intact)
{
	if (!is_intact)
		memset(witnesses->slots, 0, sizeof(witnesses->slots));
	witnesses->may_replace = true;
}

int setops_ensure(setops_ensure_fn *ensure, void *set, bool is_out[SETOPS_VERSIONS],
		  bool *is_created, struct text_error *ret_error)
{
	bool is_good = false;
	int first_rc = 0;

	for (unsigned v = 0; v < SETOPS_VERSIONS; v++) {
		int rc = ensure(set, (enum setops_version)v, is_created,
				first_rc ? NULL : ret_error);

		if (rc > 0)
			continue;
		is_good |= rc == 0;
		*is_created |= is_out[v] && rc == 0;
		is_out[v] = rc < 0;
		if (rc < 0 && rc != -ENOENT && rc != -EINVAL)
			return rc;
		first_rc = first_rc ? first_rc : rc;
	}
	return is_good ? 0 : first_rc;
}

bool setops_are_names(const char *name4, const char *name6, size_t size)
{
	return (name4 || name6) && (!name4 || (*name4 && strlen(name4) < size)) &&
	       (!name6 || (*name6 && strlen(name6) < size));
}
