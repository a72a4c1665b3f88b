/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times counted in buckets, without a lock. */
#include "core/base/histogram.h"
#include "core/base/counter.h"

#include <stddef.h>
#include <sys/param.h>

/* A burst takes some 10 to 500 us; the rest is for what should not be. */
static const uint32_t bounds_us[HISTOGRAM_BOUNDS] = {
	10,    20,    50,     100,    200,    500,     1000,    2000,    5000,     10000,
	20000, 50000, 100000, 200000, 500000, 1000000, 2000000, 5000000, 10000000,
};

uint32_t histogram_bound_us(unsigned bucket)
{
	return bounds_us[MIN(bucket, HISTOGRAM_BOUNDS - 1)];
}

void histogram_add(struct histogram *histogram, uint64_t us)
{
	unsigned bucket = 0;

	while (bucket < HISTOGRAM_BOUNDS && us > bounds_us[bucket])
		bucket++;
	counter_add(&histogram->counts[bucket], 1);
	counter_add(&histogram->sum_us, us);
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		into->counts[i] += counter_read(&from->counts[i]);
	into->sum_us += counter_read(&from->sum_us);
}

uint64_t histogram_count(const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += histogram->counts[i];
	return count;
}

uint32_t histogram_quantile_us(const struct histogram *histogram, unsigned permille)
{
	uint64_t count = histogram_count(histogram), seen = 0;
	uint64_t wanted = (count * permille + 999) / 1000;

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		seen += histogram->counts[i];
		if (seen >= wanted)
			return bounds_us[i];
	}
	return bounds_us[HISTOGRAM_BOUNDS - 1];
}
