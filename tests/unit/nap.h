/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is by a clock that no test stops (own_clock.h), and waiting for some of it to pass. */
#ifndef SYNPRINT_TESTS_UNIT_NAP_H
#define SYNPRINT_TESTS_UNIT_NAP_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned ms)
{
	struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&span, NULL);
}

#define WAIT_MAX_MS 30000 /* only a failure takes so long, however slow the machine is */

/* Until it is so; what it is behind that is not asked. */
#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		uint64_t until_ms = now_ms() + WAIT_MAX_MS;                                        \
		bool is_so;                                                                        \
                                                                                                   \
		while (!(is_so = (condition)) && now_ms() < until_ms)                              \
			sleep_ms(5);                                                               \
		cr_assert(is_so || (condition), "after %d s still not: %s", WAIT_MAX_MS / 1000,    \
			  #condition);                                                             \
	} while (0)

#endif
