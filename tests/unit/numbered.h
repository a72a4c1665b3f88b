/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many addresses, of which each has a number. */
#ifndef SYNPRINT_TESTS_UNIT_NUMBERED_H
#define SYNPRINT_TESTS_UNIT_NUMBERED_H

#include "core/base/addr.h"

/* 10.0.0.0 and so many on. */
static inline struct addr numbered(uint32_t number)
{
	const uint8_t bytes[4] = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				  (uint8_t)number};

	return addr_from_v4(bytes);
}

#endif
