/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of events from the workers to the control thread: a ring for each worker, so that
 * nobody waits for anybody. A full ring loses events and counts them.
 */
#ifndef SYNPRINT_PUBLISH_FEED_H
#define SYNPRINT_PUBLISH_FEED_H

#include "core/clients/client_table.h"

struct feed;

struct feed_event {
	uint64_t now_ms; /* Unix time */
	enum change_kind kind;
	uint32_t syn_count;
	struct verdict verdict;
	struct verdict old_verdict; /* of CHANGE_VERDICT */
	struct syn syn;
};

/** feed_new() - rings of @capacity (a power of two) events for @workers workers; NULL: errno. */
struct feed *feed_new(unsigned workers, unsigned capacity);
void feed_free(struct feed *feed);

/** feed_push() - called by one worker alone for its number. */
void feed_push(struct feed *feed, unsigned worker, const struct feed_event *event);

/** feed_wake() - after a burst: tell the reader that there is something. */
void feed_wake(struct feed *feed);

/** feed_fd() - readable after feed_wake(); owned by the feed. */
int feed_fd(const struct feed *feed);

/**
 * feed_drain() - hand at most @max events to @fn, in the order of each worker.
 * @ret_lost: events lost since the last call
 * Return: true where more events wait; feed_fd() then stays readable.
 */
bool feed_drain(struct feed *feed, unsigned max,
		void (*fn)(void *ctx, const struct feed_event *event), void *ctx,
		uint64_t *ret_lost);

#endif
