/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets that packets fill: when one is called full, and when no more. */
#include "input/rules_full.h"

#include <criterion/criterion.h>

#define LOOK_MS 1000

static struct rules_full full;
static struct rules_status status;
static uint64_t now_ms = 5000;

/* One look at set 1 of two. Return: whether it is full and was not. */
static bool look(uint64_t tried, uint64_t filled)
{
	uint64_t news;

	status.fingerprint = 7;
	status.set_count = 2;
	status.sets[1].tried = tried;
	status.sets[1].filled = filled;
	now_ms += LOOK_MS;
	news = rules_full_note(&full, &status, now_ms);
	cr_assert(!(full.bits & ~UINT64_C(2)));
	return news == 2;
}

Test(rules_full, is_found_once)
{
	cr_expect(!look(10, 10));
	cr_expect(!look(30, 20));
	cr_expect(look(40, 20));
	cr_expect(!look(90, 20));
	cr_expect_eq(full.bits, 2);
}

Test(rules_full, packets_between_the_counters_are_no_sign)
{
	for (uint64_t tried = 100; tried < 1000000; tried += 1000)
		cr_assert(!look(tried, tried - tried / 1000 % 4));
	cr_expect(!look(2000000, 1990000), "only one look says so");
	cr_expect(!look(3000000, 3000000));
	cr_expect(!look(4000000, 4000000));
	cr_expect_eq(full.bits, 0);
}

Test(rules_full, few_refusals_add_up)
{
	unsigned found = 0;

	for (uint64_t n = 0; n < 20; n++)
		found += look(50 + n, 50);
	cr_expect_eq(found, 1);
}

Test(rules_full, ends_a_minute_behind_the_last_one)
{
	look(0, 0);
	look(10, 0);
	cr_assert(look(10, 0));
	for (unsigned n = 1; n < RULES_FULL_MS / LOOK_MS; n++) {
		cr_assert(!look(100, 90));
		cr_assert_eq(full.bits, 2, "after %u looks", n);
	}
	cr_expect(!look(100, 90));
	cr_expect_eq(full.bits, 0);
	cr_expect(!look(120, 90));
	cr_expect(look(120, 90), "it is told again");
}

Test(rules_full, rules_that_are_new_count_from_zero)
{
	cr_expect(!look(5000, 1000));
	cr_expect(!look(5000, 1000), "that was before we looked");
	look(5010, 1000);
	cr_assert(look(5010, 1000));
	cr_expect(!look(0, 0), "the same rules, loaded again");
	look(6, 0);
	cr_expect(!look(6, 0), "it has been told within the minute");
	cr_expect_eq(full.bits, 2);
	status.fingerprint = 8;
	rules_full_note(&full, &status, now_ms);
	cr_expect_eq(full.bits, 0, "others' rules");
}

Test(rules_full, is_of_a_name_in_both_versions)
{
	const struct rules_status of =
		{.set_count = 4,
		 .sets = {{"a4", 10, 7}, {"a6", 5, 5}, {"ab4", 100, 1}, {"b6", 3, 5}}};
	bool is_full;

	cr_expect_eq(rules_full_refused(&of, 1, "a", &is_full), 3);
	cr_expect(is_full);
	cr_expect_eq(rules_full_refused(&of, 1, "ab", &is_full), 99);
	cr_expect(!is_full);
	cr_expect_eq(rules_full_refused(&of, 8, "b", &is_full), 0);
	cr_expect(is_full);
	cr_expect_eq(rules_full_refused(&of, 15, "c", &is_full), 0);
	cr_expect(!is_full);
}
