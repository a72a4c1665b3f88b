/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests that wait in a ring in the order of their answers. One that is given up keeps its place,
 * so that its late answer is not taken for the next one's. An epoll descriptor holds the connection
 * and a timer, so that the caller sees one descriptor however often the connection is made anew.
 */
#include "synprint/async.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/connection.h"

#define WAITING_MAX 4096
#define OUT_MAX (1024 * 1024) /* bytes of requests that the daemon has not taken yet */
#define LINES_PER_TURN 1024
#define RETRY_MS 100 /* between two tries of requests to connect */
#define SUBSCRIBE_RETRY_MS 1000
#define LATE_MS 2000 /* after its timeout a connection whose answers do not come is closed */

struct waiting {
	synprint_line_fn *fn; /* NULL: given up */
	void *ctx;
	int64_t until_ms;
};

struct synprint_async {
	char *path, *subscription; /* NULL: the default; no subscription */
	unsigned timeout_ms;
	int epoll_fd, timer_fd;
	struct synprint *conn; /* NULL: there is none */
	int64_t retry_ms; /* not before is it tried again */
	int64_t alarm_ms; /* when the timer ends, if it is armed */
	bool is_armed, wants_out, is_paused;
	char *out; /* OUT_MAX bytes, of which [out_start, out_end) are to be sent */
	size_t out_start, out_end;
	struct waiting *ring; /* count from first on, of which given_up have no one who waits */
	unsigned first, count, given_up;
	synprint_line_fn *event_fn;
	void *event_ctx;
};

static struct waiting *waiting_at(struct synprint_async *async, unsigned number)
{
	return &async->ring[(async->first + number) % WAITING_MAX];
}

static void arm_timer(struct synprint_async *async, int64_t at_ms)
{
	struct itimerspec when = {
		.it_value = {.tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000}};

	async->alarm_ms = at_ms;
	async->is_armed = timerfd_settime(async->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0;
}

/* For whoever waits longest, or else for the end of our patience with the connection. */
static void arm_for_waiting(struct synprint_async *async)
{
	if (async->is_armed || !async->count)
		return;
	arm_timer(async, async->given_up < async->count
				 ? waiting_at(async, async->given_up)->until_ms
				 : waiting_at(async, 0)->until_ms + LATE_MS);
}

static int watch_conn(struct synprint_async *async, int op)
{
	struct epoll_event event = {.events = (async->is_paused ? 0u : (unsigned)EPOLLIN) |
					      (async->wants_out ? (unsigned)EPOLLOUT : 0u)};

	return epoll_ctl(async->epoll_fd, op, synprint_fd(async->conn), &event) < 0 ? -errno : 0;
}

static int connect_now(struct synprint_async *async, int64_t now_ms, unsigned retry_ms)
{
	int rc;

	if (now_ms < async->retry_ms)
		return -ECONNREFUSED;
	async->retry_ms = now_ms + retry_ms;
	rc = client_open(async->path, 0, async->timeout_ms, &async->conn);
	if (rc < 0)
		return rc;
	async->wants_out = false;
	rc = watch_conn(async, EPOLL_CTL_ADD);
	if (rc < 0) {
		synprint_close(async->conn);
		async->conn = NULL;
	}
	return rc;
}

static void tell_all(struct synprint_async *async, int rc)
{
	/* Who asks again when told is not told with the others. */
	for (unsigned left = async->count; left; left--) {
		struct waiting waiting = *waiting_at(async, 0);

		async->first = (async->first + 1) % WAITING_MAX;
		async->count--;
		if (async->given_up)
			async->given_up--;
		if (waiting.fn)
			waiting.fn(waiting.ctx, rc, NULL);
	}
}

/* Nothing of the old connection's is left when the first of those who waited is told. */
static void break_conn(struct synprint_async *async, int rc)
{
	synprint_close(async->conn);
	async->conn = NULL;
	async->out_start = async->out_end = 0;
	tell_all(async, rc);
	if (!async->subscription)
		return;
	async->event_fn(async->event_ctx, rc, NULL);
	async->retry_ms = client_monotonic_ms() + SUBSCRIBE_RETRY_MS;
	arm_timer(async, async->retry_ms);
}

static int put_out(struct synprint_async *async, const char *line)
{
	size_t len = strlen(line);

	if (len + 1 > OUT_MAX - async->out_end && async->out_start) {
		memmove(async->out, async->out + async->out_start,
			async->out_end - async->out_start);
		async->out_end -= async->out_start;
		async->out_start = 0;
	}
	if (len + 1 > OUT_MAX - async->out_end)
		return -EAGAIN;
	memcpy(async->out + async->out_end, line, len);
	async->out[async->out_end + len] = '\n';
	async->out_end += len + 1;
	return 0;
}

SYNPRINT_API int synprint_async_request(struct synprint_async *async, const char *request,
					synprint_line_fn *fn, void *ctx)
{
	int64_t now_ms = client_monotonic_ms();
	int rc = async->count == WAITING_MAX || async->given_up ? -EAGAIN : 0;

	if (rc == 0 && !async->conn)
		rc = connect_now(async, now_ms, RETRY_MS);
	if (rc == 0)
		rc = put_out(async, request);
	if (rc < 0)
		return rc;
	*waiting_at(async, async->count++) = (struct waiting){fn, ctx, now_ms + async->timeout_ms};
	arm_for_waiting(async);
	return 0;
}

/* Return: 0, also where the daemon does not take all of it now; -errno. */
static int flush(struct synprint_async *async)
{
	bool wants_out;

	while (async->out_start < async->out_end) {
		ssize_t n = send(synprint_fd(async->conn), async->out + async->out_start,
				 async->out_end - async->out_start, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		async->out_start += n > 0 ? (size_t)n : 0;
	}
	wants_out = async->out_start < async->out_end;
	if (!wants_out)
		async->out_start = async->out_end = 0;
	if (wants_out == async->wants_out)
		return 0;
	async->wants_out = wants_out;
	return watch_conn(async, EPOLL_CTL_MOD);
}

static void take_line(struct synprint_async *async, const char *line)
{
	struct waiting waiting;

	if (!async->count) {
		if (async->subscription)
			async->event_fn(async->event_ctx, 0, line);
		return;
	}
	waiting = *waiting_at(async, 0);
	async->first = (async->first + 1) % WAITING_MAX;
	async->count--;
	if (async->given_up)
		async->given_up--;
	if (waiting.fn)
		waiting.fn(waiting.ctx, 0, line);
}

/* epoll tells of it whether or not anything is asked for, so it has to be taken notice of. */
static bool is_gone(const struct synprint_async *async)
{
	struct pollfd peer = {.fd = synprint_fd(async->conn)};

	return poll(&peer, 1, 0) > 0 && peer.revents & (POLLHUP | POLLERR);
}

/* Return: 1 where more lines wait in our own memory; 0; -errno. */
static int take_lines(struct synprint_async *async)
{
	const char *line;
	unsigned taken = 0;
	int rc = 0;

	if (async->is_paused)
		return is_gone(async) ? -EPIPE : 0;
	while (rc == 0 && !async->is_paused && taken < LINES_PER_TURN) {
		rc = synprint_receive_line(async->conn, 0, &line);
		if (rc == 0)
			take_line(async, line);
		taken++;
	}
	if (rc == 0 && taken == LINES_PER_TURN) {
		/* What was read already makes no descriptor readable. */
		arm_timer(async, client_monotonic_ms());
		return 1;
	}
	return rc == -ETIMEDOUT ? 0 : rc;
}

static void take_subscribed(void *ctx, int rc, const char *line)
{
	struct synprint_async *async = ctx;

	if (rc == 0 && strncmp(line, "{\"ok\":true", 10) != 0)
		async->event_fn(async->event_ctx, -EINVAL, line);
}

static void subscribe_now(struct synprint_async *async, int64_t now_ms)
{
	int rc = connect_now(async, now_ms, SUBSCRIBE_RETRY_MS);

	if (rc == 0)
		rc = synprint_async_request(async, async->subscription, take_subscribed, async);
	if (rc < 0)
		arm_timer(async, async->retry_ms);
}

static void take_timer(struct synprint_async *async)
{
	int64_t now_ms = client_monotonic_ms();
	uint64_t expirations;

	if (read(async->timer_fd, &expirations, sizeof(expirations)) < 0)
		return; /* not yet, by its own clock */
	async->is_armed = false;
	while (async->given_up < async->count) {
		struct waiting *waiting = waiting_at(async, async->given_up), late = *waiting;

		if (late.until_ms > now_ms)
			break;
		waiting->fn = NULL;
		async->given_up++;
		if (late.fn)
			late.fn(late.ctx, -ETIMEDOUT, NULL);
	}
	if (async->count && now_ms >= waiting_at(async, 0)->until_ms + LATE_MS)
		break_conn(async, -ETIMEDOUT);
	if (async->subscription && !async->conn && now_ms >= async->retry_ms)
		subscribe_now(async, now_ms);
	arm_for_waiting(async);
}

SYNPRINT_API void synprint_async_dispatch(struct synprint_async *async)
{
	int rc = 0;

	if (async->conn)
		rc = flush(async);
	if (async->conn && rc == 0)
		rc = take_lines(async);
	if (rc < 0)
		break_conn(async, rc);
	if (rc <= 0 && (!async->is_armed || client_monotonic_ms() >= async->alarm_ms))
		take_timer(async); /* one that nobody waits for any more is read as well */
	if (async->conn && async->out_start < async->out_end && flush(async) < 0)
		break_conn(async, -EPIPE);
}

SYNPRINT_API int synprint_async_subscribe(struct synprint_async *async, const char *options,
					  synprint_line_fn *fn, void *ctx)
{
	bool has_options = options && *options;

	if (async->conn || async->count || async->subscription)
		return -EBUSY;
	if (asprintf(&async->subscription, "{\"op\":\"subscribe\"%s%s}", has_options ? "," : "",
		     has_options ? options : "") < 0) {
		async->subscription = NULL;
		return -ENOMEM;
	}
	async->event_fn = fn;
	async->event_ctx = ctx;
	async->retry_ms = 0;
	arm_timer(async, client_monotonic_ms());
	return 0;
}

SYNPRINT_API void synprint_async_pause(struct synprint_async *async, bool is_paused)
{
	if (async->is_paused == is_paused)
		return;
	async->is_paused = is_paused;
	if (async->conn)
		watch_conn(async, EPOLL_CTL_MOD);
	if (async->conn && !is_paused)
		arm_timer(async, client_monotonic_ms());
}

SYNPRINT_API int synprint_async_fd(const struct synprint_async *async)
{
	return async->epoll_fd;
}

static int open_descriptors(struct synprint_async *async)
{
	struct epoll_event event = {.events = EPOLLIN};

	async->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	async->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (async->epoll_fd < 0 || async->timer_fd < 0 ||
	    epoll_ctl(async->epoll_fd, EPOLL_CTL_ADD, async->timer_fd, &event) < 0)
		return -errno;
	return 0;
}

SYNPRINT_API int synprint_async_new(const char *path, unsigned timeout_ms,
				    struct synprint_async **ret_async)
{
	struct synprint_async *async;
	int rc;

	if (path && strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	async = calloc(1, sizeof(*async));
	if (!async)
		return -ENOMEM;
	async->timeout_ms = timeout_ms ? timeout_ms : CLIENT_TIMEOUT_MS;
	async->epoll_fd = async->timer_fd = -1;
	async->path = path ? strdup(path) : NULL;
	async->out = malloc(OUT_MAX);
	async->ring = calloc(WAITING_MAX, sizeof(async->ring[0]));
	rc = (path && !async->path) || !async->out || !async->ring ? -ENOMEM
								   : open_descriptors(async);
	if (rc < 0) {
		synprint_async_free(async);
		return rc;
	}
	*ret_async = async;
	return 0;
}

SYNPRINT_API void synprint_async_free(struct synprint_async *async)
{
	if (!async)
		return;
	free(async->subscription);
	async->subscription = NULL;
	if (async->ring)
		tell_all(async, -ECANCELED);
	synprint_close(async->conn);
	if (async->timer_fd >= 0)
		close(async->timer_fd);
	if (async->epoll_fd >= 0)
		close(async->epoll_fd);
	free(async->path);
	free(async->out);
	free(async->ring);
	free(async);
}
