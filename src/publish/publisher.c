/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The publisher thread. Each worker has a mailbox of a few bursts and is the only one that
 * fills it, so workers never contend with each other. The thread takes whatever waits in all
 * mailboxes and commits it once for each target. Between bursts it repairs: a target that
 * failed, or that somebody changed behind our back, is made anew and filled step by step.
 */
#include "publish/publisher.h"
#include "core/base/counter.h"
#include "sys/clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "nl/nft_ask.h"
#include "publish/channel.h"
#include "publish/pace.h"

#define SLOTS 4 /* bursts that a worker may have handed over at once */
#define RECONCILE_MS 1000
#define NO_WAIT_MS 500 /* after a commit that was too slow */

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t published;
	uint64_t submitted, taken, done; /* bursts so far, in this order; under the lock */
	uint64_t given_up; /* the last burst that was not waited for to its end */
	uint64_t no_wait_ms; /* until when no burst is waited for */
	struct publish_burst bursts[SLOTS];
} __attribute__((aligned(128)));

struct publisher {
	struct publisher_params params;
	struct channel channels[PUBLISHER_TARGETS_MAX];
	struct publish_op *ops;
	struct pace pace; /* of looking again at what waits */
	sem_t wake;
	pthread_t thread;
	bool must_stop; /* atomic */
	bool is_retired; /* atomic: it has a successor, and repairs nothing any more */
	bool has_lost; /* atomic; since the last repair */
	uint32_t wanted, refills; /* atomic; a bit for each target */
	uint32_t generation; /* of the ruleset at the last reconcile */
	struct nl *nl; /* to ask for it; NULL: it cannot be asked */
	uint64_t bursts, late, lost; /* atomic */
	struct histogram commit; /* written by the thread */
	struct mailbox mailboxes[]; /* one for each worker */
};

static uint32_t targets_of(const struct publisher *publisher)
{
	unsigned count = publisher->params.target_count;

	return count < 32 ? (UINT32_C(1) << count) - 1 : UINT32_MAX;
}

/* The workers' side. */

/*
 * Waits for the newest burst, under the lock. One deadline is spent on a slow commit; bursts that
 * come while it still lasts are not held up again, nor, for a while, are those behind it: whoever
 * makes commits slow, such as by loading rules, is mostly not done yet, and what waits in a queue is
 * dropped whenever somebody removes a base chain.
 */
static bool wait_until_published(struct mailbox *mailbox, unsigned deadline_ms)
{
	struct timespec deadline = clock_in_ms(deadline_ms);
	int rc = 0;

	if (mailbox->done < mailbox->given_up || clock_monotonic_ms() < mailbox->no_wait_ms)
		return mailbox->done == mailbox->submitted;
	while (mailbox->done < mailbox->submitted && rc == 0)
		rc = pthread_cond_timedwait(&mailbox->published, &mailbox->lock, &deadline);
	if (mailbox->done == mailbox->submitted)
		return true;
	mailbox->given_up = mailbox->submitted;
	mailbox->no_wait_ms = clock_monotonic_ms() + NO_WAIT_MS;
	return false;
}

void publisher_note(struct publisher *publisher, enum publisher_note what, uint32_t targets,
		    const struct addr *addr, uint16_t number)
{
	bool must_wake = false;

	for (targets &= targets_of(publisher); targets; targets &= targets - 1) {
		struct later *notes = &publisher->channels[__builtin_ctz(targets)].notes[what];
		unsigned before = later_note(notes, addr, number);

		/* Else it is awake, or waits until it may look. Room is made once a second. */
		must_wake |= before == 0 && what != PUBLISHER_NO_ROOM;
		if (what == PUBLISHER_LOOK_AGAIN && before == publisher->params.later_max)
			__atomic_fetch_or(&publisher->refills, targets & -targets,
					  __ATOMIC_RELEASE);
		if (what == PUBLISHER_SEEN)
			__atomic_fetch_and(&publisher->wanted, ~(targets & -targets),
					   __ATOMIC_RELEASE);
	}
	if (must_wake)
		sem_post(&publisher->wake);
}

/* What it would have removed is removed later; all else is in the client table. */
static void lose(struct publisher *publisher, const struct publish_burst *burst)
{
	for (unsigned i = 0; i < burst->count; i++)
		publisher_note(publisher, PUBLISHER_LOOK_AGAIN, burst->items[i].remove,
			       &burst->items[i].addr, burst->items[i].port);
	counter_add_shared(&publisher->lost, 1);
	__atomic_store_n(&publisher->has_lost, true, __ATOMIC_RELEASE);
}

static void copy_burst(struct publish_burst *to, const struct publish_burst *from)
{
	to->count = from->count;
	memcpy(to->items, from->items, from->count * sizeof(*from->items));
}

int publisher_publish(struct publisher *publisher, unsigned worker,
		      const struct publish_burst *burst, bool wait_published)
{
	struct mailbox *mailbox = &publisher->mailboxes[worker];
	bool has_room, is_late = false;

	pthread_mutex_lock(&mailbox->lock);
	has_room = mailbox->submitted - mailbox->done < SLOTS;
	if (has_room) {
		copy_burst(&mailbox->bursts[mailbox->submitted++ % SLOTS], burst);
		sem_post(&publisher->wake);
		if (wait_published)
			is_late = !wait_until_published(mailbox, publisher->params.deadline_ms);
	}
	pthread_mutex_unlock(&mailbox->lock);
	if (!has_room) {
		lose(publisher, burst);
		return -EAGAIN;
	}
	counter_add_shared(&publisher->bursts, 1);
	if (is_late)
		counter_add_shared(&publisher->late, 1);
	return 0;
}

void publisher_retire(struct publisher *publisher)
{
	if (publisher)
		__atomic_store_n(&publisher->is_retired, true, __ATOMIC_RELEASE);
}

void publisher_count_marked(struct publisher *publisher, uint32_t added, uint32_t refreshed)
{
	for (; added; added &= added - 1)
		counter_add_shared(&publisher->channels[__builtin_ctz(added)].stats.added, 1);
	for (; refreshed; refreshed &= refreshed - 1)
		counter_add_shared(&publisher->channels[__builtin_ctz(refreshed)].stats.refreshed,
				   1);
}

uint32_t publisher_crowded(const struct publisher *publisher)
{
	uint32_t crowded = 0;

	for (unsigned t = 0; t < publisher->params.target_count; t++)
		if (__atomic_load_n(&publisher->channels[t].is_crowded, __ATOMIC_RELAXED))
			crowded |= UINT32_C(1) << t;
	return crowded;
}

uint64_t publisher_freed(const struct publisher *publisher, unsigned target)
{
	return counter_read(&publisher->channels[target].freed);
}

void publisher_refill(struct publisher *publisher, uint32_t targets)
{
	__atomic_fetch_or(&publisher->refills, targets, __ATOMIC_RELEASE);
	sem_post(&publisher->wake);
}

uint32_t publisher_wants(const struct publisher *publisher)
{
	return __atomic_load_n(&publisher->wanted, __ATOMIC_ACQUIRE);
}

/* The publisher's side. */

/* Collects what the taken bursts of all mailboxes hold for one target. */
static unsigned gather(struct publisher *publisher, unsigned target)
{
	struct publisher_target_stats *stats = &publisher->channels[target].stats;
	uint64_t *const counts[] = {&stats->added, &stats->refreshed, &stats->removed};
	unsigned op_count = 0;

	for (unsigned w = 0; w < publisher->params.worker_count; w++) {
		const struct mailbox *mailbox = &publisher->mailboxes[w];

		for (uint64_t b = mailbox->done; b < mailbox->taken; b++) {
			const struct publish_burst *burst = &mailbox->bursts[b % SLOTS];

			for (unsigned i = 0; i < burst->count; i++) {
				const struct publish_item *item = &burst->items[i];
				const uint32_t kinds[] = {item->add, item->refresh, item->remove};
				unsigned kind = PUBLISH_ADD;

				while (kind <= PUBLISH_REMOVE && !(kinds[kind] >> target & 1))
					kind++;
				if (kind > PUBLISH_REMOVE)
					continue;
				counter_add_shared(counts[kind], 1);
				publisher->ops[op_count++] =
					(struct publish_op){item->addr, item->port, kind, 0,
							    item->comment};
			}
		}
	}
	return op_count;
}

static bool take_bursts(struct publisher *publisher)
{
	bool is_any = false;

	while (sem_trywait(&publisher->wake) == 0)
		continue;
	for (unsigned w = 0; w < publisher->params.worker_count; w++) {
		struct mailbox *mailbox = &publisher->mailboxes[w];

		pthread_mutex_lock(&mailbox->lock);
		mailbox->taken = mailbox->submitted;
		is_any |= mailbox->taken != mailbox->done;
		pthread_mutex_unlock(&mailbox->lock);
	}
	return is_any;
}

static void release_bursts(struct publisher *publisher)
{
	for (unsigned w = 0; w < publisher->params.worker_count; w++) {
		struct mailbox *mailbox = &publisher->mailboxes[w];

		pthread_mutex_lock(&mailbox->lock);
		mailbox->done = mailbox->taken;
		pthread_cond_signal(&mailbox->published);
		pthread_mutex_unlock(&mailbox->lock);
	}
}

static bool publish_bursts(struct publisher *publisher)
{
	uint64_t start_us;

	if (!take_bursts(publisher))
		return false;
	start_us = clock_monotonic_us();
	for (unsigned t = 0; t < publisher->params.target_count; t++) {
		unsigned op_count = gather(publisher, t);

		if (op_count)
			channel_publish(&publisher->channels[t], op_count);
	}
	release_bursts(publisher);
	histogram_add(&publisher->commit, clock_monotonic_us() - start_us);
	return true;
}

/* One that is being filled is filled once more behind that. */
static void take_refills(struct publisher *publisher)
{
	uint32_t targets = __atomic_exchange_n(&publisher->refills, 0, __ATOMIC_ACQUIRE);

	for (uint32_t left = targets; left; left &= left - 1) {
		struct channel *channel = &publisher->channels[__builtin_ctz(left)];

		if (channel->must_fill)
			__atomic_fetch_or(&publisher->refills, left & -left, __ATOMIC_RELAXED);
		else if (!channel->is_failing)
			channel_start_fill(channel);
	}
}

static bool is_retired(const struct publisher *publisher)
{
	return __atomic_load_n(&publisher->is_retired, __ATOMIC_ACQUIRE);
}

static unsigned waiting_of(struct channel *channel)
{
	return later_waiting(&channel->notes[PUBLISHER_LOOK_AGAIN]);
}

/* Once there is a successor, it may have said something else of these meanwhile. */
static void revise(struct publisher *publisher, struct channel *channel)
{
	unsigned count = channel_revise(channel);

	for (unsigned i = 0; is_retired(publisher) && i < count; i++)
		channel_look_again(channel, &publisher->ops[i]);
}

/*
 * What waits now is looked at; what comes meanwhile waits for the next round.
 * @wake_ms: not after the next round may begin, where something waits for it
 */
static bool begin_round(struct publisher *publisher, uint64_t now_ms, uint64_t *wake_ms)
{
	uint64_t next_ms = publisher->params.is_paced ? pace_next_ms(&publisher->pace) : 0;
	bool is_any = false;

	for (unsigned t = 0; t < publisher->params.target_count; t++) {
		struct channel *channel = &publisher->channels[t];
		unsigned waiting = channel->is_failing ? 0 : waiting_of(channel);

		is_any |= waiting != 0;
		if (now_ms >= next_ms)
			channel->due = waiting;
	}
	if (is_any && now_ms >= next_ms)
		pace_began(&publisher->pace, now_ms);
	else if (is_any && next_ms < *wake_ms)
		*wake_ms = next_ms;
	return is_any && now_ms >= next_ms;
}

/* One step of what else is to be done; true while there is more. @wake_ms: as begin_round() has it */
static bool step(struct publisher *publisher, uint64_t now_ms, uint64_t *wake_ms)
{
	take_refills(publisher);
	for (unsigned t = 0; t < publisher->params.target_count; t++) {
		struct channel *channel = &publisher->channels[t];

		if (channel->must_fill)
			channel_fill(channel);
		else if (!channel->is_failing && channel->due)
			revise(publisher, channel);
		else if (!channel->is_failing && !waiting_of(channel) &&
			 now_ms >= channel->sweep_ms &&
			 later_waiting(&channel->notes[PUBLISHER_SWEEP]))
			channel_sweep(channel, now_ms);
		else
			continue;
		return true;
	}
	return begin_round(publisher, now_ms, wake_ms);
}

/* Nobody else looks at what waits. */
static void finish(struct publisher *publisher)
{
	for (unsigned t = 0; t < publisher->params.target_count; t++) {
		struct channel *channel = &publisher->channels[t];

		channel->due = waiting_of(channel);
		while (channel->due && !channel->is_failing)
			revise(publisher, channel);
	}
}

/* Elements that packets brought become those by which a flush is seen. */
static void take_sightings(struct publisher *publisher)
{
	for (uint32_t left = publisher->params.marked; left; left &= left - 1) {
		struct channel *channel = &publisher->channels[__builtin_ctz(left)];
		struct publish_op op;

		if (later_take(&channel->notes[PUBLISHER_SEEN], &op, 1)) {
			op.kind = PUBLISH_ADD;
			target_note(channel->target, &op);
		}
	}
}

/* Sets that packets fill are looked at only where somebody has changed the ruleset. */
static void reconcile(struct publisher *publisher)
{
	uint32_t generation = publisher->generation + 1;

	/* What was lost is in the client table. */
	if (__atomic_exchange_n(&publisher->has_lost, false, __ATOMIC_ACQUIRE))
		__atomic_fetch_or(&publisher->refills, targets_of(publisher), __ATOMIC_RELAXED);
	if (publisher->params.marked && publisher->nl)
		nft_generation(publisher->nl, &generation);
	for (unsigned t = 0; t < publisher->params.target_count; t++) {
		bool is_marked = publisher->params.marked >> t & 1;
		struct channel *channel = &publisher->channels[t];

		if (!is_marked || generation != publisher->generation || channel->is_failing ||
		    channel->is_full)
			channel_reconcile(channel);
		channel_keep_room(channel);
	}
	publisher->generation = generation;
	__atomic_store_n(&publisher->wanted, publisher->params.marked, __ATOMIC_RELEASE);
}

static void *publisher_main(void *arg)
{
	struct publisher *publisher = arg;
	uint64_t look_ms = clock_monotonic_ms() + RECONCILE_MS;

	prctl(PR_SET_NAME, publisher->params.name);
	for (;;) {
		bool must_stop = __atomic_load_n(&publisher->must_stop, __ATOMIC_ACQUIRE);
		bool is_busy = publish_bursts(publisher);
		uint64_t now_ms = clock_monotonic_ms(), wake_ms;

		if (must_stop) {
			if (!is_retired(publisher))
				finish(publisher);
			return NULL;
		}
		take_sightings(publisher);
		if (now_ms >= look_ms) {
			if (!is_retired(publisher))
				reconcile(publisher);
			look_ms = now_ms + RECONCILE_MS;
		}
		wake_ms = look_ms;
		if (!is_busy && (is_retired(publisher) || !step(publisher, now_ms, &wake_ms))) {
			struct timespec until = clock_in_ms(wake_ms - now_ms);

			sem_clockwait(&publisher->wake, CLOCK_MONOTONIC, &until);
		}
	}
}

static void publisher_free(struct publisher *publisher)
{
	for (unsigned w = 0; w < publisher->params.worker_count; w++) {
		pthread_mutex_destroy(&publisher->mailboxes[w].lock);
		pthread_cond_destroy(&publisher->mailboxes[w].published);
	}
	for (unsigned t = 0; t < publisher->params.target_count; t++)
		channel_done(&publisher->channels[t]);
	free(publisher->ops);
	sem_destroy(&publisher->wake);
	nl_close(publisher->nl);
	free(publisher);
}

static struct publisher *publisher_new(const struct publisher_params *params)
{
	size_t size = sizeof(struct publisher) + params->worker_count * sizeof(struct mailbox);
	unsigned op_max = params->worker_count * SLOTS * PUBLISHER_ITEMS_MAX;
	struct publisher *publisher = aligned_alloc(_Alignof(struct publisher), size);

	if (!publisher)
		return NULL;
	memset(publisher, 0, size);
	publisher->params = *params;
	if (!params->later_max)
		publisher->params.later_max = PUBLISHER_LATER_MAX;
	publisher->wanted = params->marked;
	publisher->ops =
		calloc(op_max > CHANNEL_STEP ? op_max : CHANNEL_STEP, sizeof(*publisher->ops));
	sem_init(&publisher->wake, 0, 0);
	for (unsigned w = 0; w < params->worker_count; w++) {
		pthread_mutex_init(&publisher->mailboxes[w].lock, NULL);
		clock_cond_init(&publisher->mailboxes[w].published);
	}
	for (unsigned t = 0; t < params->target_count; t++)
		channel_init(&publisher->channels[t], &publisher->params, t, publisher->ops,
			     &publisher->is_retired);
	if (publisher->ops)
		return publisher;
	publisher_free(publisher);
	return NULL;
}

int publisher_start(const struct publisher_params *params, struct publisher **ret_publisher)
{
	struct publisher *publisher = publisher_new(params);
	int rc;

	if (!publisher)
		return -ENOMEM;
	if (params->marked)
		nl_open(&publisher->nl);
	for (unsigned t = 0; t < params->target_count; t++)
		channel_ensure(&publisher->channels[t], true);
	rc = -pthread_create(&publisher->thread, NULL, publisher_main, publisher);
	if (rc < 0)
		publisher_free(publisher);
	else
		*ret_publisher = publisher;
	return rc;
}

/*
 * What was not looked at goes on with the same target, as its name says: kind, table and sets. Where
 * something was lost it is filled once more, as the successor may have begun to do so before that.
 */
static void hand_over(struct publisher *publisher, struct publisher *next)
{
	uint32_t refills = 0;

	for (unsigned t = 0; t < publisher->params.target_count; t++)
		for (unsigned n = 0; n < next->params.target_count; n++) {
			struct channel *channel = &publisher->channels[t];
			struct channel *heir = &next->channels[n];

			if (strcmp(channel->target->name, heir->target->name) != 0)
				continue;
			later_move(&channel->notes[PUBLISHER_LOOK_AGAIN],
				   &heir->notes[PUBLISHER_LOOK_AGAIN]);
			later_move(&channel->notes[PUBLISHER_SWEEP], &heir->notes[PUBLISHER_SWEEP]);
			if (channel->is_failing || publisher->has_lost)
				refills |= UINT32_C(1) << n;
		}
	publisher_refill(next, refills);
}

void publisher_stop(struct publisher *publisher, struct publisher *next)
{
	if (!publisher)
		return;
	if (next)
		publisher_retire(publisher);
	__atomic_store_n(&publisher->must_stop, true, __ATOMIC_RELEASE);
	sem_post(&publisher->wake);
	pthread_join(publisher->thread, NULL);
	if (next)
		hand_over(publisher, next);
	publisher_free(publisher);
}

void publisher_get_stats(struct publisher *publisher, struct publisher_stats *ret_stats)
{
	*ret_stats = (struct publisher_stats){.bursts = counter_read(&publisher->bursts),
					      .late = counter_read(&publisher->late),
					      .lost = counter_read(&publisher->lost)};
	histogram_merge(&ret_stats->commit, &publisher->commit);
	for (unsigned t = 0; t < publisher->params.target_count; t++)
		channel_get_stats(&publisher->channels[t], &ret_stats->targets[t]);
}
