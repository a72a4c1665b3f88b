/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One target as the publisher's thread sees it, which alone calls these. */
#ifndef SYNPRINT_PUBLISH_CHANNEL_H
#define SYNPRINT_PUBLISH_CHANNEL_H

#include <pthread.h>

#include "publish/publisher.h"
#include "publish/removals.h"

#define CHANNEL_STEP 512 /* elements in one commit of a repair */

struct channel {
	struct target *target;
	const struct publisher_params *params;
	unsigned number; /* among the targets */
	struct publish_op *ops; /* the publisher's, CHANNEL_STEP at least */
	bool is_failing, must_fill;
	bool is_full; /* refused something since it was filled last */
	struct removals removals;
	unsigned backoff_ms;
	uint64_t retry_ms; /* left alone until then, or, when full, not filled again */
	uint64_t fill_cursor;
	struct publish_op sighting; /* this one and the next: under the lock of sightings */
	bool has_sighting;
	pthread_mutex_t lock; /* of the reason in stats */
	struct publisher_target_stats stats; /* written by the thread, read by anybody */
};

/** channel_init() - of storage that is zero. */
void channel_init(struct channel *channel);
void channel_done(struct channel *channel);

/** channel_get_reason() - from any thread. */
void channel_get_reason(struct channel *channel, char ret_reason[PUBLISHER_REASON_MAX]);

/**
 * channel_ensure() - make sure that the target is there; what was missing is filled again.
 * Somebody deleted it if it was well before; at the start, and after a failure, an empty target is
 * no news.
 */
void channel_ensure(struct channel *channel, bool is_start);

/** channel_commit() - its first @op_count operations. Return: 0, or -errno that nobody has said yet. */
int channel_commit(struct channel *channel, unsigned op_count);

/** channel_is_full() - whether that is what a commit said. */
bool channel_is_full(int rc);

/** channel_fail_commit() - what follows from it: a full set goes on, any other is left alone. */
void channel_fail_commit(struct channel *channel, int rc);

/** channel_note_removals() - those among its operations are to be done later. */
void channel_note_removals(struct channel *channel, unsigned count);

void channel_start_fill(struct channel *channel);

/** channel_fill() - its next elements; a failure ends that until the next try. */
void channel_fill(struct channel *channel);

/** channel_remove_late() - what was to go while it could not; who came back meanwhile stays. */
void channel_remove_late(struct channel *channel);

/** channel_reconcile() - whether it is as it should be, and what is to be done where it is not. */
void channel_reconcile(struct channel *channel);

#endif
