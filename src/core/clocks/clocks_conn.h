/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection that is being measured: what is kept of it, and what each segment says. */
#ifndef SYNPRINT_CORE_CLOCKS_CLOCKS_CONN_H
#define SYNPRINT_CORE_CLOCKS_CLOCKS_CONN_H

#include "core/clocks/clocks.h"

enum clocks_phase {
	CLOCKS_AFTER_SYN,
	CLOCKS_AFTER_ANSWER, /* the SYN+ACK was seen */
	CLOCKS_OPEN, /* and the ACK of it */
	CLOCKS_ASKED, /* the client has sent data */
	CLOCKS_SPOILED, /* it is not measured, and stays so that its SYN is known again */
};

/* When a segment came by, and the timestamps that it carried. */
struct clocks_moment {
	uint64_t time_ns;
	uint32_t ts_val, ts_ecr;
};

struct clocks_conn {
	struct addr client, server;
	uint16_t client_port, server_port;
	uint32_t shape;
	uint32_t seq, server_seq; /* initial sequence numbers */
	uint32_t next_seq, ack; /* of the client: what it sends next, what it acknowledges */
	struct clocks_moment syn, handshake, asked; /* SYN, ACK, first data */
	struct clocks_moment heard; /* the first segment with the number that it acknowledges now */
	uint64_t answer_ns; /* of the SYN+ACK */
	uint32_t segments; /* of the client, the SYN too */
	uint8_t phase; /* enum clocks_phase */
	bool has_ts; /* in each segment until now */
};

/** clocks_conn_begin() - by its SYN. Return: CLOCKS_PENDING, or why it is not to be measured. */
enum clocks_result clocks_conn_begin(struct clocks_conn *conn, uint64_t time_ns,
				     const struct syn *syn);

/** clocks_conn_answer() - the SYN+ACK of it. @time_ns: 0: not known. */
enum clocks_result clocks_conn_answer(struct clocks_conn *conn, uint64_t time_ns,
				      const struct syn *answer);

/** clocks_conn_segment() - one more segment of the client; results as of clocks_feed(). */
enum clocks_result clocks_conn_segment(struct clocks_conn *conn, uint64_t time_ns,
				       const struct syn *segment,
				       struct clocks_measure *ret_measure);

#endif
