/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to one target: elements in and out, and repair where something went wrong. A target
 * that fails is left alone for a while; one that is full goes on with what is in it.
 */
#include "publish/channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/counter.h"
#include "sys/clock.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 32000
#define SWEEPS_MAX 1024 /* networks that wait to be looked for; of more the newest */

void channel_init(struct channel *channel, const struct publisher_params *params, unsigned number,
		  struct publish_op *ops, const bool *is_retired)
{
	channel->target = params->targets[number];
	channel->params = params;
	channel->number = number;
	channel->ops = ops;
	channel->is_retired = is_retired;
	later_init(&channel->notes[PUBLISHER_LOOK_AGAIN], params->later_max);
	later_init(&channel->notes[PUBLISHER_NO_ROOM], PUBLISHER_LATER_MAX);
	later_init(&channel->notes[PUBLISHER_SEEN], 1);
	later_init(&channel->notes[PUBLISHER_SWEEP], SWEEPS_MAX);
	pthread_mutex_init(&channel->lock, NULL);
}

void channel_done(struct channel *channel)
{
	for (unsigned i = 0; i < PUBLISHER_NOTES; i++)
		later_done(&channel->notes[i]);
	pthread_mutex_destroy(&channel->lock);
}

void channel_get_stats(struct channel *channel, struct publisher_target_stats *ret_stats)
{
	const struct publisher_target_stats *stats = &channel->stats;

	*ret_stats = (struct publisher_target_stats){
		.added = counter_read(&stats->added),
		.refreshed = counter_read(&stats->refreshed),
		.removed = counter_read(&stats->removed),
		.failed = counter_read(&stats->failed),
		.commits = counter_read(&stats->commits),
		.commits_failed = counter_read(&stats->commits_failed),
		.refills = counter_read(&stats->refills),
		.refused = counter_read(&stats->refused),
		.relieved = counter_read(&stats->relieved),
		.waiting = later_waiting(&channel->notes[PUBLISHER_LOOK_AGAIN]),
		.is_full = __atomic_load_n(&channel->is_full, __ATOMIC_RELAXED),
		.is_quarantined = __atomic_load_n(&channel->is_failing, __ATOMIC_RELAXED),
	};
	pthread_mutex_lock(&channel->lock);
	memcpy(ret_stats->reason, stats->reason, sizeof(stats->reason));
	pthread_mutex_unlock(&channel->lock);
}

/* Return: whether it is another one than before. */
static bool set_reason(struct channel *channel, const char *reason)
{
	bool is_new;

	pthread_mutex_lock(&channel->lock);
	is_new = strncmp(channel->stats.reason, reason, sizeof(channel->stats.reason) - 1) != 0;
	if (is_new)
		snprintf(channel->stats.reason, sizeof(channel->stats.reason), "%s", reason);
	pthread_mutex_unlock(&channel->lock);
	return is_new;
}

static void tell(struct channel *channel, enum publisher_event event, const char *what)
{
	if (!__atomic_load_n(channel->is_retired, __ATOMIC_ACQUIRE))
		channel->params->event(channel->params->ctx, channel->number, event, what);
}

/* Nothing is tried before that; where nothing helps, it takes twice as long each time. */
static void back_off(struct channel *channel, bool is_again)
{
	unsigned next_ms = is_again ? channel->backoff_ms * 2 : BACKOFF_MIN_MS;

	channel->backoff_ms = next_ms < BACKOFF_MAX_MS ? next_ms : BACKOFF_MAX_MS;
	channel->retry_ms = clock_monotonic_ms() + channel->backoff_ms;
}

/* What is told is so already: whoever hears of it may ask. */
static void fail(struct channel *channel, const char *what)
{
	bool was_failing = channel->is_failing;

	back_off(channel, was_failing);
	channel->must_fill = false;
	set_reason(channel, what);
	__atomic_store_n(&channel->is_failing, true, __ATOMIC_RELAXED);
	if (!was_failing)
		tell(channel, PUBLISHER_FAILED, what);
}

void channel_start_fill(struct channel *channel)
{
	channel->must_fill = true;
	channel->was_refused = false;
	channel->fill_cursor = 0;
	counter_add_shared(&channel->stats.refills, 1);
}

void channel_ensure(struct channel *channel, bool is_start)
{
	struct text_error error = {0};
	bool is_created = false, is_news;

	if (target_ensure(channel->target, &is_created, &error) < 0) {
		fail(channel, error.what);
		return;
	}
	is_news = set_reason(channel, error.what);
	if (is_news && error.what[0])
		tell(channel, PUBLISHER_HALF, error.what);
	else if (is_news && !channel->is_failing)
		tell(channel, PUBLISHER_RECOVERED, "");
	else if (is_created && !is_start && !channel->is_failing)
		tell(channel, PUBLISHER_DRIFTED, "it was deleted");
	if (is_created || channel->is_failing || is_start)
		channel_start_fill(channel);
}

void channel_look_again(struct channel *channel, const struct publish_op *op)
{
	later_note(&channel->notes[PUBLISHER_LOOK_AGAIN], &op->addr, op->port);
}

static void set_full(struct channel *channel, bool is_full)
{
	__atomic_store_n(&channel->is_full, is_full, __ATOMIC_RELAXED);
}

/* A full set is no broken one: what is in it was refreshed; what had no room is tried again. */
static void take_full(struct channel *channel)
{
	uint64_t now_ms = clock_monotonic_ms();

	counter_add_shared(&channel->stats.refused, 1);
	channel->was_refused = true;
	if (channel->is_full)
		return;
	set_full(channel, true);
	if (now_ms > channel->retry_ms + channel->backoff_ms)
		back_off(channel, false);
	channel->retry_ms = now_ms + channel->backoff_ms;
	tell(channel, PUBLISHER_FULL, "");
}

/* Its first operations. Return: false where it has failed, which is said already. */
static bool commit(struct channel *channel, unsigned count)
{
	struct target *target = channel->target;
	int rc = target_commit(target, channel->ops, count);

	counter_add_shared(&channel->stats.commits, 1);
	if (rc == -ENOENT) {
		channel_ensure(channel, false);
		if (!channel->is_failing)
			rc = target_commit(target, channel->ops, count);
	}
	if (rc == 0)
		return true;
	counter_add_shared(&channel->stats.commits_failed, 1);
	counter_add_shared(&channel->stats.failed, count);
	if (target_is_full(rc))
		take_full(channel);
	else if (rc != -ENOENT || !channel->is_failing)
		fail(channel, target->type->explain(target, rc));
	return target_is_full(rc);
}

/* Of its operations; what else is in them is said again by a refill. */
static void note_removals(struct channel *channel, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (channel->ops[i].kind == PUBLISH_REMOVE)
			channel_look_again(channel, &channel->ops[i]);
}

void channel_publish(struct channel *channel, unsigned count)
{
	bool is_left_alone = channel->is_failing && !channel->must_fill;

	if (is_left_alone)
		counter_add_shared(&channel->stats.failed, count);
	if (is_left_alone || !commit(channel, count))
		note_removals(channel, count);
}

void channel_fill(struct channel *channel)
{
	const struct publisher_params *params = channel->params;
	bool was_failing = channel->is_failing;
	unsigned count = params->live(params->ctx, channel->number, &channel->fill_cursor,
				      channel->ops, CHANNEL_STEP);

	channel->must_fill = channel->fill_cursor != 0;
	if ((count && !commit(channel, count)) || channel->must_fill)
		return;
	set_full(channel, channel->was_refused);
	__atomic_store_n(&channel->is_failing, false, __ATOMIC_RELAXED);
	if (was_failing)
		tell(channel, PUBLISHER_RECOVERED, "");
}

unsigned channel_revise(struct channel *channel)
{
	const struct publisher_params *params = channel->params;
	unsigned max = channel->due < CHANNEL_STEP ? channel->due : CHANNEL_STEP, kept = 0;
	unsigned count = later_take(&channel->notes[PUBLISHER_LOOK_AGAIN], channel->ops, max);

	channel->due = count == max ? channel->due - count : 0;
	for (unsigned i = 0; i < count; i++) {
		struct publish_op *op = &channel->ops[i];

		if (!params->belongs(params->ctx, channel->number, op) ||
		    op->kind == PUBLISH_REFRESH)
			channel->ops[kept++] = *op;
	}
	if (kept && !commit(channel, kept))
		for (unsigned i = 0; i < kept; i++)
			channel_look_again(channel, &channel->ops[i]);
	return kept;
}

/* Where packets take elements out, one of who does not belong there gives no flush away: it may be gone. */
static void dismiss_witnesses(struct channel *channel)
{
	const struct publisher_params *params = channel->params;
	bool has_prefixes = channel->target->params.prefix6 < 128; /* of which nobody is known */

	for (int v = 0; v < (has_prefixes ? SETOPS_V6 : SETOPS_VERSIONS); v++)
		for (unsigned i = 0; i < SETOPS_WITNESSES; i++) {
			struct witness_slot *slot = &channel->target->witnesses[v].slots[i];
			struct publish_op op = slot->op;

			if (slot->until_ms && !params->belongs(params->ctx, channel->number, &op))
				slot->until_ms = 0;
		}
}

void channel_reconcile(struct channel *channel)
{
	bool is_due = clock_monotonic_ms() >= channel->retry_ms, is_intact = false;

	if (channel->must_fill || (channel->is_failing && !is_due))
		return;
	if (channel->is_failing) {
		channel_ensure(channel, false);
		return;
	}
	/*
	 * Some may have left it: who had no room is tried again, less often where there never is any. Where
	 * packets fill it, he comes back by his next SYN.
	 */
	if (channel->is_full && is_due) {
		if (channel->params->marked >> channel->number & 1) {
			set_full(channel, false);
			return;
		}
		back_off(channel, true);
		channel_start_fill(channel);
		return;
	}
	if (channel->params->emptied >> channel->number & 1)
		dismiss_witnesses(channel);
	if (target_check(channel->target, &is_intact) == 0 && is_intact)
		return;
	channel_ensure(channel, false);
	if (!channel->is_failing && !channel->must_fill) {
		if (!channel->stats.reason[0]) /* else that was told: a set is left out */
			tell(channel, PUBLISHER_DRIFTED, "elements were deleted");
		channel_start_fill(channel);
	}
}
