/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single-producer, single-consumer rings; one eventfd wakes the reader of all of them. */
#include "publish/feed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ring {
	_Alignas(64) atomic_uint head; /* written by the worker */
	atomic_ulong lost;
	_Alignas(64) atomic_uint tail; /* written by the reader */
	struct feed_event *events;
};

struct feed {
	int fd;
	unsigned ring_count, capacity, next_ring;
	atomic_bool is_woken;
	struct feed_event *events;
	struct ring *rings;
};

struct feed *feed_new(unsigned workers, unsigned capacity)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed)
		return NULL;
	feed->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	feed->ring_count = workers;
	feed->capacity = capacity;
	feed->events = calloc((size_t)workers * capacity, sizeof(*feed->events));
	feed->rings = aligned_alloc(_Alignof(struct ring), workers * sizeof(*feed->rings));
	if (feed->fd < 0 || !feed->events || !feed->rings) {
		feed_free(feed);
		return NULL;
	}
	for (unsigned i = 0; i < workers; i++) {
		struct ring *ring = &feed->rings[i];

		atomic_init(&ring->head, 0);
		atomic_init(&ring->tail, 0);
		atomic_init(&ring->lost, 0);
		ring->events = feed->events + (size_t)i * capacity;
	}
	return feed;
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	if (feed->fd >= 0)
		close(feed->fd);
	free(feed->rings);
	free(feed->events);
	free(feed);
}

void feed_push(struct feed *feed, unsigned worker, const struct feed_event *event)
{
	struct ring *ring = &feed->rings[worker];
	unsigned head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == feed->capacity) {
		atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
		return;
	}
	ring->events[head & (feed->capacity - 1)] = *event;
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static void write_eventfd(const struct feed *feed)
{
	const uint64_t one = 1;

	if (write(feed->fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the reader is awake */
}

void feed_wake(struct feed *feed)
{
	if (!atomic_exchange(&feed->is_woken, true))
		write_eventfd(feed);
}

int feed_fd(const struct feed *feed)
{
	return feed->fd;
}

static unsigned ring_drain(const struct feed *feed, struct ring *ring, unsigned max,
			   void (*fn)(void *ctx, const struct feed_event *event), void *ctx)
{
	unsigned tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	unsigned waiting = atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
	unsigned count = waiting < max ? waiting : max;

	for (unsigned i = 0; i < count; i++)
		fn(ctx, &ring->events[(tail + i) & (feed->capacity - 1)]);
	atomic_store_explicit(&ring->tail, tail + count, memory_order_release);
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
	atomic_store(&feed->is_woken, false);
	for (unsigned i = 0; i < feed->ring_count; i++) {
		struct ring *ring = &feed->rings[(feed->next_ring + i) % feed->ring_count];

		left -= ring_drain(feed, ring, left, fn, ctx);
		*ret_lost += atomic_exchange_explicit(&ring->lost, 0, memory_order_relaxed);
	}
	feed->next_ring = feed->next_ring + 1 < feed->ring_count ? feed->next_ring + 1 : 0;
	if (left == 0)
		feed_wake(feed);
	return left == 0;
}
