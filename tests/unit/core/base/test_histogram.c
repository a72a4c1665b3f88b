/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "core/base/histogram.h"

Test(histogram, buckets_have_their_bound_inside)
{
	struct histogram histogram = {.sum_us = 0};

	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		histogram_add(&histogram, histogram_bound_us(i));
		histogram_add(&histogram, histogram_bound_us(i) + 1);
		cr_expect_eq(histogram.counts[i], i ? 2 : 1, "bucket %u", i);
	}
	cr_expect_eq(histogram.counts[HISTOGRAM_BOUNDS], 1);
	cr_expect_eq(histogram_count(&histogram), 2 * HISTOGRAM_BOUNDS);
}

/* node_exporter's readers compare bounds of different versions: 1, 2 and 5 of each power of ten. */
Test(histogram, bounds_are_round_numbers)
{
	static const unsigned leading[] = {1, 2, 5};
	unsigned power = 10;

	for (unsigned i = 0; i < HISTOGRAM_BOUNDS; i++) {
		cr_expect_eq(histogram_bound_us(i), leading[i % 3] * power, "bucket %u", i);
		power *= i % 3 == 2 ? 10 : 1;
	}
	cr_expect_eq(histogram_bound_us(HISTOGRAM_BOUNDS), power);
	cr_expect_eq(histogram_bound_us(HISTOGRAM_BOUNDS + 1), power);
}

Test(histogram, quantiles)
{
	struct histogram histogram = {.sum_us = 0};

	cr_expect_eq(histogram_quantile_us(&histogram, 500), 0, "of nothing");
	for (int i = 0; i < 98; i++)
		histogram_add(&histogram, 15);
	histogram_add(&histogram, 700);
	histogram_add(&histogram, UINT64_MAX / 2);
	cr_expect_eq(histogram_quantile_us(&histogram, 0), 10);
	cr_expect_eq(histogram_quantile_us(&histogram, 500), 20);
	cr_expect_eq(histogram_quantile_us(&histogram, 980), 20);
	cr_expect_eq(histogram_quantile_us(&histogram, 981), 1000);
	cr_expect_eq(histogram_quantile_us(&histogram, 990), 1000);
	cr_expect_eq(histogram_quantile_us(&histogram, 1000), 10000000);
}

/* A quantile is where the next whole observation is. */
Test(histogram, quantiles_of_few)
{
	struct histogram histogram = {.sum_us = 0};

	histogram_add(&histogram, 15);
	histogram_add(&histogram, 700);
	for (int i = 0; i < 998; i++)
		histogram_add(&histogram, 3000);
	cr_expect_eq(histogram_quantile_us(&histogram, 1), 20);
	cr_expect_eq(histogram_quantile_us(&histogram, 2), 1000);
	cr_expect_eq(histogram_quantile_us(&histogram, 3), 5000);
	histogram_add(&histogram, 3000);
	cr_expect_eq(histogram_quantile_us(&histogram, 1), 1000, "1.001 of 1001");
	cr_expect_eq(histogram_quantile_us(&histogram, 1000), 5000);
}

Test(histogram, merges)
{
	struct histogram a = {.sum_us = 0}, b = {.sum_us = 0};

	histogram_add(&a, 5);
	histogram_add(&b, 5);
	histogram_add(&b, 3000);
	histogram_add(&b, UINT32_MAX);
	histogram_merge(&a, &b);
	cr_expect_eq(histogram_count(&a), 4);
	cr_expect_eq(a.sum_us, 3010 + UINT64_C(0xffffffff));
	cr_expect_eq(a.counts[0], 2);
	cr_expect_eq(a.counts[HISTOGRAM_BOUNDS], 1);
}
