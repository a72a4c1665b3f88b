/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of two numbers comes first, for qsort(). */
#ifndef SYNPRINT_CORE_BASE_ORDER_H
#define SYNPRINT_CORE_BASE_ORDER_H

#include <stdint.h>

/** order_up() - the smaller one first. Return: below, at or over zero. */
static inline int order_up(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/** order_down() - the larger one first. */
static inline int order_down(uint64_t a, uint64_t b)
{
	return order_up(b, a);
}

#endif
