/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single-producer, single-consumer rings; one eventfd wakes the reader of all of them. */
#include "publish/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ring {
	_Alignas(64) unsigned head; /* atomic; written by the worker */
	uint64_t lost; /* atomic */
	_Alignas(64) unsigned tail; /* atomic; written by the reader */
	struct feed_event *events;
};

struct feed {
	int fd;
	unsigned ring_count, capacity, next_ring;
	bool is_woken; /* atomic */
	struct feed_event *events;
	struct ring rings[];
};

struct feed *feed_new(unsigned workers, unsigned capacity)
{
	size_t size = sizeof(struct feed) + workers * sizeof(struct ring);
	struct feed *feed = aligned_alloc(_Alignof(struct feed), size);

	if (!feed)
		return NULL;
	memset(feed, 0, size);
	feed->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	feed->ring_count = workers;
	feed->capacity = capacity;
	feed->events = calloc((size_t)workers * capacity, sizeof(*feed->events));
	for (unsigned i = 0; i < workers; i++)
		feed->rings[i].events = feed->events + (size_t)i * capacity;
	if (feed->fd >= 0 && feed->events)
		return feed;
	feed_free(feed);
	return NULL;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	if (feed->fd >= 0)
		close(feed->fd);
	free(feed->events);
	free(feed);
}

void feed_push(struct feed *feed, unsigned worker, const struct feed_event *event)
{
	struct ring *ring = &feed->rings[worker];
	unsigned head = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

	if (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) == feed->capacity) {
		__atomic_fetch_add(&ring->lost, 1, __ATOMIC_RELAXED);
		return;
	}
	ring->events[head & (feed->capacity - 1)] = *event;
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

static void write_eventfd(const struct feed *feed)
{
	const uint64_t one = 1;

	if (write(feed->fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the reader is awake */
}

void feed_wake(struct feed *feed)
{
	if (!__atomic_exchange_n(&feed->is_woken, true, __ATOMIC_SEQ_CST))
		write_eventfd(feed);
}

int feed_fd(const struct feed *feed)
{
	return feed->fd;
}

static unsigned ring_drain(const struct feed *feed, struct ring *ring, unsigned max,
			   void (*fn)(void *ctx, const struct feed_event *event), void *ctx)
{
	unsigned tail = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED);
	unsigned waiting = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - tail;
	unsigned count = waiting < max ? waiting : max;

	for (unsigned i = 0; i < count; i++)
		fn(ctx, &ring->events[(tail + i) & (feed->capacity - 1)]);
	__atomic_store_n(&ring->tail, tail + count, __ATOMIC_RELEASE);
	return count;
}

bool feed_drain(struct feed *feed, unsigned max,
		void (*fn)(void *ctx, const struct feed_event *event), void *ctx,
		uint64_t *ret_lost)
{
	unsigned left = max;
	uint64_t woken;

	*ret_lost = 0;
	if (read(feed->fd, &woken, sizeof(woken)) < 0)
		woken = 0;
	__atomic_store_n(&feed->is_woken, false, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < feed->ring_count; i++) {
		struct ring *ring = &feed->rings[(feed->next_ring + i) % feed->ring_count];

		left -= ring_drain(feed, ring, left, fn, ctx);
		*ret_lost += __atomic_exchange_n(&ring->lost, 0, __ATOMIC_RELAXED);
	}
	feed->next_ring = feed->next_ring + 1 < feed->ring_count ? feed->next_ring + 1 : 0;
	if (left == 0)
		feed_wake(feed);
	return left == 0;
}
