/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-1 and base64 are nettle's. */
#include "core/report/community.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define BYTES_MAX 40 /* seed, two addresses, protocol, padding, two ports */

static void put_u16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

void community_format(uint16_t seed, const struct syn *syn, char buf[COMMUNITY_TEXT_MAX])
{
	size_t addr_len = syn->ip_version == 4 ? 4 : 16;
	const uint8_t *src = syn->src.bytes + 16 - addr_len;
	const uint8_t *dst = syn->dst.bytes + 16 - addr_len;
	int order = memcmp(src, dst, addr_len);
	bool is_swapped = order > 0 || (order == 0 && syn->src_port > syn->dst_port);
	uint8_t bytes[BYTES_MAX], digest[SHA1_DIGEST_SIZE];
	struct sha1_ctx sha1;

	put_u16(bytes, seed);
	memcpy(bytes + 2, is_swapped ? dst : src, addr_len);
	memcpy(bytes + 2 + addr_len, is_swapped ? src : dst, addr_len);
	put_u16(bytes + 2 + 2 * addr_len, PROTOCOL_TCP << 8);
	put_u16(bytes + 4 + 2 * addr_len, is_swapped ? syn->dst_port : syn->src_port);
	put_u16(bytes + 6 + 2 * addr_len, is_swapped ? syn->src_port : syn->dst_port);
	sha1_init(&sha1);
	sha1_update(&sha1, 8 + 2 * addr_len, bytes);
	sha1_digest(&sha1, sizeof(digest), digest);
	buf[0] = '1';
	buf[1] = ':';
	base64_encode_raw(buf + 2, sizeof(digest), digest);
	buf[2 + BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)] = '\0';
}
