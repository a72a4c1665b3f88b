/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A publisher with targets that do as they are told; each test has its own. */
#ifndef SYNPRINT_TESTS_UNIT_PUBLISH_PUBLISHER_TURNS_H
#define SYNPRINT_TESTS_UNIT_PUBLISH_PUBLISHER_TURNS_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "publish/fake_target.h"

#define DEADLINE_MS 100
#define PATIENT_MS 30000 /* where the test is not about time */

struct events {
	pthread_mutex_t lock;
	unsigned counts[PUBLISHER_EVENTS];
	bool holds; /* atomic: the thread stands where it tells that there is room again */
	char what[128];
};

struct harness {
	struct fake fakes[2];
	struct target *targets[2];
	struct events events;
	unsigned live_count; /* elements that live() has for each target */
	unsigned live_calls;
	uint32_t marked; /* targets that packets fill */
	struct publisher *publisher;
};

static struct harness harness;

static inline unsigned live(void *ctx, unsigned target, uint64_t *cursor,
			    struct publish_op *ret_ops, unsigned max)
{
	unsigned count = 0;

	(void)ctx;
	(void)target;
	__atomic_fetch_add(&harness.live_calls, 1, __ATOMIC_RELAXED);
	for (; *cursor < harness.live_count && count < max; (*cursor)++)
		ret_ops[count++] = (struct publish_op){.addr = numbered((unsigned)*cursor),
						       .kind = PUBLISH_ADD,
						       .timeout_s = 9};
	if (*cursor == harness.live_count)
		*cursor = 0;
	return count;
}

/* The client with number 8 has come back, and who has IPv6. */
static inline bool belongs(void *ctx, unsigned target, struct publish_op *op)
{
	const struct addr back = numbered(8);

	(void)ctx;
	(void)target;
	return addr_equal(&op->addr, &back) || !addr_is_v4(&op->addr);
}

/* Of ten, one is confirmed; those behind the first hundred came back. */
static inline enum publisher_rank rank(void *ctx, const struct addr *addr)
{
	unsigned number = addr->bytes[14] * 256u + addr->bytes[15];

	(void)ctx;
	if (number % 10 == 0)
		return PUBLISHER_STAYS;
	return number < 100 ? PUBLISHER_SEEN_ONCE : PUBLISHER_CAME_BACK;
}

static inline void hold(bool holds)
{
	__atomic_store_n(&harness.events.holds, holds, __ATOMIC_SEQ_CST);
}

static inline void on_event(void *ctx, unsigned target, enum publisher_event event,
			    const char *what)
{
	struct events *events = ctx;

	cr_assert_lt(target, 2);
	pthread_mutex_lock(&events->lock);
	events->counts[event]++;
	snprintf(events->what, sizeof(events->what), "%s", what);
	pthread_mutex_unlock(&events->lock);
	while (event == PUBLISHER_RELIEVED && __atomic_load_n(&events->holds, __ATOMIC_SEQ_CST))
		sleep_ms(5);
}

static inline int try_to_start(unsigned target_count, unsigned deadline_ms)
{
	struct publisher_params params = {.name = "publisher",
					  .targets = harness.targets,
					  .target_count = target_count,
					  .worker_count = 2,
					  .deadline_ms = deadline_ms,
					  .marked = harness.marked,
					  .ctx = &harness.events,
					  .live = live,
					  .belongs = belongs,
					  .rank = rank,
					  .sizes = {1000},
					  .event = on_event};

	return publisher_start(&params, &harness.publisher);
}

static inline void start(unsigned target_count, unsigned deadline_ms)
{
	cr_assert_eq(try_to_start(target_count, deadline_ms), 0);
}

static inline void setup(void)
{
	memset(&harness, 0, sizeof(harness));
	pthread_mutex_init(&harness.events.lock, NULL);
	for (unsigned i = 0; i < 2; i++) {
		fake_init(&harness.fakes[i], i ? "second4" : "first4", i ? "second6" : "first6");
		harness.targets[i] = &harness.fakes[i].target;
	}
}

static inline void teardown(void)
{
	hold(false);
	publisher_stop(harness.publisher, NULL);
	harness.publisher = NULL;
}

TestSuite(publisher, .init = setup, .fini = teardown, .timeout = 120);

/* One burst of one item; @bits of targets that it is added to. */
static inline bool submit(unsigned worker, unsigned number, uint32_t bits)
{
	const struct publish_burst burst =
		{.count = 1, .items = {{.addr = numbered(number), .port = 40000, .add = bits}}};
	int rc = publisher_publish(harness.publisher, worker, &burst, true);

	cr_assert(rc == 0 || rc == -EAGAIN);
	return rc == 0;
}

static inline unsigned committed(struct fake *fake)
{
	unsigned count;

	pthread_mutex_lock(&fake->lock);
	count = (unsigned)fake->op_count;
	pthread_mutex_unlock(&fake->lock);
	return count;
}

static inline void set(struct fake *fake, int *field, int value)
{
	pthread_mutex_lock(&fake->lock);
	*field = value;
	pthread_mutex_unlock(&fake->lock);
}

static inline unsigned events_of(enum publisher_event event)
{
	unsigned count;

	pthread_mutex_lock(&harness.events.lock);
	count = harness.events.counts[event];
	pthread_mutex_unlock(&harness.events.lock);
	return count;
}

static inline struct publisher_stats stats(void)
{
	struct publisher_stats stats;

	publisher_get_stats(harness.publisher, &stats);
	return stats;
}

#endif
