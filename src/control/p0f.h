/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket API of p0f 3, so that what was written for p0f asks synprint: queries and replies of
 * fixed size, in this machine's byte order and without padding (p0f's documentation, section
 * "API access"; the same bytes that Debian's p0f 3.09b answers with). Pure: bytes in, bytes out.
 */
#ifndef SYNPRINT_CONTROL_P0F_H
#define SYNPRINT_CONTROL_P0F_H

#include <stdint.h>

#include "core/base/addr.h"

#define P0F_QUERY_BYTES 21
#define P0F_REPLY_BYTES 232
#define P0F_QUERIES_MAX 32 /* that wait in one stream */
#define P0F_TEXT_MAX 31 /* of each text, which is NUL-terminated */

enum p0f_status { P0F_BAD_QUERY = 0x00, P0F_OK = 0x10, P0F_NO_MATCH = 0x20 };

enum { P0F_FUZZY = 1, P0F_GENERIC = 2 }; /* bits of os_match_q */

#define P0F_DISTANCE_UNKNOWN (-1)

/* What is left out is 0, and texts are empty. */
struct p0f_reply {
	enum p0f_status status; /* only P0F_OK has more than that */
	uint32_t first_seen_s, last_seen_s; /* Unix time */
	uint32_t total_conn;
	uint32_t last_nat_s; /* when several systems last showed at this address */
	uint32_t last_chg_s; /* when its system last changed */
	int16_t distance; /* hops, or P0F_DISTANCE_UNKNOWN */
	uint8_t bad_sw; /* 2: the User-Agent lies */
	uint8_t os_match_q;
	char os_name[P0F_TEXT_MAX + 1], os_flavor[P0F_TEXT_MAX + 1], link_type[P0F_TEXT_MAX + 1];
};

/**
 * p0f_parse_query() - the address that is asked for; an IPv4 one in IPv6 form is IPv4.
 * Return: 0, or -EINVAL for a wrong magic number or address type.
 */
int p0f_parse_query(const uint8_t query[P0F_QUERY_BYTES], struct addr *ret_addr);

void p0f_put_reply(const struct p0f_reply *reply, uint8_t ret_bytes[P0F_REPLY_BYTES]);

/* Queries come in at in[in_len]; their replies are in out[0] to out[out_len - 1]. */
struct p0f_stream {
	size_t in_len, out_len; /* bytes */
	uint8_t in[P0F_QUERIES_MAX * P0F_QUERY_BYTES];
	uint8_t out[P0F_QUERIES_MAX * P0F_REPLY_BYTES];
};

/* Fills in what is known of an address; *ret_reply is zeroed before. */
typedef void p0f_lookup(void *ctx, const struct addr *addr, struct p0f_reply *ret_reply);

/**
 * p0f_answer() - answer every whole query, and keep the beginning of another.
 * @stream: out_len must be 0, so that there is room for every reply
 * @ret_bad: is increased by each query that was none
 * Return: how many were answered.
 */
unsigned p0f_answer(struct p0f_stream *stream, p0f_lookup *lookup, void *ctx, uint64_t *ret_bad);

#endif
