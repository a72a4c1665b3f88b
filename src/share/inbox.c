/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring under one lock, and an eventfd for whoever waits in a poll. */
#include "share/inbox.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LETTERS 4096 /* 5 MB: a tenth of a second of what one broker can send */

struct inbox {
	int fd;
	bool is_closed;
	pthread_mutex_t lock;
	pthread_cond_t has_room;
	unsigned first, count;
	struct letter letters[LETTERS];
};

struct inbox *inbox_new(void)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox)
		return NULL;
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (inbox->fd < 0) {
		free(inbox);
		return NULL;
	}
	pthread_mutex_init(&inbox->lock, NULL);
	pthread_cond_init(&inbox->has_room, NULL);
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	if (!inbox)
		return;
	close(inbox->fd);
	pthread_cond_destroy(&inbox->has_room);
	pthread_mutex_destroy(&inbox->lock);
	free(inbox);
}

int inbox_fd(const struct inbox *inbox)
{
	return inbox->fd;
}

void inbox_ring(struct inbox *inbox)
{
	eventfd_write(inbox->fd, 1);
}

void inbox_quiet(struct inbox *inbox)
{
	eventfd_t rings;

	eventfd_read(inbox->fd, &rings);
}

/* Only what is used of it: most letters fill a sixth of their room. */
static void copy_letter(struct letter *to, const struct letter *from)
{
	size_t kept = from->len < sizeof(from->payload) ? from->len : sizeof(from->payload);

	memcpy(to, from, offsetof(struct letter, payload) + kept);
}

/* Who finds letters there is awake, or will be: only the first one rings. */
void inbox_put(struct inbox *inbox, const struct letter *letter)
{
	bool is_first;

	pthread_mutex_lock(&inbox->lock);
	while (inbox->count == LETTERS && !inbox->is_closed)
		pthread_cond_wait(&inbox->has_room, &inbox->lock);
	is_first = !inbox->count;
	if (!inbox->is_closed)
		copy_letter(&inbox->letters[(inbox->first + inbox->count++) % LETTERS], letter);
	pthread_mutex_unlock(&inbox->lock);
	if (is_first)
		inbox_ring(inbox);
}

bool inbox_take(struct inbox *inbox, struct letter *ret_letter)
{
	bool has_one;

	pthread_mutex_lock(&inbox->lock);
	has_one = inbox->count > 0;
	if (has_one) {
		copy_letter(ret_letter, &inbox->letters[inbox->first]);
		inbox->first = (inbox->first + 1) % LETTERS;
		if (--inbox->count == LETTERS / 2)
			pthread_cond_broadcast(&inbox->has_room);
	}
	pthread_mutex_unlock(&inbox->lock);
	return has_one;
}

void inbox_close(struct inbox *inbox)
{
	pthread_mutex_lock(&inbox->lock);
	inbox->is_closed = true;
	pthread_cond_broadcast(&inbox->has_room);
	pthread_mutex_unlock(&inbox->lock);
}
