/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "daemon/packets/backlog.h"

#define LENGTH 8192
#define BURST 64

static struct backlog backlog;
static uint64_t now_ms;

static void setup(void)
{
	backlog = (struct backlog){.length = LENGTH};
	now_ms = 1000;
}

TestSuite(backlog, .init = setup);

/* Full bursts behind which more waits. Return: what the last one says. */
static uint32_t receive(unsigned packets)
{
	uint32_t length = 0;

	for (; packets; packets -= BURST)
		length = backlog_note(&backlog, BURST, false, now_ms);
	return length;
}

Test(backlog, a_burst_has_the_whole_queue)
{
	cr_expect_eq(receive(2 * LENGTH), LENGTH, "as many as came meanwhile, too");
	cr_expect_eq(backlog_note(&backlog, 3, true, now_ms), LENGTH);
	cr_expect_eq(receive(2 * LENGTH), LENGTH, "counted anew from when it was empty");
}

Test(backlog, one_that_stands_has_few_places)
{
	cr_expect_eq(receive(2 * LENGTH + BURST), BACKLOG_PLACES);
	now_ms += 60000;
	cr_expect_eq(receive(BURST), BACKLOG_PLACES, "as long as it is never empty");
}

Test(backlog, it_ends_five_seconds_after_it_stood)
{
	receive(2 * LENGTH + BURST);
	now_ms += 4999;
	cr_expect_eq(backlog_note(&backlog, 1, true, now_ms), BACKLOG_PLACES);
	cr_expect_eq(receive(2 * LENGTH), BACKLOG_PLACES, "may still be one");
	now_ms += 1;
	cr_expect_eq(backlog_note(&backlog, 1, true, now_ms), LENGTH);
	cr_expect_eq(receive(LENGTH), LENGTH);
}

Test(backlog, a_short_queue_stays_as_it_is)
{
	backlog.length = 100;
	cr_expect_eq(receive(BURST), 100);
	cr_expect_eq(receive(LENGTH), 100);
}
