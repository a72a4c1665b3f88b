/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection made by hand: each function is one segment that comes by a gateway at a time in
 * milliseconds. Clocks of both ends tick once a millisecond unless the test says otherwise.
 */
#ifndef SYNPRINT_TESTS_SEGMENTS_H
#define SYNPRINT_TESTS_SEGMENTS_H

#include <string.h>

#include "core/clocks/clocks.h"

#define CLIENT_SEQ 0xfffffff0u /* so that the numbers wrap on the way */
#define SERVER_SEQ 0x7fffff00u
#define T0_NS UINT64_C(1700000000000000000)
#define MS_NS UINT64_C(1000000)

struct wire_conn {
	struct clocks *clocks;
	struct clocks_measure measure;
	struct syn client; /* as the SYN has it */
	double ts_per_ms; /* of the client's timestamps; 0: it has none */
	double server_per_ms; /* of the server's */
	uint32_t ts_base;
	bool v6;
};

static inline struct wire_conn wire_conn_new(struct clocks *clocks, uint16_t port)
{
	struct wire_conn conn = {.clocks = clocks,
				 .ts_per_ms = 1,
				 .server_per_ms = 1,
				 .ts_base = 0xffffffe0u};

	addr_parse("198.51.100.7", &conn.client.src);
	addr_parse("192.0.2.1", &conn.client.dst);
	conn.client.src_port = port;
	conn.client.dst_port = 443;
	conn.client.ip_version = 4;
	conn.client.ttl = 57;
	conn.client.win = 64240;
	conn.client.mss = 1460;
	return conn;
}

static inline uint32_t wire_ts(const struct wire_conn *conn, double ms)
{
	return conn->ts_base + (uint32_t)(int64_t)(ms * conn->ts_per_ms);
}

static inline uint32_t wire_server_ts(const struct wire_conn *conn, double ms)
{
	return 5000 + (uint32_t)(int64_t)(ms * conn->server_per_ms);
}

static inline enum clocks_result wire_feed(struct wire_conn *conn, double ms,
					   const struct syn *segment)
{
	return clocks_feed(conn->clocks, T0_NS + (uint64_t)(ms * (double)MS_NS), segment,
			   &conn->measure);
}

static inline enum clocks_result wire_syn(struct wire_conn *conn, double ms)
{
	struct syn syn = conn->client;

	syn.tcp_flags |= SYN_TCP_SYN;
	syn.seq = CLIENT_SEQ;
	syn.has_ts = conn->ts_per_ms > 0;
	syn.ts_val = wire_ts(conn, ms);
	return wire_feed(conn, ms, &syn);
}

static inline struct syn wire_answer_of(const struct wire_conn *conn, double ms)
{
	return (struct syn){.src = conn->client.dst,
			    .dst = conn->client.src,
			    .src_port = conn->client.dst_port,
			    .dst_port = conn->client.src_port,
			    .seq = SERVER_SEQ,
			    .ack = CLIENT_SEQ + 1,
			    .has_ts = conn->ts_per_ms > 0,
			    .ts_val = wire_server_ts(conn, ms),
			    .tcp_flags = SYN_TCP_SYN | SYN_TCP_ACK};
}

static inline enum clocks_result wire_answer(struct wire_conn *conn, double ms)
{
	struct syn answer = wire_answer_of(conn, ms);

	return wire_feed(conn, ms, &answer);
}

/*
 * A segment of the client. @sent_ms: by its own clock; @seq, @ack: bytes sent and heard before;
 * @heard_ms: when the server sent what is echoed.
 */
static inline struct syn wire_segment_of(const struct wire_conn *conn, double sent_ms, uint32_t seq,
					 uint32_t ack, uint16_t len, double heard_ms)
{
	struct syn segment = conn->client;

	segment.tcp_flags = SYN_TCP_ACK | (len ? SYN_TCP_PSH : 0);
	segment.seq = CLIENT_SEQ + 1 + seq;
	segment.ack = SERVER_SEQ + 1 + ack;
	segment.payload_len = len;
	segment.has_ts = conn->ts_per_ms > 0;
	segment.ts_val = wire_ts(conn, sent_ms);
	segment.ts_ecr = wire_server_ts(conn, heard_ms);
	return segment;
}

/* A segment that is here at once. */
static inline enum clocks_result wire_send(struct wire_conn *conn, double ms, uint32_t seq,
					   uint32_t ack, uint16_t len, double heard_ms)
{
	struct syn segment = wire_segment_of(conn, ms, seq, ack, len, heard_ms);

	return wire_feed(conn, ms, &segment);
}

/*
 * A whole connection whose client is @rtt_ms away: its data waits for @c1_ms and its answer for
 * @c2_ms, and the server answers at once. @delays: the server's data is acknowledged by the answer.
 */
static inline enum clocks_result wire_whole(struct wire_conn *conn, double rtt_ms, double c1_ms,
					    double c2_ms, bool delays)
{
	double ack = rtt_ms + 1, data = ack + c1_ms, heard = data + rtt_ms + 1;

	wire_syn(conn, 0);
	wire_answer(conn, 1);
	wire_send(conn, ack, 0, 0, 0, 1);
	wire_send(conn, data, 0, 0, 517, 1);
	if (!delays)
		wire_send(conn, heard, 517, 3000, 0, data + 1);
	return wire_send(conn, heard + c2_ms, 517, 3000, 64, data + 1);
}

#endif
