/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two clocks of a connection. A proxy that ends TCP (SOCKS, CONNECT, ssh -D) makes the handshake
 * itself, and then waits for its client: for what to send first (c1), and for the answer to what
 * the server has sent (c2). A client that speaks for itself waits for neither. Its own timestamps
 * (RFC 7323) tell how long, without the jitter of the path.
 *
 * Here is the table of connections that are being measured: of fixed size, fed with the segments of
 * clients and the SYN+ACKs of servers, of both versions of IP. What cannot be measured counts for
 * nothing, and is counted by its reason. What several connections of a client say together is in
 * evidence.h. Pure; one thread at a time may use a table.
 */
#ifndef SYNPRINT_CORE_CLOCKS_CLOCKS_H
#define SYNPRINT_CORE_CLOCKS_CLOCKS_H

#include "core/syn/syn.h"

#define CLOCKS_LIFE_S 20 /* a connection is given up so long after its SYN */
#define CLOCKS_THINK_MS 2000 /* who waits longer thinks: no round trip is as long */

/* What became of a connection. All but the first two are reasons why it is not measured. */
enum clocks_result {
	CLOCKS_PENDING, /* nothing yet, or a segment of no connection that is known here */
	CLOCKS_MEASURED,
	CLOCKS_TWO_SYNS, /* the SYN was sent again, or another one came on its tuple */
	CLOCKS_FAST_OPEN, /* data or the Fast Open option in the SYN (RFC 7413) */
	CLOCKS_TWO_ANSWERS, /* the server has sent its SYN+ACK again */
	CLOCKS_NO_ANSWER, /* an ACK, and no SYN+ACK was seen */
	CLOCKS_NO_ACK, /* the ACK that ends the handshake was lost, or carried data */
	CLOCKS_SERVER_FIRST, /* the server spoke before the client did, as in SMTP */
	CLOCKS_RETRANSMISSION, /* the client has sent data again */
	CLOCKS_MISSING, /* a segment of the client was not seen, or came out of order */
	CLOCKS_COUNTER, /* more segments than are copied, and no answer among them */
	CLOCKS_ENDED, /* FIN or RST before the second clock */
	CLOCKS_THINKS, /* it waited for more than CLOCKS_THINK_MS */
	CLOCKS_SILENT, /* no more segments in CLOCKS_LIFE_S */
	CLOCKS_EVICTED, /* it was the oldest one when the table was full */
	CLOCKS_RESULT_COUNT
};

struct clocks_params {
	size_t capacity; /* connections at the same time, 1 at least */
	/* Segments that are copied of each client, its SYN too, as the rule's counter has it; 0: all of
	 * them, as in a capture. */
	unsigned segments_max;
	uint64_t seed; /* of the hash; random where strangers choose tuples */
};

/* A connection whose clocks are known. */
struct clocks_measure {
	struct addr client, server; /* as in the SYN */
	uint16_t client_port, server_port;
	uint32_t shape; /* clocks_shape() of the SYN */
	uint64_t began_ms, ended_ms; /* SYN and answer, on the clock of clocks_feed() */
	uint32_t c1_ms; /* from the ACK that ends the handshake to the client's first data */
	uint32_t c2_ms; /* from the server's first data to the client's answer, beyond the path */
	/* The client has no timestamps, or they do not run at 1 kHz: both are arrival times, and hold
	 * the jitter of the path. */
	bool is_by_arrival;
};

struct clocks_stats {
	uint64_t results[CLOCKS_RESULT_COUNT]; /* connections; of CLOCKS_PENDING: that are now */
	uint64_t connections; /* SYNs that began one */
	size_t memory_bytes;
};

struct clocks;

/** clocks_new() - an empty table, its memory reserved at once; NULL: no memory. */
struct clocks *clocks_new(const struct clocks_params *params);
void clocks_free(struct clocks *clocks);

/**
 * clocks_feed() - one more segment, in the order in which they came by.
 * @time_ns: when it came by, on any clock that all segments share; a SYN+ACK may have 0, where
 * nobody knows: then the server is this machine, and the time of the SYN stands for it
 * @segment: of syn_parse(), syn_parse_answer() or syn_parse_segment(). Which direction it has
 * follows from it: data of servers is looked up and passed over. Where NAT has changed the addresses
 * of a SYN+ACK, it is known by the number that it acknowledges.
 * @ret_measure: filled for CLOCKS_MEASURED alone
 * Return: what became of the segment's connection by it.
 */
enum clocks_result clocks_feed(struct clocks *clocks, uint64_t time_ns, const struct syn *segment,
			       struct clocks_measure *ret_measure);

/**
 * clocks_expire() - give up what is too old at @time_ns; clocks_feed() does that by itself.
 * Return: connections that are still pending.
 */
size_t clocks_expire(struct clocks *clocks, uint64_t time_ns);

void clocks_get_stats(const struct clocks *clocks, struct clocks_stats *ret_stats);

/**
 * clocks_shape() - a number for the shape of a SYN: version, TTL, window, MSS, scale, DF and the
 * order of its options. The systems behind one address are told apart by it; it is the same in each
 * run.
 */
uint32_t clocks_shape(const struct syn *syn);

/** clocks_result_name() - the counter's name, such as "two_syns"; NULL for none. */
const char *clocks_result_name(enum clocks_result result);

/** clocks_result_text() - the same in words, one clause without a full stop. */
const char *clocks_result_text(enum clocks_result result);

#endif
