/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers in the byte order of whoever wrote a file. The caller knows that the bytes are there. */
#ifndef SYNPRINT_INPUT_CAPTURE_ORDER_H
#define SYNPRINT_INPUT_CAPTURE_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/** order_u16(), order_u32() - @is_big: most significant byte first */
static inline uint16_t order_u16(const uint8_t *bytes, bool is_big)
{
	return is_big ? (uint16_t)(bytes[0] << 8 | bytes[1]) : (uint16_t)(bytes[1] << 8 | bytes[0]);
}

static inline uint32_t order_u32(const uint8_t *bytes, bool is_big)
{
	uint32_t first = order_u16(bytes, is_big), second = order_u16(bytes + 2, is_big);

	return is_big ? first << 16 | second : second << 16 | first;
}

#endif
