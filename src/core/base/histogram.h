/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long something took, counted in fixed buckets from 10 microseconds to 10 seconds. One
 * thread counts, any thread may read.
 */
#ifndef SYNPRINT_CORE_BASE_HISTOGRAM_H
#define SYNPRINT_CORE_BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS 19 /* the last bucket, behind them, has no upper bound */

struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* of each bucket alone */
	uint64_t sum_us;
};

/** histogram_bound_us() - upper bound of a bucket, itself included, in microseconds. */
uint32_t histogram_bound_us(unsigned bucket);

/** histogram_add() - count one; for the one thread that owns it. */
void histogram_add(struct histogram *histogram, uint64_t us);

/** histogram_merge() - add what another thread's holds by now. */
void histogram_merge(struct histogram *into, const struct histogram *from);

uint64_t histogram_count(const struct histogram *histogram);

/**
 * histogram_quantile_us() - so that @permille of all took no longer, as far as the buckets tell:
 * the upper bound of the one it falls into; the last bound for what is behind it; 0 for none.
 */
uint32_t histogram_quantile_us(const struct histogram *histogram, unsigned permille);

#endif
