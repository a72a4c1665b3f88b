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

static void set_quarantined(struct channel *channel, bool is_quarantined)
{
	__atomic_store_n(&channel->stats.is_quarantined, is_quarantined, __ATOMIC_RELAXED);
}

void channel_init(struct channel *channel)
{
	removals_init(&channel->removals);
	removals_init(&channel->crowd);
	pthread_mutex_init(&channel->lock, NULL);
}

void channel_done(struct channel *channel)
{
	removals_done(&channel->removals);
	removals_done(&channel->crowd);
	pthread_mutex_destroy(&channel->lock);
}

void channel_get_reason(struct channel *channel, char ret_reason[PUBLISHER_REASON_MAX])
{
	pthread_mutex_lock(&channel->lock);
	memcpy(ret_reason, channel->stats.reason, PUBLISHER_REASON_MAX);
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
	channel->params->event(channel->params->ctx, channel->target, event, what);
}

static void channel_fail(struct channel *channel, const char *what)
{
	channel->backoff_ms = channel->is_failing ? channel->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (channel->backoff_ms > BACKOFF_MAX_MS)
		channel->backoff_ms = BACKOFF_MAX_MS;
	channel->retry_ms = clock_monotonic_ms() + channel->backoff_ms;
	channel->must_fill = false;
	set_reason(channel, what);
	if (!channel->is_failing)
		tell(channel, PUBLISHER_FAILED, what);
	channel->is_failing = true;
	set_quarantined(channel, true);
}

void channel_start_fill(struct channel *channel)
{
	channel->must_fill = true;
	channel->fill_cursor = 0;
	counter_add_shared(&channel->stats.refills, 1);
}

/*
 * Makes sure that the target is there; what was missing is filled again. Somebody deleted it if
 * it was well before; at the start, and after a failure, an empty target is no news.
 */
void channel_ensure(struct channel *channel, bool is_start)
{
	struct text_error error = {0};
	bool is_created = false, is_news;
	int rc = target_ensure(channel->target, &is_created, &error);

	if (rc < 0) {
		channel_fail(channel, error.what);
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

static void channel_recover(struct channel *channel)
{
	if (!channel->is_failing)
		return;
	channel->is_failing = false;
	set_quarantined(channel, false);
	tell(channel, PUBLISHER_RECOVERED, "");
}

int channel_commit(struct channel *channel, unsigned op_count)
{
	struct target *target = channel->target;
	int rc = target_commit(target, channel->ops, op_count);

	if (rc == -ENOENT) {
		channel_ensure(channel, false);
		if (channel->is_failing) {
			counter_add_shared(&channel->stats.failed, op_count);
			return 0; /* said already */
		}
		rc = target_commit(target, channel->ops, op_count);
	}
	if (rc < 0)
		counter_add_shared(&channel->stats.failed, op_count);
	return rc;
}

static void set_full(struct channel *channel, bool is_full)
{
	channel->is_full = is_full;
	__atomic_store_n(&channel->stats.is_full, is_full, __ATOMIC_RELAXED);
}

/* A full set is no broken one: what is in it was refreshed; what had no room is tried again. */
static void channel_take_full(struct channel *channel)
{
	counter_add_shared(&channel->stats.refused, 1);
	if (channel->is_full)
		return;
	set_full(channel, true);
	if (clock_monotonic_ms() > channel->retry_ms + channel->backoff_ms)
		channel->backoff_ms = BACKOFF_MIN_MS;
	channel->retry_ms = clock_monotonic_ms() + channel->backoff_ms;
	tell(channel, PUBLISHER_FULL, "");
}

void channel_fail_commit(struct channel *channel, int rc)
{
	if (target_is_full(rc))
		channel_take_full(channel);
	else
		channel_fail(channel, channel->target->type->explain(channel->target, rc));
}

void channel_note_removals(struct channel *channel, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (channel->ops[i].kind == PUBLISH_REMOVE)
			removals_note(&channel->removals, &channel->ops[i].addr,
				      channel->ops[i].port);
}

/* The next elements of a target that is being filled; a failure ends that until the next try. */
void channel_fill(struct channel *channel)
{
	unsigned op_count =
		channel->params->live(channel->params->ctx, channel->number, &channel->fill_cursor,
				      channel->ops, CHANNEL_STEP);
	int rc = op_count ? channel_commit(channel, op_count) : 0;

	if (target_is_full(rc)) /* the next ones may be in it already */
		channel_take_full(channel);
	else if (rc < 0)
		channel_fail_commit(channel, rc);
	if (channel->must_fill && !channel->fill_cursor) {
		channel->must_fill = false;
		channel_recover(channel);
	}
}

/* What was to go while it could not; who came back meanwhile stays. */
void channel_remove_late(struct channel *channel)
{
	unsigned count = removals_take(&channel->removals, channel->ops, CHANNEL_STEP), kept = 0;
	int rc;

	for (unsigned i = 0; i < count; i++) {
		const struct publish_op *op = &channel->ops[i];

		if (!channel->params->belongs ||
		    !channel->params->belongs(channel->params->ctx, channel->number, op))
			channel->ops[kept++] = *op;
	}
	rc = kept ? channel_commit(channel, kept) : 0;
	if (rc == 0 || target_is_full(rc))
		return;
	channel_note_removals(channel, kept);
	channel_fail_commit(channel, rc);
}

/* Some may have left it: who had no room is tried again, less often where there never is any. */
static void retry_full(struct channel *channel)
{
	set_full(channel, false);
	channel->backoff_ms =
		channel->backoff_ms * 2 < BACKOFF_MAX_MS ? channel->backoff_ms * 2 : BACKOFF_MAX_MS;
	channel->retry_ms = clock_monotonic_ms() + channel->backoff_ms;
	channel_start_fill(channel);
}

void channel_reconcile(struct channel *channel)
{
	bool is_intact = false;
	bool is_due = clock_monotonic_ms() >= channel->retry_ms;

	if (channel->must_fill || (channel->is_failing && !is_due))
		return;
	if (!channel->is_failing && channel->is_full && is_due) {
		retry_full(channel);
		return;
	}
	if (channel->is_failing) {
		channel_ensure(channel, false);
		return;
	}
	if (target_check(channel->target, &is_intact) == 0 && is_intact)
		return;
	channel_ensure(channel, false);
	if (!channel->is_failing && !channel->must_fill) {
		if (!channel->stats.reason[0]) /* else that was told: a set is left out */
			tell(channel, PUBLISHER_DRIFTED, "elements were deleted");
		channel_start_fill(channel);
	}
}
