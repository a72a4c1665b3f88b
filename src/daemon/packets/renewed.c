/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cell is one word, so that it is read without a lock: a keyed hash of the client and its sets
 * above, and the time since the table was made below, in units of 64 ms: for eight years. Other bits
 * of the client's hash choose the cell.
 */
#include "daemon/packets/renewed.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define CELLS 65536
#define UNIT_SHIFT 6

struct renewed {
	uint64_t seed, made_ms;
	uint64_t since_ms; /* atomic */
	uint64_t cells[CELLS]; /* atomic */
};

struct renewed *renewed_new(uint64_t seed, uint64_t now_ms)
{
	struct renewed *renewed = calloc(1, sizeof(*renewed));

	if (renewed) {
		renewed->seed = seed;
		renewed->made_ms = renewed->since_ms = now_ms;
	}
	return renewed;
}

void renewed_free(struct renewed *renewed)
{
	free(renewed);
}

/* @ret_tag: in the upper half */
static unsigned locate(const struct renewed *renewed, const struct addr *addr, uint32_t sets,
		       uint64_t *ret_tag)
{
	uint64_t hash = XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), renewed->seed);

	*ret_tag = XXH3_64bits_withSeed(&sets, sizeof(sets), hash) & ~UINT64_C(0xffffffff);
	return (unsigned)(hash % CELLS);
}

void renewed_note(struct renewed *renewed, const struct addr *addr, uint32_t sets, uint64_t seen_ms)
{
	uint64_t tag, age = seen_ms > renewed->made_ms ? seen_ms - renewed->made_ms : 0;
	unsigned cell = locate(renewed, addr, sets, &tag);

	__atomic_store_n(&renewed->cells[cell], tag | (uint32_t)(age >> UNIT_SHIFT),
			 __ATOMIC_RELAXED);
}

void renewed_forget(struct renewed *renewed, uint64_t now_ms)
{
	__atomic_store_n(&renewed->since_ms, now_ms, __ATOMIC_RELAXED);
}

uint64_t renewed_when(const struct renewed *renewed, const struct addr *addr, uint32_t sets)
{
	uint64_t tag, since_ms = __atomic_load_n(&renewed->since_ms, __ATOMIC_RELAXED);
	uint64_t cell = __atomic_load_n(&renewed->cells[locate(renewed, addr, sets, &tag)],
					__ATOMIC_RELAXED);
	uint64_t when_ms = renewed->made_ms + ((cell & 0xffffffff) << UNIT_SHIFT);

	return (cell ^ tag) >> 32 == 0 && when_ms > since_ms ? when_ms : 0;
}
