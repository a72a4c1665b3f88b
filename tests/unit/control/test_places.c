/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gets a place, and who gives one up for it. */
#include <criterion/criterion.h>
#include <errno.h>

#include "alloc.h"
#include "control/places.h"

#define MAX 128 /* of which two are kept for root */
#define ROOT 0
#define ALICE 1000
#define BOB 1001
#define CAROL 1002

static struct places places;
static struct place all[MAX + 1];

static void setup(void)
{
	places_init(&places, MAX);
}

TestSuite(places, .init = setup);

static int ask(uid_t uid, uint64_t now_ms, struct place **ret_victim)
{
	*ret_victim = NULL;
	return places_ask(&places, uid, now_ms, ret_victim);
}

/* From all[first] on, each taken a millisecond after the one before. */
static void take(uid_t uid, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		cr_assert_eq(places_enter(&places, uid, i, &all[i]), 0);
}

Test(places, some_are_kept_for_root)
{
	struct place *victim;

	take(ALICE, 0, MAX - 3);
	cr_assert_eq(ask(ALICE, MAX, &victim), 0);
	take(ALICE, MAX - 3, 1);
	cr_assert_eq(ask(ALICE, MAX, &victim), -EBUSY);
	cr_assert_eq(ask(ROOT, MAX, &victim), 0);
	take(ROOT, MAX - 2, 2);
	cr_assert_eq(ask(ROOT, MAX, &victim), 1, "who has the most gives way");
	cr_assert_eq(victim, &all[0]);
}

Test(places, who_has_the_most_gives_up_the_longest_idle_one)
{
	struct place *victim;

	take(ALICE, 0, 100);
	take(BOB, 100, MAX - 2 - 100);
	places_touch(&all[0], 500);
	cr_assert_eq(ask(BOB, 500, &victim), 1);
	cr_assert_eq(victim, &all[1]);
	all[1].is_subscriber = true;
	cr_assert_eq(ask(BOB, 500, &victim), 1);
	cr_assert_eq(victim, &all[2], "subscribers wait by trade");
}

Test(places, shares_meet_in_the_middle)
{
	struct place *victim;
	unsigned bobs = 0;

	take(ALICE, 0, MAX - 2);
	while (ask(BOB, 900, &victim) == 1 && victim->active_ms < 900) {
		places_leave(&places, victim);
		cr_assert_eq(places_enter(&places, BOB, 900, victim), 0);
		bobs++;
	}
	cr_assert_eq(bobs, (MAX - 2) / 2);
}

Test(places, ones_own_give_way_only_when_idle)
{
	struct place *victim;

	take(ALICE, 0, MAX - 2);
	cr_assert_eq(ask(ALICE, 999, &victim), -EBUSY);
	cr_assert_eq(ask(ALICE, 1000, &victim), 1);
	cr_assert_eq(victim, &all[0]);
	for (unsigned i = 0; i < MAX - 2; i++)
		all[i].is_subscriber = true;
	cr_assert_eq(ask(ALICE, 100000, &victim), -EBUSY);
	cr_assert_eq(ask(BOB, 100000, &victim), 1, "one user's subscribers do not shut others out");
}

Test(places, a_place_that_is_left_is_free)
{
	struct place *victim;

	take(ALICE, 0, MAX - 2);
	places_leave(&places, &all[7]);
	cr_assert_eq(ask(ALICE, 1, &victim), 0);
	for (unsigned i = 0; i < MAX - 2; i++)
		if (i != 7)
			places_leave(&places, &all[i]);
	cr_assert_eq(places.taken, 0);
	cr_assert(LIST_EMPTY(&places.parties));
}

Test(places, a_single_place_is_for_all)
{
	struct place *victim;

	places_init(&places, 1);
	cr_assert_eq(ask(ALICE, 0, &victim), 0);
	take(ALICE, 0, 1);
	cr_assert_eq(ask(ROOT, 0, &victim), 1);
	cr_assert_eq(victim, &all[0]);
}

/* One place of 64 is root's, and one at the least where there are two. */
Test(places, shares_of_root)
{
	static const struct {
		unsigned max, others;
	} cases[] = {{2, 1}, {64, 63}, {65, 63}, {128, 126}, {129, 126}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct place here[129];
		struct place *victim;
		unsigned count = 0;

		places_init(&places, cases[i].max);
		for (; ask(ALICE, 0, &victim) == 0; count++)
			cr_assert_eq(places_enter(&places, ALICE, 0, &here[count]), 0);
		cr_expect_eq(count, cases[i].others, "%u: %u", cases[i].max, count);
		for (; ask(ROOT, 0, &victim) == 0; count++)
			cr_assert_eq(places_enter(&places, ROOT, 0, &here[count]), 0);
		cr_expect_eq(count, cases[i].max, "%u: %u", cases[i].max, count);
		while (count)
			places_leave(&places, &here[--count]);
		cr_expect_eq(places.of_root, 0);
	}
}

/* Who has one more than another gives him none: they would change places for ever. */
Test(places, equal_shares_stay)
{
	static const struct {
		unsigned alices, bobs; /* of those that are not root's; Carol has the others */
		uid_t loser; /* of Bob's next one */
	} cases[] = {{63, 63, BOB}, {64, 62, ALICE}, {62, 64, BOB}, {63, 62, BOB}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct place *victim;

		places_init(&places, MAX);
		take(ALICE, 0, cases[i].alices);
		take(BOB, cases[i].alices, cases[i].bobs);
		take(CAROL, cases[i].alices + cases[i].bobs,
		     MAX - 2 - cases[i].alices - cases[i].bobs);
		cr_assert_eq(ask(BOB, 5000, &victim), 1);
		cr_expect_eq(victim == &all[0], cases[i].loser == ALICE, "case %zu", i);
		for (unsigned k = 0; k < MAX - 2; k++)
			places_leave(&places, &all[k]);
	}
}

Test(places, out_of_memory)
{
	alloc_fail_after(0);
	cr_expect_eq(places_enter(&places, ALICE, 0, &all[0]), -ENOMEM);
	cr_expect(alloc_has_failed());
	cr_expect_eq(places.taken, 0);
}
