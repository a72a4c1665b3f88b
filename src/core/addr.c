/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of both versions in one form. */
#include "synprint/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct addr addr_from_v4(const uint8_t bytes_be[4])
{
	struct addr addr;

	memcpy(addr.bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(addr.bytes + 12, bytes_be, 4);
	return addr;
}

struct addr addr_from_v6(const uint8_t bytes_be[16])
{
	struct addr addr;

	memcpy(addr.bytes, bytes_be, sizeof(addr.bytes));
	return addr;
}

bool addr_is_v4(const struct addr *addr)
{
	return memcmp(addr->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct addr addr_mask(const struct addr *addr, unsigned prefix_bits)
{
	struct addr masked = *addr;
	unsigned bits = prefix_bits < 128 ? prefix_bits : 128;

	if (addr_is_v4(addr))
		bits += 96;
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

		if (kept < 8)
			masked.bytes[i] = (uint8_t)(masked.bytes[i] & (0xff00u >> kept));
	}
	return masked;
}

int addr_parse(const char *text, struct addr *ret_addr)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret_addr = addr_from_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret_addr = addr_from_v6(bytes);
	else
		return -EINVAL;
	return 0;
}

size_t addr_format(const struct addr *addr, char buf[ADDR_TEXT_MAX])
{
	if (addr_is_v4(addr))
		inet_ntop(AF_INET, addr->bytes + 12, buf, ADDR_TEXT_MAX);
	else
		inet_ntop(AF_INET6, addr->bytes, buf, ADDR_TEXT_MAX);
	return strlen(buf);
}
