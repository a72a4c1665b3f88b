/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "publish/later.h"

#include <criterion/criterion.h>

#define MOST 4

static struct addr numbered(uint8_t last)
{
	uint8_t bytes[4] = {192, 0, 2, last};

	return addr_from_v4(bytes);
}

static void note(struct later *later, uint8_t last)
{
	struct addr addr = numbered(last);

	later_note(later, &addr, last);
}

static unsigned oldest(struct later *later)
{
	struct publish_op op;

	return later_first(later, &op) ? op.addr.bytes[15] : 0;
}

/* Who works at the oldest one meanwhile drops no other in its place. */
Test(later, the_oldest_gives_way_to_a_newer_one)
{
	struct later later;
	struct publish_op at_work;

	later_init(&later, MOST);
	cr_expect_not(later_first(&later, &at_work));
	for (uint8_t i = 1; i <= MOST; i++)
		note(&later, i);
	cr_assert(later_first(&later, &at_work));
	cr_expect_eq(oldest(&later), 1, "it stays");
	note(&later, 5);
	cr_expect_eq(oldest(&later), 2);
	later_drop(&later, &at_work);
	cr_expect_eq(oldest(&later), 2, "nobody has worked at this one");
	cr_assert(later_first(&later, &at_work));
	later_drop(&later, &at_work);
	cr_expect_eq(oldest(&later), 3);
	cr_expect_eq(later_waiting(&later), 3);
	cr_expect_eq(later_take(&later, &at_work, 1), 1);
	while (later_take(&later, &at_work, 1))
		continue;
	later_drop(&later, &at_work);
	cr_expect_eq(later_waiting(&later), 0);
	later_done(&later);
}
