/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking through a whole target. Two do it: whoever forgets a network takes what is left of it out
 * of the set; and a set that anybody can fill by a SYN keeps a tenth of it free, ahead of need.
 *
 * The latter is the only thing that is committed because packets come, and only in a flood: a set is
 * counted where so much came since the last time that it may be nearly full, or where somebody found
 * no room. Then the oldest go, a twentieth of the set in a second at the most: first who was seen
 * once, then who came back, and nobody who is confirmed. What comes faster than that the kernel
 * refuses; the newest of these are tried again in the room that was made.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/counter.h"
#include "publish/channel.h"
#include "publish/oldest.h"
#include "sys/clock.h"

#define FREE_PART 10 /* of a set, that is kept free */
#define GO_PART 20 /* of it, that goes at once */
#define LOOK_MS 900 /* the publisher's second, less what it may be late */
#define LOOK_COST 10 /* times what a look costs, until the next one */
#define NEWEST_MAX 512 /* who enter by it */
#define LEFT_MIN_MS 5000 /* who has less goes by himself, and maybe just now */
#define RANK_SHIFT 48 /* above what is left of any timeout, in ms */
/* Of PUBLISHER_LATER_MAX elements each: what cannot be removed is not tried for ever. */
#define ROUNDS_MAX 1024
#define SWEEP_AGAIN_MS 500 /* where somebody commits */
#define LAST_ROUNDS 8 /* in which fewer are found */

struct look {
	const struct publisher_params *params;
	uint32_t counts[SETOPS_VERSIONS];
	struct oldest oldest[SETOPS_VERSIONS];
	struct publish_op *crowd; /* who found no room, the newest last */
	unsigned crowd_count;
};

static void consider(void *ctx, const struct target_element *element)
{
	struct look *look = ctx;
	int version = setops_version_of(&element->addr);
	struct oldest *oldest = &look->oldest[version];
	unsigned rank;

	look->counts[version]++;
	if (element->left_ms < LEFT_MIN_MS || !oldest_takes(oldest, element->left_ms))
		return;
	rank = look->params->rank(look->params->ctx, &element->addr);
	if (rank != PUBLISHER_STAYS)
		oldest_put(oldest, (uint64_t)rank << RANK_SHIFT | element->left_ms, element);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct publish_op));
}

/* Who is to go, as operations. While the kernel's table grows, a walk may see one twice. */
static unsigned choose(struct oldest *oldest, bool is_full, struct publish_op *ret_ops)
{
	unsigned count = 0, kept = 0;

	oldest_sort(oldest);
	for (size_t i = 0; i < oldest->count; i++) {
		const struct oldest_one *one = &oldest->ones[i];

		if (!is_full && one->order >> RANK_SHIFT > PUBLISHER_SEEN_ONCE)
			break;
		memset(&ret_ops[count], 0, sizeof(*ret_ops)); /* its bytes are compared */
		ret_ops[count].addr = one->addr;
		ret_ops[count].port = one->port;
		ret_ops[count++].kind = PUBLISH_REMOVE;
	}
	qsort(ret_ops, count, sizeof(*ret_ops), compare);
	for (unsigned i = 0; i < count; i++)
		if (i == 0 || compare(&ret_ops[i], &ret_ops[kept - 1]) != 0)
			ret_ops[kept++] = ret_ops[i];
	return kept;
}

/* The newest of those of one version who found no room. Return: how many of @max. */
static unsigned choose_newest(const struct channel *channel, const struct look *look,
			      enum setops_version version, unsigned max, struct publish_op *ret_ops)
{
	const struct publisher_params *params = channel->params;
	unsigned prefix6 = channel->target->params.prefix6, kept = 0;

	for (unsigned i = look->crowd_count; i-- > 0 && kept < max;) {
		struct publish_op *op = &look->crowd[i];

		op->kind = PUBLISH_ADD;
		if (setops_version_of(&op->addr) != version ||
		    !params->belongs(params->ctx, channel->number, op))
			continue;
		if (version == SETOPS_V6)
			op->addr = addr_mask(&op->addr, prefix6);
		ret_ops[kept++] = *op;
	}
	return kept;
}

/*
 * Some of one version go, and others take their places, in one transaction: at once, before the next
 * SYNs do. Where it is not full, only those who were seen once go. Return: how many went.
 */
static unsigned exchange(struct channel *channel, struct look *look, enum setops_version version,
			 bool is_full, bool may_go)
{
	struct publish_op *ops = calloc(look->oldest[version].max + NEWEST_MAX, sizeof(*ops));
	uint32_t share = channel->params->sizes[channel->number] / GO_PART;
	unsigned gone = 0, entered, room;

	if (!ops)
		return 0;
	if (may_go)
		gone = choose(&look->oldest[version], is_full, ops);
	room = may_go ? gone : share;
	entered = choose_newest(channel, look, version, room < NEWEST_MAX ? room : NEWEST_MAX,
				ops + gone);
	if (gone + entered && channel->target->type->drop(channel->target, ops, gone + entered) < 0)
		gone = entered = 0;
	free(ops);
	counter_add_shared(&channel->stats.relieved, gone);
	if (gone > entered)
		counter_add_shared(&channel->freed, gone - entered);
	return gone;
}

static void relieve(struct channel *channel, struct look *look)
{
	uint32_t size = channel->params->sizes[channel->number];
	int larger = look->counts[SETOPS_V6] > look->counts[SETOPS_V4] ? SETOPS_V6 : SETOPS_V4;
	unsigned gone = 0;
	bool is_crowded = false;

	for (int v = 0; v < SETOPS_VERSIONS; v++) {
		bool is_full = look->counts[v] >= size - size / FREE_PART;

		is_crowded |= is_full;
		gone += exchange(channel, look, v, is_full,
				 is_full || (look->crowd_count && v == larger));
	}
	__atomic_store_n(&channel->is_crowded, is_crowded, __ATOMIC_RELAXED);
	channel->room.counted = look->counts[larger];
	if (gone)
		channel->params->event(channel->params->ctx, channel->number, PUBLISHER_RELIEVED,
				       "");
}

/* Since it was counted so many elements at the most have come. */
static bool may_be_full(const struct channel *channel, uint64_t brought)
{
	uint32_t size = channel->params->sizes[channel->number];

	return channel->room.counted + (brought - channel->room.brought) >= size - size / FREE_PART;
}

static int look_through(struct channel *channel, struct look *look)
{
	size_t max = channel->params->sizes[channel->number] / GO_PART;
	struct target_visitor visitor = {consider, look};

	look->crowd = calloc(PUBLISHER_LATER_MAX, sizeof(*look->crowd));
	if (!look->crowd || oldest_init(&look->oldest[SETOPS_V4], max) < 0 ||
	    oldest_init(&look->oldest[SETOPS_V6], max) < 0)
		return -ENOMEM;
	look->crowd_count =
		later_take(&channel->notes[PUBLISHER_NO_ROOM], look->crowd, PUBLISHER_LATER_MAX);
	return target_walk(channel->target, &visitor);
}

void channel_keep_room(struct channel *channel)
{
	const struct publisher_target_stats *stats = &channel->stats;
	uint64_t now_ms = clock_monotonic_ms(), began_us = clock_read_us(CLOCK_THREAD_CPUTIME_ID);
	uint64_t brought = counter_read(&stats->added) + counter_read(&stats->refreshed);
	uint64_t rest_ms;
	struct look look = {.params = channel->params};

	if (!channel->params->sizes[channel->number] || !channel->target->type->drop ||
	    channel->is_failing || now_ms < channel->room.next_ms)
		return;
	if (!later_waiting(&channel->notes[PUBLISHER_NO_ROOM]) && !may_be_full(channel, brought)) {
		__atomic_store_n(&channel->is_crowded, false, __ATOMIC_RELAXED);
		return;
	}
	if (look_through(channel, &look) == 0) {
		relieve(channel, &look);
		channel->room.brought = brought;
	}
	free(look.crowd);
	oldest_done(&look.oldest[SETOPS_V4]);
	oldest_done(&look.oldest[SETOPS_V6]);
	rest_ms = (clock_read_us(CLOCK_THREAD_CPUTIME_ID) - began_us) * LOOK_COST / 1000;
	channel->room.next_ms = now_ms + (rest_ms > LOOK_MS ? rest_ms : LOOK_MS);
}

/* ---- what is left of a network ---- */

struct sweep {
	struct channel *channel;
	struct addr_net net;
	unsigned found;
};

/* An element may be a prefix, in which a part of the network is, or all of it. */
static bool is_of(const struct sweep *sweep, const struct addr *addr)
{
	unsigned prefix6 = sweep->channel->target->params.prefix6;
	struct addr covering = addr_mask(&sweep->net.addr, prefix6);

	if (addr_net_holds(&sweep->net, addr))
		return true;
	return prefix6 < sweep->net.bits && !addr_is_v4(addr) && !addr_is_v4(&sweep->net.addr) &&
	       addr_equal(&covering, addr);
}

static void find(void *ctx, const struct target_element *element)
{
	struct sweep *sweep = ctx;
	struct channel *channel = sweep->channel;
	struct publish_op op = {.addr = element->addr, .port = element->port};

	if (sweep->found >= PUBLISHER_LATER_MAX || !is_of(sweep, &element->addr) ||
	    channel->params->belongs(channel->params->ctx, channel->number, &op))
		return;
	channel_look_again(channel, &op);
	sweep->found++;
}

/*
 * While the kernel's table grows or shrinks, a walk may miss some, and a commit of anybody's ends it:
 * it is over when one has come to its end and has found nothing. The next network waits until then.
 */
void channel_sweep(struct channel *channel, uint64_t now_ms)
{
	struct later *sweeps = &channel->notes[PUBLISHER_SWEEP];
	struct publish_op net;
	struct sweep sweep = {.channel = channel};
	struct target_visitor visitor = {find, &sweep};
	int rc;

	if (!later_first(sweeps, &net))
		return;
	sweep.net = (struct addr_net){.addr = net.addr, .bits = (uint8_t)net.port};
	rc = target_walk(channel->target, &visitor);
	channel->sweep_rounds += sweep.found == PUBLISHER_LATER_MAX ? 1 : ROUNDS_MAX / LAST_ROUNDS;
	if ((rc == 0 && !sweep.found) || channel->sweep_rounds >= ROUNDS_MAX) {
		later_drop(sweeps, &net);
		channel->sweep_rounds = 0;
	}
	if (rc < 0)
		channel->sweep_ms = now_ms + SWEEP_AGAIN_MS;
}
