/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queries of the p0f socket: the first byte says how the rest is cut into pieces. However it is
 * cut, each whole query has one reply, and the replies are those of the uncut input.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "control/p0f.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void lookup(void *ctx, const struct addr *addr, struct p0f_reply *ret_reply)
{
	(void)ctx;
	*ret_reply = (struct p0f_reply){.status = addr->bytes[15] & 1 ? P0F_OK : P0F_NO_MATCH,
					.total_conn = addr->bytes[14],
					.distance = P0F_DISTANCE_UNKNOWN};
	memset(ret_reply->os_name, 'x', addr->bytes[13] % (P0F_TEXT_MAX + 1));
}

/* Takes up to @len bytes in; how many there was room for. */
static size_t feed(struct p0f_stream *stream, const uint8_t *data, size_t len)
{
	size_t room = sizeof(stream->in) - stream->in_len;

	if (len > room)
		len = room;
	memcpy(stream->in + stream->in_len, data, len);
	stream->in_len += len;
	return len;
}

static void expect_reply(const uint8_t *query, const uint8_t *reply)
{
	struct p0f_reply expected = {.status = P0F_BAD_QUERY};
	uint8_t bytes[P0F_REPLY_BYTES];
	struct addr addr;

	if (p0f_parse_query(query, &addr) == 0)
		lookup(NULL, &addr, &expected);
	p0f_put_reply(&expected, bytes);
	assert(memcmp(bytes, reply, sizeof(bytes)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct p0f_stream stream;
	size_t done = 0, answered = 0, piece = size ? data[0] + 1u : 1;
	uint64_t bad = 0;

	if (size == 0)
		return 0;
	data++;
	size--;
	stream.in_len = stream.out_len = 0;
	while (done < size) {
		unsigned count;

		done += feed(&stream, data + done, piece < size - done ? piece : size - done);
		count = p0f_answer(&stream, lookup, NULL, &bad);
		assert(stream.out_len == (size_t)count * P0F_REPLY_BYTES);
		for (unsigned i = 0; i < count; i++)
			expect_reply(data + (answered + i) * P0F_QUERY_BYTES,
				     stream.out + i * P0F_REPLY_BYTES);
		answered += count;
		stream.out_len = 0;
	}
	assert(answered == size / P0F_QUERY_BYTES && stream.in_len == size % P0F_QUERY_BYTES);
	return 0;
}
