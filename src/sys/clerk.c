/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A detached thread, which ends when nothing is left to do. */
#include "sys/clerk.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/clock.h"
#include "sys/file.h"
#include "sys/log.h"

struct order {
	char *path; /* NULL: none */
	char *text; /* NULL: remove the file */
	size_t len;
};

struct clerk {
	bool is_durable;
	bool has_written; /* the thread's: the file is there, and ours */
	struct log_limit limit;
	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t idle;
	struct order next;
	bool is_busy; /* there is a thread */
	int rc;
};

struct clerk *clerk_new(bool is_durable)
{
	struct clerk *clerk = calloc(1, sizeof(*clerk));

	if (!clerk)
		return NULL;
	clerk->is_durable = is_durable;
	pthread_mutex_init(&clerk->lock, NULL);
	clock_cond_init(&clerk->idle);
	return clerk;
}

static void order_free(struct order *order)
{
	free(order->path);
	free(order->text);
	*order = (struct order){0};
}

static void remove_file(struct clerk *clerk, const char *path)
{
	if (clerk->has_written && unlink(path) < 0 && errno != ENOENT)
		log_line(LOG_LEVEL_WARNING,
			 "cannot remove %s (%s); what it says is old from now on", path,
			 strerror(errno));
	clerk->has_written = false;
}

static int write_file(struct clerk *clerk, const struct order *order)
{
	int rc;

	if (clerk->is_durable)
		file_make_directory(order->path);
	rc = file_replace(order->path, order->text, order->len, clerk->is_durable);
	if (rc == 0)
		clerk->has_written = true;
	else
		log_limited(&clerk->limit, LOG_LEVEL_WARNING,
			    "cannot write %s (%s); what it has is kept, and it is tried again",
			    order->path, file_error_text(rc));
	return rc;
}

/* Returns what is known of the file then. */
static int carry_out(struct clerk *clerk, const struct order *order)
{
	if (order->text)
		return write_file(clerk, order);
	remove_file(clerk, order->path);
	return 0;
}

static void *clerk_main(void *arg)
{
	struct clerk *clerk = arg;

	pthread_setname_np(pthread_self(), "clerk");
	pthread_mutex_lock(&clerk->lock);
	while (clerk->next.path) {
		struct order order = clerk->next;
		int rc;

		clerk->next = (struct order){0};
		pthread_mutex_unlock(&clerk->lock);
		rc = carry_out(clerk, &order);
		order_free(&order);
		pthread_mutex_lock(&clerk->lock);
		clerk->rc = rc;
	}
	clerk->is_busy = false;
	pthread_cond_broadcast(&clerk->idle);
	pthread_mutex_unlock(&clerk->lock); /* the last that it does with it: clerk_close() */
	return NULL;
}

static int start_thread(struct clerk *clerk)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = -pthread_create(&thread, &attr, clerk_main, clerk);
	pthread_attr_destroy(&attr);
	clerk->is_busy = rc == 0;
	return rc;
}

/* Under the lock. */
static int take_order(struct clerk *clerk, const struct order *order)
{
	int rc = clerk->next.path && strcmp(clerk->next.path, order->path) != 0 ? -EBUSY : 0;

	if (rc < 0)
		return rc;
	order_free(&clerk->next);
	clerk->next = *order;
	rc = clerk->is_busy ? 0 : start_thread(clerk);
	if (rc < 0)
		clerk->next = (struct order){0};
	return rc;
}

int clerk_write(struct clerk *clerk, const char *path, char *text, size_t len)
{
	struct order order = {.path = strdup(path), .text = text, .len = len};
	int rc = -ENOMEM;

	if (order.path) {
		pthread_mutex_lock(&clerk->lock);
		rc = take_order(clerk, &order);
		if (rc < 0 && rc != -EBUSY)
			clerk->rc = rc;
		pthread_mutex_unlock(&clerk->lock);
	}
	if (rc < 0)
		order_free(&order);
	return rc;
}

int clerk_get_error(struct clerk *clerk)
{
	int rc;

	if (!clerk)
		return 0;
	pthread_mutex_lock(&clerk->lock);
	rc = clerk->rc;
	pthread_mutex_unlock(&clerk->lock);
	return rc;
}

bool clerk_wait(struct clerk *clerk, int max_ms)
{
	struct timespec until = clock_in_ms(max_ms < 0 ? 0 : (uint64_t)max_ms);
	bool is_done;
	int rc = 0;

	pthread_mutex_lock(&clerk->lock);
	while (clerk->is_busy && rc != ETIMEDOUT)
		rc = max_ms < 0 ? pthread_cond_wait(&clerk->idle, &clerk->lock)
				: pthread_cond_timedwait(&clerk->idle, &clerk->lock, &until);
	is_done = !clerk->is_busy;
	pthread_mutex_unlock(&clerk->lock);
	return is_done;
}

void clerk_close(struct clerk *clerk, int max_ms)
{
	if (!clerk)
		return;
	if (!clerk_wait(clerk, max_ms)) {
		log_line(LOG_LEVEL_WARNING,
			 "a disk takes no file for %d s; what was not written is lost",
			 max_ms / 1000);
		return; /* the thread has it */
	}
	pthread_cond_destroy(&clerk->idle);
	pthread_mutex_destroy(&clerk->lock);
	free(clerk);
}
