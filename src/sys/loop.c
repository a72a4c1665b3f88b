/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event loop over epoll. A handful of sources, so a fixed array of them. */
#include "sys/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SOURCES_MAX 24
#define EVENTS_MAX 16

enum source_kind { SOURCE_FD, SOURCE_TIMER, SOURCE_SIGNAL };

struct source {
	enum source_kind kind;
	int fd;
	loop_fn *fn;
	void *ctx;
};

struct loop {
	int epoll_fd;
	bool is_stopped;
	unsigned source_count;
	struct source sources[SOURCES_MAX];
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (unsigned i = 0; i < loop->source_count; i++)
		if (loop->sources[i].kind != SOURCE_FD)
			close(loop->sources[i].fd);
	close(loop->epoll_fd);
	free(loop);
}

static int add_source(struct loop *loop, enum source_kind kind, int fd, loop_fn *fn, void *ctx)
{
	struct source *source = &loop->sources[loop->source_count];
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

	if (loop->source_count == SOURCES_MAX)
		return -ENOSPC;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		return -errno;
	*source = (struct source){kind, fd, fn, ctx};
	loop->source_count++;
	return 0;
}

/* As add_source(), for a descriptor that the loop owns from here on. */
static int add_owned(struct loop *loop, enum source_kind kind, int fd, loop_fn *fn, void *ctx)
{
	int rc;

	if (fd < 0)
		return -errno;
	rc = add_source(loop, kind, fd, fn, ctx);
	if (rc < 0)
		close(fd);
	return rc;
}

int loop_add_fd(struct loop *loop, int fd, loop_fn *fn, void *ctx)
{
	return add_source(loop, SOURCE_FD, fd, fn, ctx);
}

int loop_add_timer(struct loop *loop, unsigned interval_ms, loop_fn *fn, void *ctx)
{
	struct timespec interval = {.tv_sec = interval_ms / 1000,
				    .tv_nsec = (long)(interval_ms % 1000) * 1000000};
	struct itimerspec spec = {.it_interval = interval, .it_value = interval};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && timerfd_settime(fd, 0, &spec, NULL) < 0) {
		int saved = errno;

		close(fd);
		return -saved;
	}
	return add_owned(loop, SOURCE_TIMER, fd, fn, ctx);
}

int loop_add_signal(struct loop *loop, int signo, loop_fn *fn, void *ctx)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	return add_owned(loop, SOURCE_SIGNAL, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), fn,
			 ctx);
}

/* Takes what the source has pending; false where there is nothing after all. */
static bool source_consume(const struct source *source)
{
	struct signalfd_siginfo info;
	uint64_t expirations;

	switch (source->kind) {
	case SOURCE_FD: return true;
	case SOURCE_TIMER: return read(source->fd, &expirations, sizeof(expirations)) > 0;
	case SOURCE_SIGNAL: return read(source->fd, &info, sizeof(info)) > 0;
	}
	return false;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[EVENTS_MAX];

	while (!loop->is_stopped) {
		int count = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, -1);

		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count && !loop->is_stopped; i++) {
			const struct source *source = events[i].data.ptr;

			if (source_consume(source))
				source->fn(source->ctx);
		}
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}
