/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "publish/expiry.h"

static struct addr address(unsigned number)
{
	uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};

	return addr_from_v4(bytes);
}

static unsigned take_all(struct expiry *expiry, uint64_t now_ms)
{
	struct publish_op ops[16];
	unsigned count = 0;
	size_t n;

	do {
		n = expiry_due(expiry, now_ms, ops, 16);
		expiry_forget(expiry, now_ms, ops, n);
		count += (unsigned)n;
	} while (n == 16);
	return count;
}

Test(expiry, each_goes_once_when_its_time_has_come)
{
	struct expiry *expiry = expiry_new(1000);

	for (unsigned i = 0; i < 1000; i++) {
		struct addr addr = address(i);

		cr_assert(expiry_set(expiry, &addr, 1000 + i));
	}
	cr_expect_eq(take_all(expiry, 999), 0);
	cr_expect_eq(take_all(expiry, 1000), 1);
	cr_expect_eq(take_all(expiry, 1499), 499);
	cr_expect_eq(take_all(expiry, 1499), 0);
	cr_expect_eq(take_all(expiry, 9999), 500);
	expiry_free(expiry);
}

Test(expiry, a_new_time_replaces_the_old_and_removal_forgets)
{
	struct expiry *expiry = expiry_new(10);
	struct addr kept = address(1), gone = address(2);

	cr_assert(expiry_set(expiry, &kept, 1000) && expiry_set(expiry, &gone, 1000));
	cr_assert(expiry_set(expiry, &kept, 5000) && expiry_set(expiry, &gone, 0));
	cr_expect_eq(take_all(expiry, 4999), 0);
	cr_expect_eq(take_all(expiry, 5000), 1);
	expiry_free(expiry);
}

Test(expiry, what_could_not_be_taken_out_is_due_again)
{
	struct expiry *expiry = expiry_new(10);
	struct addr gone = address(1), back = address(2);
	struct publish_op ops[4];

	cr_assert(expiry_set(expiry, &gone, 1000) && expiry_set(expiry, &back, 1000));
	cr_assert_eq(expiry_due(expiry, 1000, ops, 4), 2);
	cr_assert_eq(expiry_due(expiry, 1000, ops, 4), 2);
	cr_assert(expiry_set(expiry, &back, 2000), "meanwhile, by the other owner");
	expiry_forget(expiry, 1000, ops, 2);
	cr_expect_eq(expiry_due(expiry, 1999, ops, 4), 0);
	cr_assert_eq(expiry_due(expiry, 2000, ops, 4), 1);
	cr_expect(addr_equal(&ops[0].addr, &back));
	expiry_free(expiry);
}

/* Elements come and go for ever: what is gone makes room. */
Test(expiry, what_is_gone_makes_room)
{
	struct expiry *expiry = expiry_new(100);

	for (unsigned round = 0; round < 200; round++) {
		for (unsigned i = 0; i < 100; i++) {
			struct addr addr = address(round * 100 + i);

			cr_assert(expiry_set(expiry, &addr, round + 1), "round %u", round);
		}
		cr_assert_eq(take_all(expiry, round + 1), 100, "round %u", round);
	}
	expiry_free(expiry);
}
