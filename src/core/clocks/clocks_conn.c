/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection, segment by segment. The answer is the client's first data that acknowledges data
 * of the server. The second clock is the larger one of two, since each misses something:
 *
 * (a) from the client's first segment with the same acknowledgement to the answer. A proxy that
 *     delays its ACKs has none but the answer itself.
 * (b) from the ACK of the handshake to the answer, less the same stretch on the server's own clock,
 *     which the client echoes: from the SYN+ACK to what is answered. The path is in both.
 */
#include "core/clocks/clocks_conn.h"

#include <sys/param.h>

#define MS_NS 1000000

/*
 * A clock of 1 kHz has ticked about once for each millisecond that passed here. The path's jitter
 * may stretch that, so much is allowed; 100 Hz, 250 Hz and 1 MHz are outside all the same.
 */
#define TICKS_MORE_MS 40
#define TICKS_LESS_MS 15
#define SERVER_TICKS_MS 10 /* the way to the server and back is not in it */

static int64_t ms_between(uint64_t from_ns, uint64_t to_ns)
{
	return (int64_t)(to_ns - from_ns) / MS_NS;
}

static int64_t ticks_between(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

static struct clocks_moment moment_of(uint64_t time_ns, const struct syn *segment)
{
	return (struct clocks_moment){time_ns, segment->ts_val, segment->ts_ecr};
}

static bool has_fast_open(const struct syn *syn)
{
	for (unsigned i = 0; i < syn->opt_count; i++)
		if (syn->opt_kinds[i] == SYN_OPT_FASTOPEN)
			return true;
	return syn->payload_len != 0;
}

enum clocks_result clocks_conn_begin(struct clocks_conn *conn, uint64_t time_ns,
				     const struct syn *syn)
{
	*conn = (struct clocks_conn){.client = syn->src,
				     .server = syn->dst,
				     .client_port = syn->src_port,
				     .server_port = syn->dst_port,
				     .shape = clocks_shape(syn),
				     .seq = syn->seq,
				     .syn = moment_of(time_ns, syn),
				     .phase = CLOCKS_AFTER_SYN,
				     .segments = 1,
				     .has_ts = syn->has_ts};
	return has_fast_open(syn) ? CLOCKS_FAST_OPEN : CLOCKS_PENDING;
}

/* One that acknowledges something else is no answer to this SYN. */
enum clocks_result clocks_conn_answer(struct clocks_conn *conn, uint64_t time_ns,
				      const struct syn *answer)
{
	if (answer->ack != conn->seq + 1)
		return CLOCKS_PENDING;
	if (conn->phase != CLOCKS_AFTER_SYN)
		return CLOCKS_TWO_ANSWERS;
	conn->phase = CLOCKS_AFTER_ANSWER;
	conn->server_seq = answer->seq;
	conn->answer_ns = time_ns ? time_ns : conn->syn.time_ns;
	conn->has_ts &= answer->has_ts;
	return CLOCKS_PENDING;
}

/* Who acknowledges something else has not seen the SYN+ACK: it may have forged the SYN as well. */
static enum clocks_result end_handshake(struct clocks_conn *conn, uint64_t time_ns,
					const struct syn *segment)
{
	if (conn->phase == CLOCKS_AFTER_SYN)
		return CLOCKS_NO_ANSWER;
	if (segment->ack != conn->server_seq + 1)
		return (int32_t)(segment->ack - conn->server_seq) > 1 ? CLOCKS_NO_ACK
								      : CLOCKS_PENDING;
	if (segment->seq != conn->seq + 1 || segment->payload_len)
		return CLOCKS_NO_ACK;
	conn->phase = CLOCKS_OPEN;
	conn->next_seq = segment->seq;
	conn->ack = segment->ack;
	conn->handshake = conn->heard = moment_of(time_ns, segment);
	return CLOCKS_PENDING;
}

static bool is_client_trusted(const struct clocks_conn *conn, const struct clocks_moment *answer)
{
	int64_t elapsed = ms_between(conn->syn.time_ns, answer->time_ns);
	int64_t ticks = ticks_between(conn->syn.ts_val, answer->ts_val);

	return conn->has_ts && ticks <= elapsed * 5 / 4 + TICKS_MORE_MS &&
	       ticks >= elapsed * 3 / 5 - TICKS_LESS_MS;
}

/*
 * The server answers no sooner than it has the client's first data. A clock that is too quick needs
 * no look: what is left of the client's time is then nothing.
 */
static bool is_server_trusted(const struct clocks_conn *conn, const struct clocks_moment *answer)
{
	int64_t ticks = ticks_between(conn->handshake.ts_ecr, answer->ts_ecr);

	return conn->has_ts &&
	       ticks >= ms_between(conn->answer_ns, conn->asked.time_ns) * 9 / 10 - SERVER_TICKS_MS;
}

static int64_t span(bool is_trusted, const struct clocks_moment *from,
		    const struct clocks_moment *to)
{
	int64_t ms = is_trusted ? ticks_between(from->ts_val, to->ts_val)
				: ms_between(from->time_ns, to->time_ns);

	return MAX(ms, 0);
}

static enum clocks_result measure(const struct clocks_conn *conn,
				  const struct clocks_moment *answer,
				  struct clocks_measure *ret_measure)
{
	bool is_trusted = is_client_trusted(conn, answer);
	int64_t c1 = span(is_trusted, &conn->handshake, &conn->asked);
	int64_t c2 = span(is_trusted, &conn->heard, answer), beyond;

	if (is_server_trusted(conn, answer)) {
		beyond = ms_between(conn->handshake.time_ns, answer->time_ns) -
			 ticks_between(conn->handshake.ts_ecr, answer->ts_ecr);
		c2 = MAX(c2, beyond);
	}
	if (c1 > CLOCKS_THINK_MS || c2 > CLOCKS_THINK_MS)
		return CLOCKS_THINKS;
	*ret_measure = (struct clocks_measure){.client = conn->client,
					       .server = conn->server,
					       .client_port = conn->client_port,
					       .server_port = conn->server_port,
					       .shape = conn->shape,
					       .began_ms = conn->syn.time_ns / MS_NS,
					       .ended_ms = answer->time_ns / MS_NS,
					       .c1_ms = (uint32_t)c1,
					       .c2_ms = (uint32_t)c2,
					       .is_by_arrival = !is_trusted};
	return CLOCKS_MEASURED;
}

static enum clocks_result take_data(struct clocks_conn *conn, const struct clocks_moment *now,
				    struct clocks_measure *ret_measure)
{
	bool has_heard = conn->ack != conn->server_seq + 1;

	if (conn->phase == CLOCKS_ASKED)
		return has_heard ? measure(conn, now, ret_measure) : CLOCKS_PENDING;
	if (has_heard)
		return CLOCKS_SERVER_FIRST;
	conn->phase = CLOCKS_ASKED;
	conn->asked = *now;
	return CLOCKS_PENDING;
}

static enum clocks_result take_segment(struct clocks_conn *conn, uint64_t time_ns,
				       const struct syn *segment,
				       struct clocks_measure *ret_measure)
{
	int32_t ahead = (int32_t)(segment->seq - conn->next_seq);
	int32_t news = (int32_t)(segment->ack - conn->ack);
	struct clocks_moment now = moment_of(time_ns, segment);

	/* An ACK that was overtaken, or keeps the connection alive, has no data and no news. */
	if (ahead < 0 && segment->payload_len)
		return CLOCKS_RETRANSMISSION;
	if (ahead > 0 || (news < 0 && segment->payload_len))
		return CLOCKS_MISSING;
	conn->has_ts &= segment->has_ts;
	if (news > 0) {
		conn->ack = segment->ack;
		conn->heard = now;
	}
	conn->next_seq += segment->payload_len;
	return segment->payload_len ? take_data(conn, &now, ret_measure) : CLOCKS_PENDING;
}

enum clocks_result clocks_conn_segment(struct clocks_conn *conn, uint64_t time_ns,
				       const struct syn *segment,
				       struct clocks_measure *ret_measure)
{
	enum clocks_result result = CLOCKS_PENDING;

	conn->segments++;
	if (segment->tcp_flags & SYN_TCP_RST)
		return CLOCKS_ENDED;
	if (!(segment->tcp_flags & SYN_TCP_ACK))
		return CLOCKS_PENDING;
	if (conn->phase < CLOCKS_OPEN)
		result = end_handshake(conn, time_ns, segment);
	else
		result = take_segment(conn, time_ns, segment, ret_measure);
	if (result == CLOCKS_PENDING && segment->tcp_flags & SYN_TCP_FIN)
		return CLOCKS_ENDED;
	return result;
}
