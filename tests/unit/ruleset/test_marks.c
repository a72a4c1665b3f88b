/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bits keep their meaning from one generation to the next. */
#include "ruleset/marks.h"

#include <criterion/criterion.h>

#define FIELD 0x7f00u

static struct marks assign(uint32_t field, const struct marks_wanted *wanted,
			   const struct marks *old, const struct marks_wanted *old_wanted,
			   uint32_t *ret_reused)
{
	struct marks marks;

	marks_assign(field, wanted, old, old_wanted, &marks, ret_reused);
	return marks;
}

Test(marks, lowest_bits_first_and_no_bit_twice)
{
	const struct marks_wanted wanted = {.meanings = {5, 0, 6}, .needs_judged = true};
	uint32_t reused = 1;
	struct marks marks = assign(FIELD, &wanted, NULL, NULL, &reused);

	cr_expect_eq(marks.diverted, 0x0100);
	cr_expect_eq(marks.judged, 0x0200);
	cr_expect_eq(marks.fresh, 0);
	cr_expect_eq(marks.sets[0], 0x0400);
	cr_expect_eq(marks.sets[1], 0, "needs none");
	cr_expect_eq(marks.sets[2], 0x0800);
	cr_expect_eq(marks_used(&marks), 0x0f00);
	cr_expect_eq(reused, 0);
}

Test(marks, what_finds_no_bit_has_none)
{
	const struct marks_wanted wanted = {.meanings = {5, 6, 7}, .needs_fresh = true};
	struct marks marks = assign(0x80000003, &wanted, NULL, NULL, NULL);

	cr_expect_eq(marks.diverted, 0x1);
	cr_expect_eq(marks.fresh, 0x2);
	cr_expect_eq(marks.sets[0], 0x80000000);
	cr_expect_eq(marks.sets[1] | marks.sets[2], 0);
}

Test(marks, a_meaning_keeps_its_bit_wherever_it_stands)
{
	const struct marks_wanted before = {.meanings = {5, 6}}, after = {.meanings = {7, 6, 5}};
	uint32_t reused = 1;
	struct marks old = assign(FIELD, &before, NULL, NULL, NULL);
	struct marks marks = assign(FIELD, &after, &old, &before, &reused);

	cr_expect_eq(marks.sets[2], old.sets[0]);
	cr_expect_eq(marks.sets[1], old.sets[1]);
	cr_expect_eq(marks.sets[0] & marks_used(&old), 0, "new: a bit that meant nothing");
	cr_expect_eq(reused, 0);
}

Test(marks, a_bit_that_meant_something_else_is_told)
{
	const struct marks_wanted before = {.meanings = {5}}, after = {.meanings = {6}};
	uint32_t reused = 0;
	struct marks old = assign(0x3, &before, NULL, NULL, NULL);
	struct marks marks = assign(0x3, &after, &old, &before, &reused);

	cr_expect_eq(marks.sets[0], 0x2);
	cr_expect_eq(reused, 0x2);
}

/* A set without a bit is filled by commits; without the bit that asks, one that waits is not at all. */
Test(marks, sets_that_wait_for_confirmations_leave_a_bit_to_ask)
{
	const struct marks_wanted all = {.meanings = {5, 6, 7, 8, 9, 10},
					 .needs_ask = true,
					 .asks_first = true},
				  none = {.meanings = {5, 6, 7, 8, 9, 10}, .needs_ask = true};
	uint32_t reused = 0;
	struct marks marks = assign(FIELD, &all, NULL, NULL, NULL), old, next;

	cr_expect(marks.ask && marks.sets[4]);
	cr_expect_eq(marks.sets[5], 0);
	cr_expect(assign(0x3, &all, NULL, NULL, NULL).ask);
	old = assign(FIELD, &none, NULL, NULL, NULL);
	cr_expect(!old.ask && old.sets[5]);
	next = assign(FIELD, &all, &old, &none, &reused);
	cr_expect_eq(next.ask, old.sets[5], "the last one gives up its bit");
	cr_expect_eq(reused, next.ask);
	cr_expect_eq(next.sets[5], 0);
	for (unsigned i = 0; i < 5; i++)
		cr_expect_eq(next.sets[i], old.sets[i]);
}

/* As a start would have it, where no set has a bit that it could give up. */
Test(marks, what_removes_leaves_the_only_bit_to_ask)
{
	const struct marks_wanted before = {.meanings = {5}, .needs_judged = true},
				  after = {.meanings = {5},
					   .needs_judged = true,
					   .needs_ask = true,
					   .asks_first = true};
	uint32_t reused = 0;
	struct marks old = assign(0x3, &before, NULL, NULL, NULL);
	struct marks next = assign(0x3, &after, &old, &before, &reused);

	cr_expect(old.judged && !old.sets[0]);
	cr_expect_eq(next.ask, old.judged);
	cr_expect_eq(reused, next.ask);
	cr_expect_eq(next.judged, 0);
}

/* Who asks for a bit of its own takes it from a set only where none is free. */
Test(marks, judged_and_fresh_come_and_go)
{
	const struct marks_wanted before = {.meanings = {5}},
				  after = {.meanings = {5}, .needs_judged = true};
	struct marks old = assign(FIELD, &before, NULL, NULL, NULL);
	struct marks marks = assign(FIELD, &after, &old, &before, NULL);

	cr_expect_eq(marks.sets[0], old.sets[0]);
	cr_expect_eq(marks.judged & marks_used(&old), 0);
}

/* A bit of a set that is gone would take elements out of another: that has to wait, and is told. */
Test(marks, judged_may_have_to_wait_too)
{
	const struct marks_wanted before = {.meanings = {5, 6}},
				  after = {.meanings = {5}, .needs_judged = true};
	uint32_t reused = 0;
	struct marks old = assign(0x7, &before, NULL, NULL, NULL);
	struct marks marks = assign(0x7, &after, &old, &before, &reused);

	cr_expect_eq(marks.sets[0], 0x2);
	cr_expect_eq(marks.judged, 0x4);
	cr_expect_eq(reused, 0x4);
}

Test(marks, the_clocks_keep_their_bit)
{
	const uint64_t none[MARKS_SETS_MAX] = {0}, one[MARKS_SETS_MAX] = {5};
	struct marks_ct old, marks;

	marks_assign_ct(0x0f00, one, NULL, &old);
	marks_add_clocks(0x0f00, false, NULL, &old);
	cr_expect_eq(old.clocks, 0, "not wanted");
	marks_add_clocks(0x0f00, true, NULL, &old);
	cr_expect_eq(old.clocks, 0x0400, "behind what asks and the set");
	marks_assign_ct(0x0f00, none, &old, &marks);
	marks_add_clocks(0x0f00, false, &old, &marks);
	cr_expect_eq(marks.clocks, 0x0400, "connections live for days");
	cr_expect(marks.used & marks.clocks);
	marks_assign_ct(0x0100, none, NULL, &marks);
	marks_add_clocks(0x0100, true, NULL, &marks);
	cr_expect_eq(marks.clocks, 0, "none is left");
}

/* Whoever tries one rule and then another again and again uses up no bits. */
Test(marks, what_comes_back_has_its_bit_of_the_connection_mark_again)
{
	const uint64_t first[MARKS_SETS_MAX] = {5, 9}, second[MARKS_SETS_MAX] = {6, 9};
	struct marks_ct before, now;

	marks_assign_ct(0x1f, first, NULL, &before);
	cr_expect_eq(before.sets[0], 2);
	cr_expect_eq(before.sets[1], 4);
	for (unsigned i = 0; i < 6; i++) {
		marks_assign_ct(0x1f, i % 2 ? first : second, &before, &now);
		cr_expect_eq(now.sets[0], i % 2 ? 2 : 8, "turn %u", i);
		cr_expect_eq(now.sets[1], 4, "turn %u", i);
		before = now;
	}
	cr_expect_eq(now.used, 0xf);
	marks_assign_ct(0x1f, (const uint64_t[MARKS_SETS_MAX]){7, 8, 9, 5}, &before, &now);
	cr_expect_eq(now.sets[0], 0x10, "the last one");
	cr_expect_eq(now.sets[1], 0, "none is left");
	cr_expect_eq(now.sets[2], 4);
	cr_expect_eq(now.sets[3], 2);
}
