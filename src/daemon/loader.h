/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading configuration and databases for a reload, in a thread of its own: a large database takes
 * seconds, in which the main thread serves the sockets. One load at a time.
 */
#ifndef SYNPRINT_DAEMON_LOADER_H
#define SYNPRINT_DAEMON_LOADER_H

#include <pthread.h>

#include "daemon/packets/generation.h"

struct loader {
	int fd; /* readable when a load has ended; a timer's */
	bool is_busy; /* from loader_start() to loader_finish() */
	bool has_thread;
	pthread_t thread;
	struct generation_source source;
	struct vocab *vocab;
	struct learned *learned; /* its file is written before it is read; NULL: none */
	struct generation *loaded; /* NULL: the error says why */
	struct text_error error;
};

/** loader_open() - Return: 0 or -errno. */
int loader_open(struct loader *loader, struct learned *learned);

/**
 * loader_start() - begin a load; what goes wrong is told by loader_finish().
 * @source: what it points to outlives the load
 * @vocab: where the words go; nobody else adds any meanwhile
 */
void loader_start(struct loader *loader, const struct generation_source *source,
		  struct vocab *vocab);

/** loader_has() - whether the load, which has ended, brought something to be taken. */
bool loader_has(struct loader *loader);

/** loader_ring() - the descriptor is readable again in @ms: what was loaded is taken later. */
void loader_ring(struct loader *loader, unsigned ms);

/**
 * loader_finish() - take what was loaded, for which it waits where the load has not ended.
 * Return: 0, or -EINVAL with the reason.
 */
int loader_finish(struct loader *loader, struct text_error *ret_error,
		  struct generation **ret_generation);

/**
 * loader_close() - wait for a load, for @max_ms at the most, and drop it.
 * Return: false where it has not ended: then the thread has all that it was given until the process ends.
 */
bool loader_close(struct loader *loader, unsigned max_ms);

#endif
