/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The p0f socket: queries are answered in order, however they are cut into pieces or sent ahead.
 * Like the control server it never blocks and has an epoll instance of its own. A connection has
 * room for a few queries and their replies; a peer that does not read is not read from.
 */
#ifndef SYNPRINT_CONTROL_P0F_SERVER_H
#define SYNPRINT_CONTROL_P0F_SERVER_H

#include "control/acceptor.h"
#include "control/p0f.h"

struct p0f_server;

struct p0f_server_params {
	struct acceptor_params where;
	unsigned conns_max; /* at least 1; some are kept for root (control/places.h) */
	p0f_lookup *lookup;
	void *ctx;
};

struct p0f_server_stats {
	unsigned conns;
	uint64_t accepted, refused; /* connections; refused: too many */
	uint64_t queries, bad_queries;
};

/** p0f_server_new() - listen. Return and errors: as acceptor_open(). */
int p0f_server_new(const struct p0f_server_params *params, struct text_error *ret_error,
		   struct p0f_server **ret_server);

/** p0f_server_free() - close all; NULL is allowed. */
void p0f_server_free(struct p0f_server *server);

/** p0f_server_fd() - readable when p0f_server_dispatch() has something to do. */
int p0f_server_fd(const struct p0f_server *server);

/** p0f_server_dispatch() - do what is ready, a bounded amount for each peer, without waiting. */
void p0f_server_dispatch(struct p0f_server *server);

/** p0f_server_tidy() - about once a second; as server_tidy(). */
int p0f_server_tidy(struct p0f_server *server, struct text_error *ret_error);

void p0f_server_get_stats(const struct p0f_server *server, struct p0f_server_stats *ret_stats);

#endif
