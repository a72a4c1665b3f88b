/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "daemon/packets/backlog.h"

#define LENGTH 8192
#define BURST 100

static struct backlog backlog;
static uint64_t now_ms;

static void setup(void)
{
	backlog = (struct backlog){.length = LENGTH};
	now_ms = 1000000;
}

TestSuite(backlog, .init = setup);

/* A burst each millisecond, and more waits behind each. Return: what the last one says. */
static uint32_t receive(unsigned bursts)
{
	uint32_t length = 0;

	for (; bursts; bursts--)
		length = backlog_note(&backlog, BURST, false, ++now_ms);
	return length;
}

Test(backlog, a_burst_has_the_whole_queue)
{
	cr_expect_eq(receive(100), LENGTH);
	cr_expect_eq(backlog_note(&backlog, 1, true, ++now_ms), LENGTH);
	cr_expect_eq(receive(100), LENGTH, "counted anew from when it was empty");
}

Test(backlog, one_that_stands_has_few_places)
{
	cr_expect_eq(receive(101), BACKLOG_PLACES);
	now_ms += 60000;
	cr_expect_eq(receive(1), BACKLOG_PLACES, "as long as it is never empty");
}

Test(backlog, what_the_queue_can_hold_is_none)
{
	receive(40);
	now_ms += 3000;
	cr_expect_eq(receive(41), LENGTH, "the worker was kept from it");
	cr_expect_eq(receive(1), BACKLOG_PLACES, "and this is more");
}

Test(backlog, it_ends_five_seconds_after_it_stood)
{
	receive(101);
	now_ms += 4899;
	cr_expect_eq(backlog_note(&backlog, 1, true, ++now_ms), BACKLOG_PLACES);
	cr_expect_eq(receive(99), BACKLOG_PLACES, "may still be one");
	cr_expect_eq(backlog_note(&backlog, 1, true, ++now_ms), LENGTH);
	cr_expect_eq(receive(100), LENGTH);
}

Test(backlog, a_short_queue_stays_as_it_is)
{
	backlog.length = 100;
	cr_expect_eq(receive(100), 100);
	cr_expect_not(backlog.is_standing);
	cr_expect_eq(receive(1), 100);
	cr_expect(backlog.is_standing, "but it is told and counted");
}
