/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time, as a number. Inline: the packet path reads it with every burst. */
#ifndef SYNPRINT_SYS_CLOCK_H
#define SYNPRINT_SYS_CLOCK_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

static inline struct timespec clock_read(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now;
}

static inline uint64_t clock_read_us(clockid_t clock)
{
	struct timespec now = clock_read(clock);

	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/** clock_monotonic_us(), clock_monotonic_ms() - of a clock that nobody sets, for durations. */
static inline uint64_t clock_monotonic_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

static inline uint64_t clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

/** clock_boot_s() - the same, and it goes on while the machine sleeps. */
static inline uint64_t clock_boot_s(void)
{
	return (uint64_t)clock_read(CLOCK_BOOTTIME).tv_sec;
}

/** clock_unix_ms(), clock_unix_s() - since 1970, as the administrator sets it. */
static inline uint64_t clock_unix_ms(void)
{
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

static inline uint64_t clock_unix_s(void)
{
	return (uint64_t)clock_read(CLOCK_REALTIME).tv_sec;
}

/**
 * clock_steady_ms(), clock_steady_s() - Unix time by a clock that nobody sets: as the system's clock
 * was at the start of the process, and then as time passes.
 */
uint64_t clock_steady_ms(void);

static inline uint32_t clock_steady_s(void)
{
	return (uint32_t)(clock_steady_ms() / 1000);
}

/** clock_shift_s() - what somebody has added to the system's clock since the start; whole seconds. */
int64_t clock_shift_s(void);

/** clock_shown_s(), clock_shown_ms() - a steady time by today's clock; 0 s, never, stays 0. */
uint32_t clock_shown_s(uint32_t steady_s);
uint64_t clock_shown_ms(uint64_t steady_ms);

/** clock_add_ms() - a point in time, so much later. */
static inline struct timespec clock_add_ms(struct timespec at, uint64_t ms)
{
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/** clock_cond_init() - a condition that waits with CLOCK_MONOTONIC. */
static inline void clock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/** clock_in_ms() - a point of CLOCK_MONOTONIC, for a condition that waits with that clock. */
static inline struct timespec clock_in_ms(uint64_t from_now_ms)
{
	return clock_add_ms(clock_read(CLOCK_MONOTONIC), from_now_ms);
}

#endif
