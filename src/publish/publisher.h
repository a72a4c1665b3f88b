/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The publisher: one thread that commits what the workers found to every target. A commit runs
 * under kernel locks that anybody may hold for long, so a worker hands its burst over, waits
 * until it is published or the deadline has passed, and lets its packets go either way. What
 * came too late or failed is repaired by the reconcile, which also brings back what somebody
 * flushed or deleted. A target that fails is left alone for a while and harms no other.
 */
#ifndef SYNPRINT_PUBLISH_PUBLISHER_H
#define SYNPRINT_PUBLISH_PUBLISHER_H

#include "publish/target.h"
#include "core/base/histogram.h"

#define PUBLISHER_TARGETS_MAX 32
#define PUBLISHER_REASON_MAX 200 /* bytes with the NUL */
#define PUBLISHER_ITEMS_MAX 64 /* of one burst */
#define PUBLISHER_LATER_MAX 4096 /* elements that wait to be looked at again, for each target */

struct publisher;

struct publish_item {
	struct addr addr;
	uint16_t port;
	uint32_t add, refresh, remove; /* a bit for each target */
	const char *comment; /* for targets that keep one; static; NULL: none */
};

struct publish_burst {
	unsigned count;
	struct publish_item items[PUBLISHER_ITEMS_MAX];
};

/* What is said of an element, or of a network, in some targets. */
enum publisher_note {
	PUBLISHER_LOOK_AGAIN, /* something else is said of it: it goes, if it does not belong there */
	PUBLISHER_NO_ROOM, /* it may have found none: some is made, and it is tried again */
	PUBLISHER_SEEN, /* packets have brought it, and let go since: see publisher_wants() */
	PUBLISHER_SWEEP, /* all of it that does not belong there goes: also what nobody remembers */
	PUBLISHER_NOTES,
};

enum publisher_event {
	PUBLISHER_FAILED, /* a target stopped taking elements; it is tried again later */
	PUBLISHER_RECOVERED,
	PUBLISHER_DRIFTED, /* somebody flushed or deleted a target; it is filled again */
	PUBLISHER_HALF, /* one set of its pair is left out; the other goes on */
	PUBLISHER_FULL, /* new elements have no room; what is in it is looked after as ever */
	PUBLISHER_RELIEVED, /* the oldest ones made room in a set that was nearly full */
	PUBLISHER_EVENTS,
};

/* Who makes room in a set that is nearly full: a lower one first. */
enum publisher_rank { PUBLISHER_STAYS, PUBLISHER_SEEN_ONCE, PUBLISHER_CAME_BACK };

struct publisher_params {
	const char *name; /* the thread's, static */
	struct target *const *targets; /* kept, owned by the caller */
	unsigned target_count, worker_count;
	unsigned deadline_ms;
	unsigned later_max; /* 0: PUBLISHER_LATER_MAX */
	bool is_paced; /* elements are looked at again twenty times a second at the most, see pace.h */
	uint32_t marked; /* targets that packets fill: only repairs and removals are committed */
	uint32_t emptied; /* of these, those out of which packets take who has left */
	void *ctx;
	/*
	 * The elements that a target should hold, from a cursor on (0 at first), each with the
	 * timeout that is left. Returns how many of @max were written; *cursor is 0 at the end.
	 */
	unsigned (*live)(void *ctx, unsigned target, uint64_t *cursor, struct publish_op *ret_ops,
			 unsigned max);
	void (*event)(void *ctx, unsigned target, enum publisher_event event, const char *what);
	/*
	 * Whether an element belongs in a target by now, though it was to be removed. Where it is to be
	 * committed anew, that becomes a PUBLISH_REFRESH, with the timeout that is left.
	 */
	bool (*belongs)(void *ctx, unsigned target, struct publish_op *op);
	/* Of an element's address. Only needed where there is a size. */
	enum publisher_rank (*rank)(void *ctx, const struct addr *addr);
	uint32_t sizes[PUBLISHER_TARGETS_MAX]; /* of sets that are kept from being full; else 0 */
};

struct publisher_target_stats {
	uint64_t added, refreshed, removed, failed, refills;
	uint64_t commits, commits_failed; /* of any number of elements each */
	uint64_t refused; /* by a full set; they are tried again */
	uint64_t relieved; /* elements that went so that others have room */
	uint64_t waiting; /* removals that it could not take yet */
	bool is_quarantined, is_full;
	char reason[PUBLISHER_REASON_MAX]; /* why it, or one set of its pair, takes none; "" */
};

struct publisher_stats {
	uint64_t bursts, late, lost; /* late: after the deadline; lost: left to the reconcile */
	struct publisher_target_stats targets[PUBLISHER_TARGETS_MAX];
	struct histogram commit; /* one round of commits to all targets */
};

/** publisher_start() - ensure the targets and start the thread. Return: 0 or -errno. */
int publisher_start(const struct publisher_params *params, struct publisher **ret_publisher);

/**
 * publisher_stop() - publish what was handed over, end the thread and free; NULL is allowed.
 * @next: its successor, at work already, which looks at what waits; NULL: that is done before
 */
void publisher_stop(struct publisher *publisher, struct publisher *next);

/**
 * publisher_publish() - hand a worker's burst over.
 * @wait_published: come back when it is published, at the latest after the deadline
 * Return: 0; -EAGAIN while all bursts that the worker may have wait for a slow commit: then it is counted
 * as lost, what it would add is in the client table, and what it would remove is removed later.
 */
int publisher_publish(struct publisher *publisher, unsigned worker,
		      const struct publish_burst *burst, bool wait_published);

/** publisher_retire() - it has a successor: repair and fill nothing from now on. NULL is allowed. */
void publisher_retire(struct publisher *publisher);

/** publisher_count_marked() - what a packet brings to marked targets, a bit for each. */
void publisher_count_marked(struct publisher *publisher, uint32_t added, uint32_t refreshed);

/** publisher_crowded() - targets that are nearly full, a bit for each. */
uint32_t publisher_crowded(const struct publisher *publisher);

/** publisher_freed() - places that were made in a target and that nobody took at once, ever. */
uint64_t publisher_freed(const struct publisher *publisher, unsigned target);

/** publisher_refill() - fill these targets again from what is known; from any thread. */
void publisher_refill(struct publisher *publisher, uint32_t targets);

/**
 * publisher_wants() - marked targets of which it would like to see an element that packets have
 * brought: from such it sees later that somebody emptied the set.
 */
uint32_t publisher_wants(const struct publisher *publisher);

/**
 * publisher_note() - from any thread, and never waits.
 * @number: the element's port, or how many bits the network has
 */
void publisher_note(struct publisher *publisher, enum publisher_note what, uint32_t targets,
		    const struct addr *addr, uint16_t number);

void publisher_get_stats(struct publisher *publisher, struct publisher_stats *ret_stats);

#endif
