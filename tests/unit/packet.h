/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs for tests, put together from hex text: the fixed headers are filled in with ordinary
 * values and lengths that fit, so that a test writes down only what it is about.
 */
#ifndef SYNPRINT_TESTS_PACKET_H
#define SYNPRINT_TESTS_PACKET_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 4096

struct packet {
	size_t len, tcp_at;
	uint8_t bytes[PACKET_MAX];
};

static inline void packet_put(struct packet *packet, const char *hex)
{
	unsigned byte;

	for (; *hex; hex += *hex == ' ' ? 1 : 2) {
		if (*hex == ' ')
			continue;
		if (packet->len == PACKET_MAX || sscanf(hex, "%2x", &byte) != 1)
			abort();
		packet->bytes[packet->len++] = (uint8_t)byte;
	}
}

static inline void packet_set16(struct packet *packet, size_t at, size_t value)
{
	packet->bytes[at] = (uint8_t)(value >> 8);
	packet->bytes[at + 1] = (uint8_t)value;
}

/* Ports 40000 and 443, sequence number 0x11223344, window 64240. */
static inline void packet_put_tcp(struct packet *packet, const char *options)
{
	packet->tcp_at = packet->len;
	packet_put(packet, "9c40 01bb 11223344 00000000 5002 faf0 0000 0000");
	packet_put(packet, options);
	packet->bytes[packet->tcp_at + 12] = (uint8_t)((packet->len - packet->tcp_at) / 4 << 4);
}

/* 198.51.100.1 to 192.0.2.1, DF, IP ID 0, TTL 64. */
static inline struct packet packet_v4(const char *ip_options, const char *tcp_options,
				      const char *payload)
{
	struct packet packet = {.len = 0};

	packet_put(&packet, "4500 0000 0000 4000 4006 0000 c6336401 c0000201");
	packet_put(&packet, ip_options);
	packet.bytes[0] = (uint8_t)(0x40 | packet.len / 4);
	packet_put_tcp(&packet, tcp_options);
	packet_put(&packet, payload);
	packet_set16(&packet, 2, packet.len);
	return packet;
}

/* 2001:db8::5 to 2001:db8:ffff::1, flow label 0, hop limit 64. */
static inline struct packet packet_v6(uint8_t next_header, const char *extensions,
				      const char *tcp_options, const char *payload)
{
	struct packet packet = {.len = 0};

	packet_put(&packet, "60000000 0000 0640 20010db8000000000000000000000005"
			    "20010db8ffff00000000000000000001");
	packet.bytes[6] = next_header;
	packet_put(&packet, extensions);
	packet_put_tcp(&packet, tcp_options);
	packet_put(&packet, payload);
	packet_set16(&packet, 4, packet.len - 40);
	return packet;
}

#endif
