/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A place for each client by its hash; who finds somebody else there is told at once. */
#include "core/clients/changes.h"

#include <stdlib.h>
#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct place {
	struct addr addr;
	uint64_t until_ms; /* it is quiet */
	struct verdict told;
	unsigned flags, grade; /* all that were told in this while */
	bool is_owed; /* a change waits */
	struct changes_item owed;
};

struct changes {
	uint64_t seed, held;
	unsigned owed;
	struct place places[CHANGES_CLIENTS];
};

struct changes *changes_new(uint64_t seed)
{
	struct changes *changes = calloc(1, sizeof(*changes));

	if (changes)
		changes->seed = seed;
	return changes;
}

void changes_free(struct changes *changes)
{
	free(changes);
}

static struct place *place_of(struct changes *changes, const struct addr *addr)
{
	uint64_t hash = XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), changes->seed);

	return &changes->places[hash % CHANGES_CLIENTS];
}

static void note_told(struct changes *changes, struct place *place, const struct verdict *verdict)
{
	place->told = *verdict;
	place->flags |= verdict->flags;
	place->grade = MAX(place->grade, verdict->grade);
	changes->owed -= place->is_owed;
	place->is_owed = false;
}

/* Another while begins with what is told now. */
static void begin(struct changes *changes, struct place *place, const struct addr *addr,
		  uint64_t now_ms, const struct verdict *verdict)
{
	place->addr = *addr;
	place->until_ms = now_ms + CHANGES_QUIET_MS;
	place->flags = place->grade = 0;
	note_told(changes, place, verdict);
}

static void keep(struct changes *changes, struct place *place, const struct changes_item *item)
{
	changes->held++;
	changes->owed += !place->is_owed;
	place->is_owed = true;
	place->owed = *item;
}

static bool says_more(const struct place *place, const struct verdict *verdict)
{
	return (verdict->flags & ~place->flags) || verdict->grade > place->grade;
}

bool changes_take(struct changes *changes, const struct addr *addr, struct changes_item *item)
{
	struct place *place = place_of(changes, addr);
	bool is_quiet = item->now_ms < place->until_ms;
	bool is_other = !addr_equal(&place->addr, addr);

	if (is_other && (is_quiet || place->is_owed))
		return true;
	if ((is_quiet || place->is_owed) && !says_more(place, &item->verdict)) {
		keep(changes, place, item);
		return false;
	}
	if (place->is_owed)
		item->old_verdict = place->told;
	if (is_quiet)
		note_told(changes, place, &item->verdict);
	else
		begin(changes, place, addr, item->now_ms, &item->verdict);
	return true;
}

void changes_note(struct changes *changes, const struct addr *addr, const struct verdict *verdict)
{
	struct place *place = place_of(changes, addr);

	if (addr_equal(&place->addr, addr))
		note_told(changes, place, verdict);
}

/* Return: whether there is something to tell. */
static bool settle(struct changes *changes, struct place *place, uint64_t now_ms)
{
	struct addr addr = place->addr;

	if (verdict_is_same(&place->told, &place->owed.verdict)) {
		note_told(changes, place, &place->told);
		return false;
	}
	place->owed.old_verdict = place->told;
	begin(changes, place, &addr, now_ms, &place->owed.verdict);
	return true;
}

void changes_settle(struct changes *changes, uint64_t now_ms,
		    void (*fn)(void *ctx, const struct changes_item *item), void *ctx)
{
	for (unsigned i = 0; i < CHANGES_CLIENTS && changes->owed; i++) {
		struct place *place = &changes->places[i];

		if (place->is_owed && now_ms >= place->until_ms && settle(changes, place, now_ms))
			fn(ctx, &place->owed);
	}
}

uint64_t changes_held(const struct changes *changes)
{
	return changes->held;
}
