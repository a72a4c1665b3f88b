/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that wait for a request, longest first. Who takes too long for one is cut off, and
 * where places run out the one who waits longest gives way: no number of idle connections keeps
 * anybody out.
 */
#ifndef SYNPRINT_WEB_HTTP_CONNS_H
#define SYNPRINT_WEB_HTTP_CONNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#define CONNS_PATIENCE_S 30 /* for a whole request, from its connection or the one before on */

struct conn {
	int fd; /* not ours */
	int64_t since_s; /* CLOCK_MONOTONIC: it waits for a request */
	bool is_busy; /* a request is being answered */
	bool is_cut; /* no use waiting for it any more */
	TAILQ_ENTRY(conn) entry;
};

struct conns {
	TAILQ_HEAD(conns_head, conn) waiting;
	unsigned count, max;
};

void conns_init(struct conns *conns, unsigned max);

/** conns_add() - a new one. @ret_pushed: whether another gives way. Return: NULL without memory. */
struct conn *conns_add(struct conns *conns, int fd, int64_t now_s, bool *ret_pushed);
void conns_remove(struct conns *conns, struct conn *conn);

/** conns_set_busy() - it has a whole request; or its reply is out, and it waits again. */
void conns_set_busy(struct conns *conns, struct conn *conn, bool is_busy, int64_t now_s);

/** conns_expire() - cut off whoever took too long. */
void conns_expire(struct conns *conns, int64_t now_s);

#endif
