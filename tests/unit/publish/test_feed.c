/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>

#include "publish/feed.h"

#define WORKERS 3
#define CAPACITY 8

struct seen {
	unsigned count;
	uint32_t last[WORKERS]; /* number of each worker's newest event */
	bool is_in_order;
};

static struct feed *feed;
static struct seen seen;

static void setup(void)
{
	feed = feed_new(WORKERS, CAPACITY);
	cr_assert_not_null(feed);
	seen = (struct seen){.is_in_order = true};
}

static void teardown(void)
{
	feed_free(feed);
}

TestSuite(feed, .init = setup, .fini = teardown, .timeout = 120);

/* The worker stands in now_ms, the event's number in syn_count; both again in the SYN. */
static void push(struct feed *to, unsigned worker, uint32_t number)
{
	struct feed_event event = {.now_ms = worker,
				   .syn_count = number,
				   .syn = {.seq = number, .src_port = (uint16_t)worker}};

	feed_push(to, worker, &event);
}

static void note(void *ctx, const struct feed_event *event)
{
	struct seen *into = ctx;

	if (event->syn.seq != event->syn_count || event->syn.src_port != event->now_ms ||
	    event->syn_count <= into->last[event->now_ms])
		into->is_in_order = false;
	into->last[event->now_ms] = event->syn_count;
	into->count++;
}

static bool is_readable(void)
{
	struct pollfd ready = {.fd = feed_fd(feed), .events = POLLIN};

	return poll(&ready, 1, 0) == 1;
}

Test(feed, in_the_order_of_each_worker)
{
	uint64_t lost = 1;

	for (uint32_t number = 1; number <= CAPACITY; number++)
		for (unsigned worker = 0; worker < WORKERS; worker++)
			push(feed, worker, number);
	cr_expect_not(feed_drain(feed, 1000, note, &seen, &lost));
	cr_expect_eq(seen.count, WORKERS * CAPACITY);
	cr_expect(seen.is_in_order);
	cr_expect_eq(lost, 0);
	cr_expect_not(feed_drain(feed, 1000, note, &seen, &lost));
	cr_expect_eq(seen.count, WORKERS * CAPACITY, "each event comes once");
}

Test(feed, wakes_its_reader)
{
	uint64_t lost;

	cr_expect_not(is_readable());
	push(feed, 0, 1);
	feed_wake(feed);
	feed_wake(feed);
	cr_expect(is_readable());
	feed_drain(feed, 10, note, &seen, &lost);
	cr_expect_not(is_readable());
	push(feed, 1, 1);
	feed_wake(feed);
	cr_expect(is_readable());
}

Test(feed, drains_in_portions)
{
	uint64_t lost;
	unsigned rounds = 0;

	for (unsigned worker = 0; worker < WORKERS; worker++)
		for (uint32_t number = 1; number <= 5; number++)
			push(feed, worker, number);
	feed_wake(feed);
	while (feed_drain(feed, 4, note, &seen, &lost)) {
		cr_assert(is_readable(), "there is more");
		cr_assert_lt(rounds++, 10);
	}
	cr_expect_eq(rounds, 3);
	cr_expect_eq(seen.count, 15);
	cr_expect(seen.is_in_order);
	cr_expect_not(is_readable());
}

Test(feed, a_full_ring_loses_and_counts)
{
	uint64_t lost;

	for (uint32_t number = 1; number <= CAPACITY + 5; number++)
		push(feed, 0, number);
	push(feed, 1, 1);
	feed_drain(feed, 1000, note, &seen, &lost);
	cr_expect_eq(seen.count, CAPACITY + 1);
	cr_expect_eq(seen.last[0], CAPACITY, "the oldest are kept");
	cr_expect_eq(lost, 5);
	feed_drain(feed, 1000, note, &seen, &lost);
	cr_expect_eq(lost, 0, "told once");
	push(feed, 0, CAPACITY + 6);
	feed_drain(feed, 1000, note, &seen, &lost);
	cr_expect_eq(seen.last[0], CAPACITY + 6, "and then there is room again");
}

#define MANY 200000u

static void *push_many(void *arg)
{
	unsigned worker = (unsigned)(uintptr_t)arg;

	for (uint32_t number = 1; number <= MANY; number++) {
		push(feed, worker, number);
		feed_wake(feed);
	}
	return NULL;
}

Test(feed, every_event_of_many_threads_comes_or_is_counted)
{
	pthread_t threads[WORKERS];
	uint64_t lost, all_lost = 0;

	for (uintptr_t worker = 0; worker < WORKERS; worker++)
		cr_assert_eq(pthread_create(&threads[worker], NULL, push_many, (void *)worker), 0);
	while (seen.count + all_lost < WORKERS * MANY) {
		struct pollfd ready = {.fd = feed_fd(feed), .events = POLLIN};

		cr_assert_eq(poll(&ready, 1, 10000), 1, "the reader sleeps while events wait");
		feed_drain(feed, 5, note, &seen, &lost);
		all_lost += lost;
	}
	for (unsigned worker = 0; worker < WORKERS; worker++)
		pthread_join(threads[worker], NULL);
	cr_expect_eq(seen.count + all_lost, WORKERS * MANY);
	cr_expect(seen.is_in_order);
	cr_expect_gt(seen.count, 0);
}

Test(feed, free_takes_null)
{
	feed_free(NULL);
}
