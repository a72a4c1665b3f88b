/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listener and the timer that brings it back, told apart by their addresses in epoll's data. */
#include "control/acceptor.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define ACCEPTS_PER_TURN 64
#define PAUSE_NS 100000000 /* when descriptors have run out */

static int watch(const struct acceptor *acceptor, int op, const int *fd, uint32_t events)
{
	union {
		const int *in;
		void *out; /* epoll only hands it back */
	} data = {.in = fd};
	struct epoll_event event = {.events = events, .data.ptr = data.out};

	return epoll_ctl(acceptor->epoll_fd, op, *fd, &event) < 0 ? -errno : 0;
}

static void set_paused(struct acceptor *acceptor, bool is_paused)
{
	if (acceptor->is_paused == is_paused)
		return;
	acceptor->is_paused = is_paused;
	watch(acceptor, EPOLL_CTL_MOD, &acceptor->listener.fd, is_paused ? 0 : EPOLLIN);
}

void acceptor_resume(struct acceptor *acceptor)
{
	set_paused(acceptor, false);
}

/* Descriptors may come back anywhere in the process, so a timer tries again. */
static void pause_accepting(struct acceptor *acceptor)
{
	struct itimerspec when = {.it_value.tv_nsec = PAUSE_NS};

	set_paused(acceptor, true);
	timerfd_settime(acceptor->timer_fd, 0, &when, NULL);
}

static void accept_some(struct acceptor *acceptor, void (*add)(void *ctx, int fd), void *ctx)
{
	for (unsigned i = 0; i < ACCEPTS_PER_TURN; i++) {
		int fd = accept4(acceptor->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			add(ctx, fd);
			continue;
		}
		if (errno != EAGAIN)
			pause_accepting(acceptor);
		return;
	}
}

bool acceptor_owns(const struct acceptor *acceptor, const void *data)
{
	return data == &acceptor->listener.fd || data == &acceptor->timer_fd;
}

void acceptor_handle(struct acceptor *acceptor, const void *data, void (*add)(void *ctx, int fd),
		     void *ctx)
{
	uint64_t expirations;

	if (data == &acceptor->listener.fd)
		accept_some(acceptor, add, ctx);
	else if (data == &acceptor->timer_fd &&
		 read(acceptor->timer_fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		set_paused(acceptor, false);
}

void acceptor_dispatch(struct acceptor *acceptor,
		       void (*serve)(void *ctx, void *data, uint32_t events),
		       void (*add)(void *ctx, int fd), void *ctx)
{
	struct epoll_event events[64];
	int count = epoll_wait(acceptor->epoll_fd, events, sizeof(events) / sizeof(*events), 0);

	for (int i = 0; i < count; i++)
		if (!acceptor_owns(acceptor, events[i].data.ptr))
			serve(ctx, events[i].data.ptr, events[i].events);
	for (int i = 0; i < count; i++)
		acceptor_handle(acceptor, events[i].data.ptr, add, ctx);
}

int acceptor_check(struct acceptor *acceptor, struct text_error *ret_error)
{
	struct listener again;
	bool was_lost = acceptor->is_lost;
	int rc;

	if (listener_is_there(&acceptor->listener)) {
		acceptor->is_lost = false;
		return 0;
	}
	acceptor->is_lost = true;
	rc = listener_renew(&acceptor->listener, ret_error, &again);
	if (rc < 0)
		return was_lost ? 0 : rc;
	close(acceptor->listener.fd);
	acceptor->listener = again;
	acceptor->is_lost = acceptor->is_paused = false;
	rc = watch(acceptor, EPOLL_CTL_ADD, &acceptor->listener.fd, EPOLLIN);
	return rc < 0 ? rc : 1;
}

static int listen_at(const struct acceptor_params *params, struct text_error *ret_error,
		     struct listener *ret_listener)
{
	if (params->path)
		return listener_open(params->path, params->mode, params->group, ret_error,
				     ret_listener);
	return listener_adopt(params->listen_fd, ret_error, ret_listener);
}

int acceptor_open(const struct acceptor_params *params, int epoll_fd, struct text_error *ret_error,
		  struct acceptor *ret_acceptor)
{
	struct acceptor *acceptor = ret_acceptor;
	int rc;

	*acceptor = (struct acceptor){.listener.fd = -1, .epoll_fd = epoll_fd, .timer_fd = -1};
	rc = listen_at(params, ret_error, &acceptor->listener);
	if (rc < 0)
		return rc;
	acceptor->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	rc = acceptor->timer_fd < 0 ? -errno : 0;
	rc = rc ? rc : watch(acceptor, EPOLL_CTL_ADD, &acceptor->timer_fd, EPOLLIN);
	rc = rc ? rc : watch(acceptor, EPOLL_CTL_ADD, &acceptor->listener.fd, EPOLLIN);
	if (rc < 0) {
		text_error_set(ret_error, 0, 0, "cannot serve a socket: %s", strerror(-rc));
		acceptor_close(acceptor);
	}
	return rc;
}

void acceptor_close(struct acceptor *acceptor)
{
	if (acceptor->listener.fd >= 0)
		listener_close(&acceptor->listener);
	if (acceptor->timer_fd >= 0)
		close(acceptor->timer_fd);
	acceptor->listener.fd = acceptor->timer_fd = -1;
}
