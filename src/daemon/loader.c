/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread for each load, which sets off a timer as its last act. */
#include "daemon/loader.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "knowledge/learned.h"
#include "sys/log.h"

int loader_open(struct loader *loader, struct learned *learned)
{
	*loader = (struct loader){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
				  .learned = learned};
	return loader->fd < 0 ? -errno : 0;
}

void loader_ring(struct loader *loader, unsigned ms)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 + 1}};

	timerfd_settime(loader->fd, 0, &when, NULL);
}

static void *loader_main(void *arg)
{
	struct loader *loader = arg;
	char *what = loader->error.what;

	if (loader->learned)
		learned_wait(loader->learned);
	generation_load(&loader->source, loader->vocab, what, sizeof(loader->error.what),
			&loader->loaded);
	loader_ring(loader, 0);
	return NULL;
}

void loader_start(struct loader *loader, const struct generation_source *source,
		  struct vocab *vocab)
{
	int rc;

	loader->source = *source;
	loader->vocab = vocab;
	loader->loaded = NULL;
	loader->error = (struct text_error){.what = ""};
	loader->is_busy = true;
	rc = pthread_create(&loader->thread, NULL, loader_main, loader);
	loader->has_thread = rc == 0;
	if (rc == 0) {
		pthread_setname_np(loader->thread, "loader");
		return;
	}
	text_error_set(&loader->error, 0, 0, "cannot start a thread: %s", strerror(rc));
	loader_ring(loader, 0);
}

/* And the descriptor is readable no more. */
static void join(struct loader *loader)
{
	uint64_t expirations;

	if (loader->has_thread)
		pthread_join(loader->thread, NULL);
	loader->has_thread = false;
	while (read(loader->fd, &expirations, sizeof(expirations)) > 0)
		continue;
}

bool loader_has(struct loader *loader)
{
	join(loader);
	return loader->loaded;
}

int loader_finish(struct loader *loader, struct text_error *ret_error,
		  struct generation **ret_generation)
{
	join(loader);
	loader->is_busy = false;
	if (!loader->loaded) {
		*ret_error = loader->error;
		return -EINVAL;
	}
	*ret_generation = loader->loaded;
	return 0;
}

/* It rings as its last act. */
static bool has_ended(const struct loader *loader, unsigned max_ms)
{
	struct pollfd bell = {.fd = loader->fd, .events = POLLIN};

	return !loader->has_thread || poll(&bell, 1, (int)max_ms) > 0;
}

bool loader_close(struct loader *loader, unsigned max_ms)
{
	struct generation *generation;
	struct text_error error;

	if (!has_ended(loader, max_ms)) {
		log_line(LOG_LEVEL_WARNING,
			 "a reload has not ended for %u s of the stop, as where a disk stands "
			 "still: it "
			 "is given up",
			 max_ms / 1000);
		return false;
	}
	if (loader->is_busy && loader_finish(loader, &error, &generation) == 0)
		generation_free(generation);
	if (loader->fd >= 0)
		close(loader->fd);
	loader->fd = -1;
	return true;
}
