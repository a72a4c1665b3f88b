/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>

#include "publish/oldest.h"

static struct target_element numbered(uint32_t number)
{
	const uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				  (uint8_t)number};

	return (struct target_element){.addr = addr_from_v4(bytes), .port = (uint16_t)number};
}

Test(oldest, the_first_ones_of_many_are_kept)
{
	enum { ALL = 5000, KEPT = 77 };
	struct oldest oldest;

	cr_assert_eq(oldest_init(&oldest, KEPT), 0);
	for (uint32_t i = 0; i < ALL; i++) {
		uint32_t number = i * 1777 % ALL; /* each once, in no order */
		struct target_element element = numbered(number);

		cr_assert(number >= KEPT || oldest_takes(&oldest, number));
		oldest_put(&oldest, number, &element);
	}
	cr_expect_not(oldest_takes(&oldest, ALL - 1));
	oldest_sort(&oldest);
	cr_assert_eq(oldest.count, KEPT);
	cr_expect_not(oldest_takes(&oldest, KEPT), "all of the first have come");
	for (unsigned i = 0; i < KEPT; i++) {
		struct target_element element = numbered((uint32_t)oldest.ones[i].order);

		cr_assert_eq(oldest.ones[i].order, i);
		cr_expect(addr_equal(&oldest.ones[i].addr, &element.addr));
		cr_expect_eq(oldest.ones[i].port, element.port);
	}
	oldest_done(&oldest);
}

Test(oldest, fewer_than_there_is_room_for)
{
	struct target_element element = numbered(1);
	struct oldest oldest;

	cr_assert_eq(oldest_init(&oldest, 3), 0);
	oldest_put(&oldest, 9, &element);
	oldest_put(&oldest, 9, &element);
	oldest_sort(&oldest);
	cr_expect_eq(oldest.count, 2, "equal ones are two");
	cr_expect(oldest_takes(&oldest, UINT64_MAX - 1));
	oldest_done(&oldest);
	oldest_done(&oldest);
}
