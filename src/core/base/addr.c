/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of both versions in one form. Text is written by hand: every report has three
 * addresses, and inet_ntop() goes through printf.
 */
#include "core/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "core/base/wire.h"

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
	unsigned width = addr_is_v4(addr) ? 32 : 128;
	unsigned cleared = prefix_bits < width ? width - prefix_bits : 0;
	uint8_t *end = masked.bytes + sizeof(masked.bytes) - cleared / 8;

	memset(end, 0, cleared / 8);
	if (cleared % 8)
		end[-1] = (uint8_t)(end[-1] & 0xff << cleared % 8);
	return masked;
}

struct addr addr_network(const struct addr *addr)
{
	return addr_mask(addr, addr_is_v4(addr) ? 24 : 48);
}

bool addr_is_nobodys(const struct addr *addr)
{
	static const struct addr broadcast = {{[10] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	static const uint8_t zeros[15] = {0};
	const uint8_t *bytes = addr->bytes;

	if (addr_is_v4(addr))
		return bytes[12] == 0 || bytes[12] == 127 || bytes[12] >> 4 == 14 ||
		       addr_equal(addr, &broadcast);
	return bytes[0] == 0xff || (bytes[15] <= 1 && memcmp(bytes, zeros, sizeof(zeros)) == 0);
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

int addr_net_parse(const char *text, struct addr_net *ret_net)
{
	size_t len = strcspn(text, "/");
	const char *digits = text[len] ? text + len + 1 : NULL;
	char address[ADDR_TEXT_MAX];
	unsigned long bits, max;
	struct addr addr;

	if (len >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, len);
	address[len] = '\0';
	if (addr_parse(address, &addr) < 0)
		return -EINVAL;
	max = addr_is_v4(&addr) ? 32 : 128;
	bits = digits ? strtoul(digits, NULL, 10) : max;
	if (bits > max || (digits && (!*digits || digits[strspn(digits, "0123456789")])))
		return -EINVAL;
	*ret_net = (struct addr_net){addr_mask(&addr, (unsigned)bits), (uint8_t)bits};
	return 0;
}

bool addr_net_holds(const struct addr_net *net, const struct addr *addr)
{
	struct addr masked;

	if (addr_is_v4(addr) != addr_is_v4(&net->addr))
		return false;
	masked = addr_mask(addr, net->bits);
	return addr_equal(&masked, &net->addr);
}

static char *put_dotted(char *at, const uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		if (bytes[i] >= 100)
			*at++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*at++ = (char)('0' + bytes[i] / 10 % 10);
		*at++ = (char)('0' + bytes[i] % 10);
	}
	return at;
}

static char *put_group(char *at, unsigned group)
{
	unsigned shift = group >> 12 ? 12 : group >> 8 ? 8 : group >> 4 ? 4 : 0;

	for (;; shift -= 4) {
		*at++ = "0123456789abcdef"[group >> shift & 0xf];
		if (!shift)
			return at;
	}
}

struct run {
	unsigned first, count;
};

/* The first of the longest runs of zero groups, of two at least (RFC 5952 section 4.2). */
static struct run find_zeros(const unsigned groups[8])
{
	struct run best = {.count = 0};
	unsigned run = 0;

	for (unsigned i = 0; i < 8; i++) {
		run = groups[i] ? 0 : run + 1;
		if (run > MAX(best.count, 1))
			best = (struct run){i + 1 - run, run};
	}
	return best;
}

static char *put_groups(char *at, const uint8_t bytes[16])
{
	const struct wire wire = {.bytes = bytes, .len = 16};
	unsigned groups[8];
	struct run zeros;

	for (unsigned i = 0; i < 8; i++)
		groups[i] = wire_u16(&wire, 2 * i);
	zeros = find_zeros(groups);
	for (unsigned i = 0; i < 8; i++) {
		if (zeros.count && i == zeros.first) {
			*at++ = ':';
			i += zeros.count - 1;
			continue;
		}
		if (i)
			*at++ = ':';
		if (i == 6 && zeros.count == 6) /* ::192.0.2.1, RFC 4291 section 2.5.5.1 */
			return put_dotted(at, bytes + 12);
		at = put_group(at, groups[i]);
	}
	if (zeros.count && zeros.first + zeros.count == 8)
		*at++ = ':';
	return at;
}

size_t addr_format(const struct addr *addr, char buf[ADDR_TEXT_MAX])
{
	char *end =
		addr_is_v4(addr) ? put_dotted(buf, addr->bytes + 12) : put_groups(buf, addr->bytes);

	*end = '\0';
	return (size_t)(end - buf);
}
