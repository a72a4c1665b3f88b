/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands for a SYN's shape, and for what became of a connection. */
#include "core/clocks/clocks.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t clocks_shape(const struct syn *syn)
{
	struct {
		uint16_t win, mss;
		uint8_t version, ttl, wscale, df;
		uint8_t opt_count, opt_kinds[SYN_OPTS_MAX + 7];
	} key = {.win = syn->win,
		 .mss = syn->mss,
		 .version = syn->ip_version,
		 .ttl = syn->ttl,
		 .wscale = syn->wscale,
		 .df = syn->df,
		 .opt_count = syn->opt_count};

	_Static_assert(sizeof(key) == 56, "no byte of it is without a value");
	memcpy(key.opt_kinds, syn->opt_kinds, syn->opt_count);
	return (uint32_t)XXH3_64bits(&key, sizeof(key));
}

struct words {
	const char *name, *text;
};

static const struct words words[CLOCKS_RESULT_COUNT] = {
	[CLOCKS_PENDING] = {"pending", "it is being measured"},
	[CLOCKS_MEASURED] = {"measured", "it was measured"},
	[CLOCKS_TWO_SYNS] = {"two_syns", "its SYN came twice"},
	[CLOCKS_FAST_OPEN] = {"fast_open", "its SYN carries data, or asks for Fast Open"},
	[CLOCKS_TWO_ANSWERS] = {"two_answers", "its SYN+ACK came twice"},
	[CLOCKS_NO_ANSWER] = {"no_answer", "its SYN+ACK was not seen"},
	[CLOCKS_NO_ACK] = {"no_ack", "no ACK without data ended its handshake"},
	[CLOCKS_SERVER_FIRST] = {"server_first", "the server spoke first"},
	[CLOCKS_RETRANSMISSION] = {"retransmission", "the client sent data again"},
	[CLOCKS_MISSING] = {"missing", "a segment of the client is missing or out of order"},
	[CLOCKS_COUNTER] = {"counter", "the answer was not among the segments that are copied"},
	[CLOCKS_ENDED] = {"ended", "it ended before the client answered"},
	[CLOCKS_THINKS] = {"thinks", "it waited for longer than any round trip"},
	[CLOCKS_SILENT] = {"silent", "nothing came in the time that it is given"},
	[CLOCKS_EVICTED] = {"evicted", "the table of connections was full"},
};

const char *clocks_result_name(enum clocks_result result)
{
	return result < CLOCKS_RESULT_COUNT ? words[result].name : NULL;
}

const char *clocks_result_text(enum clocks_result result)
{
	return result < CLOCKS_RESULT_COUNT ? words[result].text : NULL;
}
