/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounds-checked reading of packet bytes: the one place of network byte order. A read beyond the
 * end gives zero, so a parser may read first and compare lengths afterwards.
 */
#ifndef SYNPRINT_CORE_BASE_WIRE_H
#define SYNPRINT_CORE_BASE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
	const uint8_t *bytes;
	size_t len;
};

static inline bool wire_has(const struct wire *wire, size_t at, size_t count)
{
	return at <= wire->len && count <= wire->len - at;
}

static inline uint8_t wire_u8(const struct wire *wire, size_t at)
{
	return wire_has(wire, at, 1) ? wire->bytes[at] : 0;
}

static inline uint16_t wire_u16(const struct wire *wire, size_t at)
{
	if (!wire_has(wire, at, 2))
		return 0;
	return (uint16_t)(wire->bytes[at] << 8 | wire->bytes[at + 1]);
}

static inline uint32_t wire_u32(const struct wire *wire, size_t at)
{
	if (!wire_has(wire, at, 4))
		return 0;
	return (uint32_t)wire->bytes[at] << 24 | (uint32_t)wire->bytes[at + 1] << 16 |
	       (uint32_t)wire->bytes[at + 2] << 8 | wire->bytes[at + 3];
}

#endif
