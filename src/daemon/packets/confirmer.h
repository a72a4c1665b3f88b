/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens when the kernel says that a connection is confirmed: the client table is told, the
 * baseline counts the client, sets that no packet fills get it, and subscribers hear of it. All of
 * it in the thread that owns the event loop; what is lost on the way is only not known.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_CONFIRMER_H
#define SYNPRINT_DAEMON_PACKETS_CONFIRMER_H

#include "daemon/packets/worker.h"
#include "input/nflog.h"

struct confirmer;

struct confirmer_params {
	const struct pipeline *pipeline; /* outlives it, as do the parts in it */
	uint16_t group; /* of NFLOG */
	/* Called for each confirmed connection; @port: the client's. */
	void (*tell)(void *ctx, const struct client_confirmed *confirmed, uint16_t port);
	void *ctx;
};

struct confirmer_stats {
	uint64_t connections; /* confirmed */
	uint64_t clients; /* of which nothing was confirmed before */
	uint64_t forgotten; /* connections that the client table remembers no more */
	uint64_t lost; /* said by the kernel, and lost on the way to us */
	uint64_t uncounted; /* clients left out of the baseline: their network had its share */
};

/** confirmer_open() - Return: as nflog_open(). */
int confirmer_open(const struct confirmer_params *params, struct text_error *ret_error,
		   struct confirmer **ret_confirmer);

/** confirmer_close() - NULL is allowed. */
void confirmer_close(struct confirmer *confirmer);

/** confirmer_fd() - readable when confirmer_dispatch() has something to do; owned by it. */
int confirmer_fd(const struct confirmer *confirmer);

/** confirmer_dispatch() - take what has come in, a bounded amount. */
void confirmer_dispatch(struct confirmer *confirmer);

/** confirmer_get_stats() - all zero of NULL. */
void confirmer_get_stats(const struct confirmer *confirmer, struct confirmer_stats *ret_stats);

#endif
