/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is hashed fits one block of SHA-1, so the block is made here, and nettle compresses it; the
 * text goes into every JSON object, of which a capture has a million.
 */
#include "core/report/community.h"

#include <nettle/sha1.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define WORDS 5 /* of a digest */

/* SHA-1's initial value (FIPS 180-4 section 5.3.1). */
static const uint32_t initial[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

static void put_u16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

/* Behind what counts stands the padding of FIPS 180-4 section 5.1.1. */
static void fill_block(uint16_t seed, const struct syn *syn, uint8_t block[SHA1_BLOCK_SIZE])
{
	size_t addr_len = syn->ip_version == 4 ? 4 : 16, len = 8 + 2 * addr_len;
	const uint8_t *src = syn->src.bytes + 16 - addr_len;
	const uint8_t *dst = syn->dst.bytes + 16 - addr_len;
	int order = memcmp(src, dst, addr_len);
	bool is_swapped = order > 0 || (order == 0 && syn->src_port > syn->dst_port);

	memset(block, 0, SHA1_BLOCK_SIZE);
	put_u16(block, seed);
	memcpy(block + 2, is_swapped ? dst : src, addr_len);
	memcpy(block + 2 + addr_len, is_swapped ? src : dst, addr_len);
	block[2 + 2 * addr_len] = PROTOCOL_TCP;
	put_u16(block + 4 + 2 * addr_len, is_swapped ? syn->dst_port : syn->src_port);
	put_u16(block + 6 + 2 * addr_len, is_swapped ? syn->src_port : syn->dst_port);
	block[len] = 0x80;
	put_u16(block + SHA1_BLOCK_SIZE - 2, (unsigned)len * 8);
}

/* RFC 4648 section 4, of 20 bytes: six groups of three and one of two. */
static void put_base64(const uint32_t digest[WORDS], char buf[29])
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t bytes[4 * WORDS + 1] = {0};

	for (unsigned i = 0; i < WORDS; i++) {
		put_u16(bytes + 4 * i, digest[i] >> 16);
		put_u16(bytes + 4 * i + 2, digest[i] & 0xffff);
	}
	for (unsigned i = 0; i < 7; i++) {
		const uint8_t *from = bytes + 3 * i;
		uint32_t group = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];

		for (unsigned k = 0; k < 4; k++)
			buf[4 * i + k] = letters[group >> (18 - 6 * k) & 63];
	}
	buf[27] = '=';
	buf[28] = '\0';
}

void community_format(uint16_t seed, const struct syn *syn, char buf[COMMUNITY_TEXT_MAX])
{
	uint8_t block[SHA1_BLOCK_SIZE];
	uint32_t digest[WORDS];

	fill_block(seed, syn, block);
	memcpy(digest, initial, sizeof(digest));
	nettle_sha1_compress(digest, block);
	buf[0] = '1';
	buf[1] = ':';
	put_base64(digest, buf + 2);
}
