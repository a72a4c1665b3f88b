/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "core/base/quota.h"

#define START_MS UINT64_C(1700000000000)

static unsigned take_all(struct quota *quota, uint32_t max, uint32_t window_s, uint64_t now_ms)
{
	unsigned count = 0;

	while (count <= max && quota_take(quota, max, window_s, now_ms))
		count++;
	return count;
}

Test(quota, half_at_once_and_half_over_the_window)
{
	struct quota quota = {0};

	cr_expect_eq(take_all(&quota, 100, 10, START_MS), 50);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS + 199), 0);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS + 200), 1);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS + 5200), 25);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS + 900000), 50, "no more is saved up");
}

Test(quota, what_is_given_back_can_be_had_again)
{
	struct quota quota = {0};

	cr_expect_eq(take_all(&quota, 100, 10, START_MS), 50);
	quota_give(&quota, 10, 7);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS), 7);
	quota_give(&quota, 10, 1000);
	cr_expect_eq(take_all(&quota, 100, 10, START_MS), 50, "and no more than was taken");
}

Test(quota, no_window_sees_more_than_the_maximum)
{
	struct quota quota = {0};
	unsigned count = 0;

	for (unsigned ms = 0; ms < 10000; ms++)
		count += take_all(&quota, 1000, 10, START_MS + ms);
	cr_expect_leq(count, 1000);
	cr_expect_geq(count, 999);
}

Test(quota, the_least_and_the_most)
{
	struct quota one = {0}, most = {0};

	cr_expect(quota_take(&one, 1, 60, START_MS));
	cr_expect_not(quota_take(&one, 1, 60, START_MS + 59999));
	cr_expect(quota_take(&one, 1, 60, START_MS + 60000));
	cr_expect(quota_take(&most, UINT32_C(1) << 31, 2147483, START_MS));
	cr_expect(quota_take(&most, UINT32_C(1) << 31, 2147483, START_MS + 1));
}

Test(quota, a_clock_that_goes_backwards_gives_nothing)
{
	struct quota quota = {0};

	cr_expect_eq(take_all(&quota, 4, 10, START_MS), 2);
	cr_expect_eq(take_all(&quota, 4, 10, START_MS - 3600000), 0);
	cr_expect_eq(take_all(&quota, 4, 10, START_MS - 3600000 + 5000), 1);
}
