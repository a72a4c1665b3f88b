/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text goes into every JSON object, of which a capture has a million. */
#include "core/report/community.h"

#include <nettle/base64.h>
#include <nettle/sha1.h>
#include <string.h>

#define PROTOCOL_TCP 6
#define DIGEST_TEXT BASE64_ENCODE_RAW_LENGTH(SHA1_DIGEST_SIZE)

static uint8_t *put_u16(uint8_t *at, unsigned value)
{
	*at++ = (uint8_t)(value >> 8);
	*at++ = (uint8_t)value;
	return at;
}

/* The smaller end goes first. Return: how many bytes. */
static size_t put_tuple(uint16_t seed, const struct syn *syn, uint8_t *bytes)
{
	size_t addr_len = syn->ip_version == 4 ? 4 : 16;
	const uint8_t *src = syn->src.bytes + 16 - addr_len;
	const uint8_t *dst = syn->dst.bytes + 16 - addr_len;
	int order = memcmp(src, dst, addr_len);
	bool is_swapped = order > 0 || (order == 0 && syn->src_port > syn->dst_port);
	uint8_t *at = put_u16(bytes, seed);

	at = mempcpy(at, is_swapped ? dst : src, addr_len);
	at = mempcpy(at, is_swapped ? src : dst, addr_len);
	at = put_u16(at, PROTOCOL_TCP << 8);
	at = put_u16(at, is_swapped ? syn->dst_port : syn->src_port);
	at = put_u16(at, is_swapped ? syn->src_port : syn->dst_port);
	return (size_t)(at - bytes);
}

void community_format(uint16_t seed, const struct syn *syn, char buf[COMMUNITY_TEXT_MAX])
{
	/* The seed, two addresses, the protocol and a zero, two ports. */
	uint8_t bytes[2 + 2 * 16 + 2 + 2 * 2], digest[SHA1_DIGEST_SIZE];
	size_t len = put_tuple(seed, syn, bytes);
	struct sha1_ctx hash;

	_Static_assert(COMMUNITY_TEXT_MAX == sizeof("1:") + DIGEST_TEXT, "version, digest, NUL");
	sha1_init(&hash);
	sha1_update(&hash, len, bytes);
	sha1_digest(&hash, sizeof(digest), digest);
	buf = stpcpy(buf, "1:");
	base64_encode_raw(buf, sizeof(digest), digest);
	buf[DIGEST_TEXT] = '\0';
}
