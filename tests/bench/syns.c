/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shapes as the systems send them; what is counted up is written in, checksums come last. */
#include "syns.h"

#include <stdbool.h>
#include <string.h>

struct shape {
	uint8_t version, ttl;
	uint16_t win, mss;
	uint8_t options_len;
	uint8_t options[24]; /* behind the MSS option, which every shape begins with */
};

/* clang-format off */
static const struct shape shapes[SYNS_KINDS] = {
	{4, 63, 64240, 1460, 16, {4, 2, 8, 10, 1, 1, 1, 1, 0, 0, 0, 0, 1, 3, 3, 7}}, /* Linux */
	{4, 117, 64240, 1460, 8, {1, 3, 3, 8, 1, 1, 4, 2}}, /* Windows */
	{4, 54, 65535, 1460, 20, {1, 3, 3, 6, 1, 1, 8, 10, 2, 2, 2, 2, 0, 0, 0, 0, 4, 2, 0, 0}}, /* macOS, iOS */
	{4, 52, 65535, 1400, 16, {4, 2, 8, 10, 3, 3, 3, 3, 0, 0, 0, 0, 1, 3, 3, 9}}, /* Android */
	{4, 60, 64800, 1380, 16, {4, 2, 8, 10, 4, 4, 4, 4, 0, 0, 0, 0, 1, 3, 3, 7}}, /* Linux, WireGuard */
	{4, 242, 65535, 1460, 0, {0}}, /* ZMap before 4.2 */
	{4, 40, 5555, 1337, 8, {3, 3, 5, 1, 254, 4, 0, 0}}, /* nobody's */
	{6, 58, 64800, 1440, 16, {4, 2, 8, 10, 5, 5, 5, 5, 0, 0, 0, 0, 1, 3, 3, 7}}, /* Linux */
};
/* clang-format on */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* RFC 1071 */
static unsigned sum_of(const uint8_t *at, unsigned len)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (unsigned)at[i] << 8 | at[i + 1];
	return sum;
}

static unsigned checksum(unsigned sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	return ~((sum >> 16) + sum) & 0xffff;
}

static void put_v4(uint8_t *ip, const struct shape *shape, unsigned len, uint32_t src,
		   uint32_t number)
{
	ip[0] = 0x45;
	put16(ip + 2, len);
	put16(ip + 4, (number * 40503) | 1);
	ip[6] = 0x40; /* DF */
	ip[8] = shape->ttl;
	ip[9] = 6;
	put32(ip + 12, 0x0a000000 + src);
	put32(ip + 16, 0xcb007102); /* 203.0.113.2 */
	put16(ip + 10, checksum(sum_of(ip, 20)));
}

static void put_v6(uint8_t *ip, const struct shape *shape, unsigned len, uint32_t src,
		   bool has_subnets)
{
	ip[0] = 0x60;
	put32(ip, 0x60000000 | (0x12345 + src % 0x1000));
	put16(ip + 4, len - 40);
	ip[6] = 6;
	ip[7] = shape->ttl;
	put32(ip + 8, 0x20010db8);
	put32(ip + 20, has_subnets ? 1 : src);
	if (has_subnets)
		put32(ip + 12, src * 2654435761u);
	put32(ip + 24, 0x20010db8);
	put32(ip + 28, 0x00020000);
	ip[39] = 2;
}

unsigned syns_make(unsigned kind, uint32_t src, uint32_t number, uint8_t *buf)
{
	const struct shape *shape = &shapes[kind % SYNS_SUBNETS];
	unsigned ip_len = shape->version == 4 ? 20 : 40, tcp_len = 24u + shape->options_len;
	uint8_t *tcp = buf + ip_len;

	memset(buf, 0, ip_len + 24);
	if (shape->version == 4)
		put_v4(buf, shape, ip_len + tcp_len, src, number);
	else
		put_v6(buf, shape, ip_len + tcp_len, src, kind >= SYNS_SUBNETS);
	put16(tcp, 1024 + number % 64000);
	put16(tcp + 2, 443);
	put32(tcp + 4, 0x10000001 + number * 2654435761u);
	tcp[12] = (uint8_t)(tcp_len / 4 << 4);
	tcp[13] = 0x02;
	put16(tcp + 14, shape->win);
	put32(tcp + 20, 0x02040000u | shape->mss);
	memcpy(tcp + 24, shape->options, shape->options_len);
	put16(tcp + 16,
	      checksum(6 + tcp_len + sum_of(tcp, tcp_len) +
		       (shape->version == 4 ? sum_of(buf + 12, 8) : sum_of(buf + 8, 32))));
	return ip_len + tcp_len;
}
