/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is, and waiting for some of it to pass. */
#ifndef SYNPRINT_TESTS_UNIT_NAP_H
#define SYNPRINT_TESTS_UNIT_NAP_H

#include <stdint.h>
#include <time.h>

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static inline void sleep_ms(unsigned ms)
{
	struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&span, NULL);
}

#endif
