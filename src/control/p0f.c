/* SPDX-License-Identifier: GPL-2.0-or-later */
/* p0f's queries and replies as bytes: see p0f.h. */
#include "control/p0f.h"

#include <errno.h>
#include <string.h>

#define QUERY_MAGIC 0x50304601u
#define REPLY_MAGIC 0x50304602u

/* Where things are in a query. */
#define AT_TYPE 4 /* behind the magic number */
#define AT_ADDR 5

/* Where things are in a reply; what is not listed stays 0: uptime, HTTP and language. */
enum reply_offset {
	AT_MAGIC = 0,
	AT_STATUS = 4,
	AT_FIRST_SEEN = 8,
	AT_LAST_SEEN = 12,
	AT_TOTAL_CONN = 16,
	AT_LAST_NAT = 28,
	AT_LAST_CHG = 32,
	AT_DISTANCE = 36,
	AT_BAD_SW = 38,
	AT_OS_MATCH_Q = 39,
	AT_OS_NAME = 40,
	AT_OS_FLAVOR = 72,
	AT_LINK_TYPE = 168,
};

int p0f_parse_query(const uint8_t query[P0F_QUERY_BYTES], struct addr *ret_addr)
{
	uint32_t magic;

	memcpy(&magic, query, sizeof(magic));
	if (magic != QUERY_MAGIC)
		return -EINVAL;
	if (query[AT_TYPE] == 4)
		*ret_addr = addr_from_v4(query + AT_ADDR);
	else if (query[AT_TYPE] == 6)
		*ret_addr = addr_from_v6(query + AT_ADDR);
	else
		return -EINVAL;
	return 0;
}

static void put_u32(uint8_t *bytes, enum reply_offset at, uint32_t value)
{
	memcpy(bytes + at, &value, sizeof(value));
}

static void put_text(uint8_t *bytes, enum reply_offset at, const char *text)
{
	memcpy(bytes + at, text, strnlen(text, P0F_TEXT_MAX));
}

void p0f_put_reply(const struct p0f_reply *reply, uint8_t ret_bytes[P0F_REPLY_BYTES])
{
	memset(ret_bytes, 0, P0F_REPLY_BYTES);
	put_u32(ret_bytes, AT_MAGIC, REPLY_MAGIC);
	put_u32(ret_bytes, AT_STATUS, reply->status);
	if (reply->status != P0F_OK)
		return;
	put_u32(ret_bytes, AT_FIRST_SEEN, reply->first_seen_s);
	put_u32(ret_bytes, AT_LAST_SEEN, reply->last_seen_s);
	put_u32(ret_bytes, AT_TOTAL_CONN, reply->total_conn);
	put_u32(ret_bytes, AT_LAST_NAT, reply->last_nat_s);
	put_u32(ret_bytes, AT_LAST_CHG, reply->last_chg_s);
	memcpy(ret_bytes + AT_DISTANCE, &reply->distance, sizeof(reply->distance));
	ret_bytes[AT_BAD_SW] = reply->bad_sw;
	ret_bytes[AT_OS_MATCH_Q] = reply->os_match_q;
	put_text(ret_bytes, AT_OS_NAME, reply->os_name);
	put_text(ret_bytes, AT_OS_FLAVOR, reply->os_flavor);
	put_text(ret_bytes, AT_LINK_TYPE, reply->link_type);
}

unsigned p0f_answer(struct p0f_stream *stream, p0f_lookup *lookup, void *ctx, uint64_t *ret_bad)
{
	unsigned count = 0;
	size_t used;

	for (; stream->in_len - count * P0F_QUERY_BYTES >= P0F_QUERY_BYTES; count++) {
		struct p0f_reply reply = {.status = P0F_BAD_QUERY};
		struct addr addr;

		if (p0f_parse_query(stream->in + count * P0F_QUERY_BYTES, &addr) == 0)
			lookup(ctx, &addr, &reply);
		else
			++*ret_bad;
		p0f_put_reply(&reply, stream->out + stream->out_len);
		stream->out_len += P0F_REPLY_BYTES;
	}
	used = count * P0F_QUERY_BYTES;
	stream->in_len -= used;
	memmove(stream->in, stream->in + used, stream->in_len);
	return count;
}
