/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One target as the publisher's thread sees it, which alone calls these but where it is said. */
#ifndef SYNPRINT_PUBLISH_CHANNEL_H
#define SYNPRINT_PUBLISH_CHANNEL_H

#include "publish/later.h"
#include "publish/publisher.h"

#define CHANNEL_STEP 512 /* elements in one commit of a repair */

struct channel {
	struct target *target;
	const struct publisher_params *params;
	unsigned number; /* among the targets */
	struct publish_op *ops; /* the publisher's, CHANNEL_STEP at least */
	const bool *is_retired; /* the publisher's, atomic: what fails is its successor's to say */
	bool is_failing; /* atomic for others, as is_full: left alone for a while */
	bool is_full; /* it refused something, and has not taken all since */
	bool was_refused; /* something was, since the last filling began */
	bool must_fill;
	unsigned backoff_ms;
	uint64_t retry_ms; /* left alone until then, or, when full, not filled again */
	uint64_t fill_cursor;
	struct later notes[PUBLISHER_NOTES]; /* what any thread says of elements */
	unsigned due; /* of those that are to be looked at again, so many now */
	unsigned sweep_rounds; /* of the network that is being looked for */
	uint64_t sweep_ms; /* no such look before */
	bool is_crowded; /* atomic: it is more than nine tenths full */
	uint64_t freed; /* places that some left and nobody took at once; any thread reads it */
	struct {
		uint64_t counted,
			brought; /* elements at the last look, and what had come until then */
		uint64_t next_ms; /* no look before */
	} room;
	pthread_mutex_t lock; /* of the reason in stats */
	struct publisher_target_stats stats; /* written by the thread, read by anybody */
};

/** channel_init() - of storage that is zero. @number: of the target, and of the channel */
void channel_init(struct channel *channel, const struct publisher_params *params, unsigned number,
		  struct publish_op *ops, const bool *is_retired);
void channel_done(struct channel *channel);

/** channel_get_stats() - from any thread. */
void channel_get_stats(struct channel *channel, struct publisher_target_stats *ret_stats);

/**
 * channel_ensure() - make sure that the target is there; what was missing is filled again.
 * Somebody deleted it if it was well before; at the start, and after a failure, an empty target is
 * no news.
 */
void channel_ensure(struct channel *channel, bool is_start);

/**
 * channel_publish() - commit its first @count operations. A full set goes on without what it has no room
 * for; any other that fails is left alone, and what was to be removed goes later.
 */
void channel_publish(struct channel *channel, unsigned count);

void channel_start_fill(struct channel *channel);

/** channel_look_again() - later, at this one. */
void channel_look_again(struct channel *channel, const struct publish_op *op);

/** channel_fill() - its next elements; a failure ends that until the next try. */
void channel_fill(struct channel *channel);

/**
 * channel_revise() - the next of those that are due: whoever does not belong there by now goes.
 * Return: how many of its operations were committed, or not, and then wait again.
 */
unsigned channel_revise(struct channel *channel);

/** channel_reconcile() - whether it is as it should be, and what is to be done where it is not. */
void channel_reconcile(struct channel *channel);

/** channel_keep_room() - once a second: where the set is nearly full, some make room. */
void channel_keep_room(struct channel *channel);

/** channel_sweep() - a step of the first network that is to be looked for. */
void channel_sweep(struct channel *channel, uint64_t now_ms);

#endif
