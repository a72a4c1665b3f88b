/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that measures connections: it reads the copies that group_clocks.c's rules send, feeds
 * them to the table of pending connections, and notes what was measured as evidence of the client.
 * No packet waits for it: a thread that is stopped or slow loses copies, and these are counted. While
 * no copy comes it sleeps, and nothing wakes it.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_TIMING_H
#define SYNPRINT_DAEMON_PACKETS_TIMING_H

#include "core/clocks/evidence.h"

struct timing;

struct timing_params {
	struct evidence_table *evidence; /* outlives it */
	uint16_t group; /* of NFLOG */
	uint64_t seed; /* random */
};

struct timing_stats {
	struct clocks_stats clocks;
	uint64_t copies; /* that were read */
	uint64_t lost; /* on the way here: nobody read them in time */
	uint64_t unreadable; /* no TCP packet, or one of a client without a time */
};

/**
 * timing_start() - bind the group and start the thread.
 * Return: as nflog_open(), or -ENOMEM, or what the thread's start failed with.
 */
int timing_start(const struct timing_params *params, struct text_error *ret_error,
		 struct timing **ret_timing);

/** timing_stop() - NULL is allowed. */
void timing_stop(struct timing *timing);

/** timing_get_stats() - from any thread; all zero of NULL. */
void timing_get_stats(struct timing *timing, struct timing_stats *ret_stats);

#endif
