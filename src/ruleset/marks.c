/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits for meanings; see marks.h. */
#include "ruleset/marks.h"

#include <stddef.h>
#include <string.h>

static uint32_t lowest(uint32_t bits)
{
	return bits & -bits;
}

uint32_t marks_used(const struct marks *marks)
{
	uint32_t used = marks->diverted | marks->judged | marks->ask | marks->fresh;

	for (unsigned i = 0; i < MARKS_SETS_MAX; i++)
		used |= marks->sets[i];
	return used;
}

/* The bit that meant the same before, or 0. */
static uint32_t old_bit(uint64_t meaning, const struct marks *old,
			const struct marks_wanted *old_wanted)
{
	for (unsigned i = 0; meaning && i < MARKS_SETS_MAX; i++)
		if (old_wanted->meanings[i] == meaning)
			return old->sets[i];
	return 0;
}

/* The bit that is given up, so that a confirmation can be asked for: the last set's, or 0. */
static uint32_t given_up(const struct marks_wanted *wanted, const struct marks *old)
{
	if (!wanted->asks_first || old->ask || old->field & ~marks_used(old))
		return 0;
	for (unsigned i = MARKS_SETS_MAX; i--;)
		if (old->sets[i])
			return old->sets[i];
	return old->fresh ? old->fresh : old->judged;
}

/* What means the same as before keeps its bit. Return: the bits that are left. */
static uint32_t keep_old(const struct marks_wanted *wanted, const struct marks *old,
			 const struct marks_wanted *old_wanted, struct marks *marks)
{
	uint32_t left = marks->field & ~old->diverted, given = given_up(wanted, old);

	marks->diverted = old->diverted;
	marks->judged = wanted->needs_judged ? old->judged & ~given : 0;
	marks->ask = wanted->needs_ask ? old->ask : 0;
	marks->fresh = wanted->needs_fresh ? old->fresh & ~given : 0;
	left &= ~(marks->judged | marks->ask | marks->fresh);
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++) {
		marks->sets[i] = old_bit(wanted->meanings[i], old, old_wanted) & left & ~given;
		left &= ~marks->sets[i];
	}
	return left;
}

/* A bit for what has none, rather one that meant nothing; 0: none is left. */
static void give(uint32_t *bit, bool is_wanted, uint32_t *left, uint32_t unused)
{
	if (!is_wanted || *bit)
		return;
	*bit = lowest(*left & unused ? *left & unused : *left);
	*left &= ~*bit;
}

void marks_assign(uint32_t field, const struct marks_wanted *wanted, const struct marks *old,
		  const struct marks_wanted *old_wanted, struct marks *ret_marks,
		  uint32_t *ret_reused)
{
	struct marks marks = {.field = field};
	uint32_t left = field, unused = field, kept = 0;

	if (old && old->field == field) {
		unused = field & ~marks_used(old);
		left = keep_old(wanted, old, old_wanted, &marks);
		kept = marks_used(&marks);
	}
	give(&marks.diverted, true, &left, unused);
	/* Sets without a bit are filled by commits; those that wait for confirmations need this one. */
	give(&marks.ask, wanted->asks_first, &left, unused);
	give(&marks.judged, wanted->needs_judged, &left, unused);
	give(&marks.fresh, wanted->needs_fresh, &left, unused);
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++)
		give(&marks.sets[i], wanted->meanings[i] != 0, &left, unused);
	/* Last: without it no more is lost than what the agent knows of clients in no set. */
	give(&marks.ask, wanted->needs_ask, &left, unused);
	*ret_marks = marks;
	if (ret_reused)
		*ret_reused = marks_used(&marks) & ~kept & ~unused;
}

/* The bit that means this, or meant it when it was there last, or 0. */
static uint32_t known_bit(uint64_t meaning, const struct marks_ct *marks)
{
	for (unsigned number = 0; number < 32; number++)
		if (marks->meant[number] == meaning)
			return UINT32_C(1) << number;
	return 0;
}

void marks_assign_ct(uint32_t field, const uint64_t *meanings, const struct marks_ct *old,
		     struct marks_ct *ret_marks)
{
	struct marks_ct marks = {.ask = lowest(field)};
	uint32_t free_bits = field & ~marks.ask & ~(old ? old->used : 0);

	marks.used = marks.ask | (old ? old->used : 0);
	if (old)
		memcpy(marks.meant, old->meant, sizeof(marks.meant));
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++) {
		uint32_t bit = meanings[i] ? known_bit(meanings[i], &marks) : 0;

		if (meanings[i] && !bit)
			bit = lowest(free_bits);
		if (!bit)
			continue;
		marks.meant[__builtin_ctz(bit)] = meanings[i];
		marks.sets[i] = bit;
		marks.used |= bit;
		free_bits &= ~bit;
	}
	*ret_marks = marks;
}

void marks_add_clocks(uint32_t field, bool is_wanted, const struct marks_ct *old,
		      struct marks_ct *marks)
{
	marks->clocks = old ? old->clocks : 0;
	if (is_wanted && !marks->clocks)
		marks->clocks = lowest(field & ~marks->used);
	marks->used |= marks->clocks;
}

void marks_put_labels(uint32_t high, uint32_t low, uint8_t ret_bitmap[MARKS_LABELS_BYTES])
{
	uint64_t whole = (uint64_t)high << 32 | low;

	memset(ret_bitmap, 0, MARKS_LABELS_BYTES);
	if (sizeof(long) == sizeof(whole))
		memcpy(ret_bitmap + 8, &whole, sizeof(whole));
	else
		memcpy(ret_bitmap + 8, (const uint32_t[]){low, high}, sizeof(whole));
}
