/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "numbered.h"
#include "daemon/packets/renewed.h"

#define START_MS UINT64_C(1700000000000)
#define YEAR_MS (UINT64_C(365) * 86400 * 1000)

static struct renewed *renewed;

static void setup(void)
{
	renewed = renewed_new(42, START_MS);
	cr_assert_not_null(renewed);
}

static void teardown(void)
{
	renewed_free(renewed);
}

TestSuite(renewed, .init = setup, .fini = teardown);

static void expect_near(uint64_t when_ms, uint64_t seen_ms)
{
	cr_expect(when_ms <= seen_ms && when_ms + 64 > seen_ms, "%llu of %llu",
		  (unsigned long long)when_ms, (unsigned long long)seen_ms);
}

Test(renewed, of_who_was_noted_in_exactly_these_sets)
{
	struct addr client = numbered(1), other = numbered(2);

	cr_expect_eq(renewed_when(renewed, &client, 5), 0, "nobody yet");
	renewed_note(renewed, &client, 5, START_MS + 1000);
	expect_near(renewed_when(renewed, &client, 5), START_MS + 1000);
	cr_expect_eq(renewed_when(renewed, &client, 4), 0);
	cr_expect_eq(renewed_when(renewed, &client, 7), 0);
	cr_expect_eq(renewed_when(renewed, &other, 5), 0);
	renewed_note(renewed, &client, 4, START_MS + 2000);
	cr_expect_eq(renewed_when(renewed, &client, 5), 0, "he left one of them");
	expect_near(renewed_when(renewed, &client, 4), START_MS + 2000);
	renewed_note(renewed, &client, 4, 0);
	cr_expect_eq(renewed_when(renewed, &client, 4), 0, "nobody knows when");
}

Test(renewed, nothing_counts_of_before_it_was_forgotten)
{
	struct addr client = numbered(1);

	renewed_note(renewed, &client, 1, START_MS - 1000);
	cr_expect_eq(renewed_when(renewed, &client, 1), 0, "of before the start");
	renewed_note(renewed, &client, 1, START_MS + 1000);
	renewed_forget(renewed, START_MS + 5000);
	cr_expect_eq(renewed_when(renewed, &client, 1), 0);
	renewed_note(renewed, &client, 1, START_MS + 4999);
	cr_expect_eq(renewed_when(renewed, &client, 1), 0, "told late");
	renewed_note(renewed, &client, 1, START_MS + 5200);
	expect_near(renewed_when(renewed, &client, 1), START_MS + 5200);
	renewed_note(renewed, &client, 1, START_MS + 8 * YEAR_MS);
	expect_near(renewed_when(renewed, &client, 1), START_MS + 8 * YEAR_MS);
}

/* Who is pushed out is not known, and is nobody else. */
Test(renewed, is_of_fixed_size)
{
	unsigned known = 0;

	for (uint32_t i = 0; i < 200000; i++) {
		struct addr client = numbered(i);

		renewed_note(renewed, &client, 1, START_MS + 1000 + i);
	}
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr client = numbered(i);
		uint64_t when_ms = renewed_when(renewed, &client, 1);

		if (!when_ms)
			continue;
		known++;
		expect_near(when_ms, START_MS + 1000 + i);
	}
	cr_expect(known > 50000 && known <= 65536, "%u", known);
}
