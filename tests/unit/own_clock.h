/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CLOCK_MONOTONIC as the test says: once it is stopped, time passes only where the test lets it, and
 * none while the test waits for a processor. nap.h has another clock, which runs on.
 */
#ifndef SYNPRINT_TESTS_UNIT_OWN_CLOCK_H
#define SYNPRINT_TESTS_UNIT_OWN_CLOCK_H

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t own_clock_ms; /* 0: it runs */

static inline void own_clock_stop(void)
{
	own_clock_ms = 1000000;
}

static inline void own_clock_pass(unsigned ms)
{
	own_clock_ms += ms;
}

/* In libc's place. */
int clock_gettime(clockid_t clock, struct timespec *ret_now)
{
	if (clock != CLOCK_MONOTONIC || !own_clock_ms)
		return (int)syscall(SYS_clock_gettime, clock, ret_now);
	*ret_now = (struct timespec){.tv_sec = (time_t)(own_clock_ms / 1000),
				     .tv_nsec = (long)(own_clock_ms % 1000) * 1000000};
	return 0;
}

#endif
