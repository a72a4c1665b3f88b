/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits for meanings; see marks.h. */
#include "ruleset/marks.h"

#include <stddef.h>

static uint32_t lowest(uint32_t bits)
{
	return bits & -bits;
}

uint32_t marks_used(const struct marks *marks)
{
	uint32_t used = marks->diverted | marks->judged | marks->fresh;

	for (unsigned i = 0; i < MARKS_SETS_MAX; i++)
		used |= marks->sets[i];
	return used;
}

/* The bit that meant the same before, or 0. */
static uint32_t old_bit(uint64_t meaning, const struct marks *old,
			const struct marks_wanted *old_wanted)
{
	for (unsigned i = 0; old && i < MARKS_SETS_MAX; i++)
		if (old_wanted->meanings[i] == meaning)
			return old->sets[i];
	return 0;
}

/* A free bit of the field, rather one of @rather; 0: none is left. */
static uint32_t take(uint32_t *free_bits, uint32_t rather)
{
	uint32_t bit = *free_bits & rather ? lowest(*free_bits & rather) : lowest(*free_bits);

	*free_bits &= ~bit;
	return bit;
}

static void keep_old(const struct marks_wanted *wanted, const struct marks *old,
		     const struct marks_wanted *old_wanted, struct marks *marks,
		     uint32_t *free_bits)
{
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++) {
		uint32_t bit =
			wanted->meanings[i] ? old_bit(wanted->meanings[i], old, old_wanted) : 0;

		marks->sets[i] = bit & *free_bits;
		*free_bits &= ~bit;
	}
}

void marks_assign(uint32_t field, const struct marks_wanted *wanted, const struct marks *old,
		  const struct marks_wanted *old_wanted, struct marks *ret_marks,
		  uint32_t *ret_reused)
{
	struct marks marks = {.field = field};
	uint32_t free_bits = field, unused, reused = 0;

	if (old && old->field != field)
		old = NULL;
	/* The first bits are always those of the same three, so that old and new agree. */
	marks.diverted = take(&free_bits, UINT32_MAX);
	marks.judged = wanted->needs_judged ? take(&free_bits, old ? old->judged : 0) : 0;
	marks.fresh = wanted->needs_fresh ? take(&free_bits, old ? old->fresh : 0) : 0;
	unused = old ? field & ~marks_used(old) : field;
	keep_old(wanted, old, old_wanted, &marks, &free_bits);
	for (unsigned i = 0; i < MARKS_SETS_MAX; i++) {
		if (!wanted->meanings[i] || marks.sets[i])
			continue;
		marks.sets[i] = take(&free_bits, unused);
		if (marks.sets[i] & ~unused)
			reused |= UINT32_C(1) << i;
	}
	*ret_marks = marks;
	if (ret_reused)
		*ret_reused = reused;
}
