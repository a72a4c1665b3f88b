/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: the thread of one queue, and a packet's whole way through synprint. A burst is
 * parsed, matched, decided and counted, what changed is published, and then the burst is
 * accepted, whatever came of all that.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_WORKER_H
#define SYNPRINT_DAEMON_PACKETS_WORKER_H

#include "daemon/packets/generation.h"
#include "input/nfqueue.h"
#include "publish/feed.h"
#include "core/baseline/baseline.h"
#include "core/clients/client_table.h"
#include "core/base/histogram.h"
#include "core/learn/tally.h"

/* What all workers share. Only two of it change: the generation is swapped whole, read once a burst. */
struct pipeline {
	struct generation *const *generation; /* atomic */
	/*
	 * Atomic; the rules in the kernel give our bits the meaning that they have here. Those of another
	 * configuration do not, whoever loaded them, nor those of a process that was killed.
	 */
	bool has_rules;
	const struct vocab *vocab;
	uint64_t seed; /* random, of hashes that nobody may foresee */
	struct clients *clients;
	struct clients *servers; /* by what they answer; NULL where no SYN+ACK is looked at */
	struct baseline *baseline; /* NULL where none is kept */
	struct tally *unknown; /* shapes that nothing in the databases looks like */
	struct feed *feed;
	struct interfaces *interfaces; /* NULL where their names cannot be had */
	bool (*wants_event)(void *ctx, enum change_kind kind); /* called by workers */
	void *ctx;
};

struct worker_stats {
	uint64_t received, bursts;
	uint64_t results[SYN_RESULT_COUNT]; /* SYN+ACKs count as "not_syn" */
	uint64_t flags[VERDICT_FLAG_COUNT];
	uint64_t accept_failures;
	uint64_t backlogs; /* times that more SYNs came than were answered (backlog.h) */
	uint64_t repeats; /* SYNs that had come before */
	uint64_t candidates; /* SYNs of which the verdict asked for a confirmation */
	uint64_t withheld; /* SYNs left out of a set whose share of their kind was used up */
	struct histogram burst; /* from receipt to acceptance */
};

struct worker;

/**
 * worker_new() - bind the queue, which no other process can then.
 * @number: of the worker, from 0; its queue is queue.first + @number of @config
 * Return: as nfqueue_open().
 */
int worker_new(struct pipeline *pipeline, const struct config *config, unsigned number,
	       struct text_error *ret_error, struct worker **ret_worker);

/** worker_start() - start the thread; from here on packets are read. Return: 0 or -errno. */
int worker_start(struct worker *worker);

/**
 * worker_stop() - drain the queue until it has been silent, end the thread, close and free. NULL
 * and a worker that was never started are allowed.
 */
void worker_stop(struct worker *worker);

/** worker_ticks() - turns of the worker's loop. One that has nothing to do makes none until worker_wake(). */
uint64_t worker_ticks(const struct worker *worker);

/**
 * worker_wake() - let it make a turn, and so show that it lives. Who wakes it and finds the same ticks a
 * while later knows that it stands still. Any thread may.
 */
void worker_wake(struct worker *worker);

/** workers_sum_stats() - of @count workers together. */
void workers_sum_stats(struct worker *const *workers, unsigned count,
		       struct worker_stats *ret_stats);

#endif
