/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters that one thread counts and any other reads. Plain numbers, so that a struct of them can
 * be copied, summed and shown; these functions alone touch one that several threads know.
 */
#ifndef SYNPRINT_CORE_BASE_COUNTER_H
#define SYNPRINT_CORE_BASE_COUNTER_H

#include <stdint.h>

/** counter_add() - by the one thread that counts: no locked instruction. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/** counter_add_shared() - where several threads count. */
static inline void counter_add_shared(uint64_t *counter, uint64_t n)
{
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

/** counter_read() - from any thread. */
static inline uint64_t counter_read(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
