/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers into memory that is known to be large enough, two digits at a time. For the writers of
 * reports, where a third of the time went into numbers.
 */
#ifndef SYNPRINT_CORE_BASE_DIGITS_H
#define SYNPRINT_CORE_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

#define DIGITS_MAX 20 /* of a uint64_t */

/** digits_put() - @value in decimal at @at, which has DIGITS_MAX bytes. Return: behind it. */
static inline char *digits_put(char *at, uint64_t value)
{
	static const char pairs[] = "0001020304050607080910111213141516171819"
				    "2021222324252627282930313233343536373839"
				    "4041424344454647484950515253545556575859"
				    "6061626364656667686970717273747576777879"
				    "8081828384858687888990919293949596979899";
	char digits[DIGITS_MAX + 1];
	char *first = digits + DIGITS_MAX;

	if (value < 10) {
		*at = (char)('0' + value);
		return at + 1;
	}
	for (; value >= 100; value /= 100)
		memcpy(first -= 2, &pairs[value % 100 * 2], 2);
	if (value >= 10)
		memcpy(first -= 2, &pairs[value * 2], 2);
	else
		*--first = (char)('0' + value);
	value = (uint64_t)(digits + DIGITS_MAX - first);
	memcpy(at, first, value);
	return at + value;
}

#endif
