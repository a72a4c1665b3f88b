/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cheap hashing of numbers that nobody chooses to make us slow; for all others there is xxHash. */
#ifndef SYNPRINT_CORE_BASE_HASH_H
#define SYNPRINT_CORE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_MULTIPLIER UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio (Knuth, 6.4) */

/** hash_mix() - each bit of @value moves about half of the result's lower ones. */
static inline uint64_t hash_mix(uint64_t value)
{
	value *= HASH_MULTIPLIER;
	return value ^ value >> 32;
}

/** hash_below() - a number below @count, whichever it is, each about as often. */
static inline uint32_t hash_below(uint32_t hash, uint32_t count)
{
	return (uint32_t)((uint64_t)hash * count >> 32);
}

/** hash_slots_for() - of an index by open addressing: a power of two, twice @count or more. */
static inline size_t hash_slots_for(size_t count)
{
	size_t slots = 1;

	while (slots < 2 * count)
		slots *= 2;
	return slots;
}

#endif
