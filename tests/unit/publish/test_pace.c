/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "publish/pace.h"

/* Batches as fast as they may come. Return: how many begin in so long. */
static unsigned run(struct pace *pace, uint64_t from_ms, uint64_t ms)
{
	unsigned count = 0;

	for (uint64_t at = from_ms; at < from_ms + ms; at = pace_next_ms(pace), count++)
		pace_began(pace, at);
	return count;
}

Test(pace, the_first_of_a_quiet_time_goes_at_once)
{
	struct pace pace = {0};

	pace_began(&pace, 100000);
	cr_assert_eq(pace_next_ms(&pace), 100000 + PACE_GAP_MS);
	pace_began(&pace, 200000);
	cr_assert_eq(pace_next_ms(&pace), 200000 + PACE_GAP_MS);
}

Test(pace, some_seconds_are_faster_and_the_long_run_is_twenty_a_second)
{
	struct pace pace = {0};
	unsigned first = run(&pace, 1000000, 10000),
		 all = first + run(&pace, pace_next_ms(&pace), 590000);

	cr_assert_eq(first, 10000 / PACE_GAP_MS + 1);
	cr_assert_leq(all, 600 * 20 + PACE_AHEAD_MS / PACE_PERIOD_MS + 1);
	cr_assert_geq(all, 600 * 20);
	cr_assert_eq(run(&pace, pace_next_ms(&pace), 10000), 200, "twenty a second by then");
}

Test(pace, a_quiet_time_is_no_more_than_that_ahead)
{
	struct pace pace = {0};

	run(&pace, 1000000, 60000);
	cr_assert_leq(run(&pace, 9000000, 60000), 60 * 20 + PACE_AHEAD_MS / PACE_PERIOD_MS + 1);
}
