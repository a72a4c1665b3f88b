/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of the control socket: lines in, bytes out, and what it has subscribed to.
 * Reads and writes never wait.
 */
#ifndef SYNPRINT_CONTROL_CONN_H
#define SYNPRINT_CONTROL_CONN_H

#include <sys/queue.h>

#include "control/bytes.h"
#include "control/places.h"
#include "control/server.h"

struct conn {
	int fd;
	uint32_t epoll_events; /* what epoll was told last */
	struct server_peer peer;
	struct place place;
	struct bytes in, out;
	size_t scanned; /* bytes at the front of in that hold no newline */
	bool lines_left; /* in may hold whole lines that are still to be answered */
	bool eof; /* the peer sends nothing more */
	bool closing; /* to be closed once out is empty */
	struct proto_request *begun; /* that is answered later, and until then no other; or NULL */
	uint64_t begun_number;

	bool subscribed, wants_syns, wants_leaves, only_confirmed;
	struct filter filter;
	uint64_t seq; /* of the last event that the filter let through, lost or not */
	uint64_t missed; /* events since the last one that found room */
	bool snapshot_running;
	uint64_t snapshot_cursor;

	LIST_ENTRY(conn) all;
	LIST_ENTRY(conn) subscribers;
};

/** conn_new() - over a connected socket, which it owns from now on; NULL: no memory. */
struct conn *conn_new(int fd);

/** conn_free() - close it; it must be in no list any more. */
void conn_free(struct conn *conn);

/** conn_read() - take in what is there, up to 16 KiB; may set eof. Return: 0 or -errno. */
int conn_read(struct conn *conn);

/**
 * conn_next_line() - take the next whole line; at the end of input also one without newline.
 * @ret_line: NUL-terminated in place of the newline, good until the next conn_read()
 * Return: 1; 0: there is none; -E2BIG: it is longer than PROTO_LINE_MAX.
 */
int conn_next_line(struct conn *conn, char **ret_line, size_t *ret_len);

/** conn_flush() - write what waits, as far as the peer takes it. Return: 0 or -errno. */
int conn_flush(struct conn *conn);

/** conn_put_line() - let a line and its newline wait for the peer. Return: 0 or -ENOMEM. */
int conn_put_line(struct conn *conn, const char *line, size_t len);

#endif
