/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines to and from the daemon over a non-blocking socket; every wait has an end. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/connection.h"

#define READ_BYTES 65536
#define LINE_MAX_BYTES (16 * 1024 * 1024) /* 64 times the daemon's longest reply */

struct synprint {
	int fd;
	unsigned timeout_ms;
	bool is_broken;
	char *in; /* what came in: size bytes, of which [start, end) are not taken yet */
	size_t size, start, end, scanned;
	char error[256];
};

int client_fail(struct synprint *synprint, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(synprint->error, sizeof(synprint->error), format, args);
	va_end(args);
	return rc;
}

int client_break(struct synprint *synprint, int rc, const char *what)
{
	synprint->is_broken = true;
	return client_fail(synprint, rc, "%s", what);
}

int64_t client_monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* @until_ms: -1 for ever. Return: 0, -ETIMEDOUT, -errno. */
static int wait_for(const struct synprint *synprint, short events, int64_t until_ms)
{
	struct pollfd ready = {.fd = synprint->fd, .events = events};

	for (;;) {
		int64_t left = until_ms < 0 ? -1 : until_ms - client_monotonic_ms();
		int n = poll(&ready, 1, until_ms < 0 ? -1 : left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && until_ms >= 0)
			return -ETIMEDOUT;
	}
}

static int64_t end_of(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : client_monotonic_ms() + timeout_ms;
}

/* A listener with a full backlog answers EAGAIN (unix(7)): it is asked again until the timeout. */
static int connect_to(int fd, const struct sockaddr_un *address, unsigned timeout_ms)
{
	int64_t until_ms = end_of((int)timeout_ms);

	while (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		if (client_monotonic_ms() >= until_ms)
			return -ETIMEDOUT;
		poll(NULL, 0, 10);
	}
	return 0;
}

int client_open(const char *path, unsigned connect_ms, unsigned timeout_ms,
		struct synprint **ret_synprint)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct synprint *synprint;
	int rc;

	if (!path)
		path = SYNPRINT_DEFAULT_SOCKET;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	synprint = calloc(1, sizeof(*synprint));
	if (!synprint)
		return -ENOMEM;
	synprint->timeout_ms = timeout_ms;
	synprint->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = synprint->fd < 0 ? -errno : connect_to(synprint->fd, &address, connect_ms);
	if (rc < 0) {
		synprint_close(synprint);
		return rc;
	}
	*ret_synprint = synprint;
	return 0;
}

SYNPRINT_API int synprint_connect(const char *path, unsigned timeout_ms,
				  struct synprint **ret_synprint)
{
	if (!timeout_ms)
		timeout_ms = CLIENT_TIMEOUT_MS;
	return client_open(path, timeout_ms, timeout_ms, ret_synprint);
}

SYNPRINT_API void synprint_close(struct synprint *synprint)
{
	if (!synprint)
		return;
	if (synprint->fd >= 0)
		close(synprint->fd);
	free(synprint->in);
	free(synprint);
}

SYNPRINT_API const char *synprint_error(const struct synprint *synprint)
{
	return synprint->error;
}

SYNPRINT_API int synprint_fd(const struct synprint *synprint)
{
	return synprint->fd;
}

static int check_usable(struct synprint *synprint)
{
	return synprint->is_broken
		       ? client_fail(synprint, -EPIPE, "the connection broke before: connect again")
		       : 0;
}

static int send_all(struct synprint *synprint, const char *data, size_t len, int64_t until_ms)
{
	while (len) {
		ssize_t n = send(synprint->fd, data, len, MSG_NOSIGNAL);
		int rc;

		if (n >= 0) {
			data += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		rc = errno == EAGAIN ? wait_for(synprint, POLLOUT, until_ms) : -errno;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What the daemon said before it closed, such as "busy", is still there to be read. */
SYNPRINT_API int synprint_send_line(struct synprint *synprint, const char *line)
{
	int64_t until_ms = end_of((int)synprint->timeout_ms);
	int rc = check_usable(synprint);

	if (rc == 0)
		rc = send_all(synprint, line, strlen(line), until_ms);
	if (rc == 0)
		rc = send_all(synprint, "\n", 1, until_ms);
	if (rc == 0 || rc == -EPIPE || synprint->is_broken)
		return synprint->is_broken ? rc : 0;
	return client_break(synprint, rc,
			    rc == -ETIMEDOUT ? "the daemon does not read" : strerror(-rc));
}

static char *find_newline(struct synprint *synprint)
{
	char *from = synprint->in + synprint->start + synprint->scanned;
	size_t waiting = synprint->end - synprint->start;
	char *newline = waiting > synprint->scanned
				? memchr(from, '\n', waiting - synprint->scanned)
				: NULL;

	synprint->scanned = newline ? 0 : waiting;
	return newline;
}

/* Room for another read, behind what waits, which moves to the front. */
static int make_room(struct synprint *synprint)
{
	size_t waiting = synprint->end - synprint->start;
	char *bigger;

	if (synprint->in && synprint->start)
		memmove(synprint->in, synprint->in + synprint->start, waiting);
	synprint->start = 0;
	synprint->end = waiting;
	if (synprint->size - waiting >= READ_BYTES)
		return 0;
	if (waiting > LINE_MAX_BYTES)
		return -EMSGSIZE;
	bigger = realloc(synprint->in, waiting + 2 * READ_BYTES);
	if (!bigger)
		return -ENOMEM;
	synprint->in = bigger;
	synprint->size = waiting + 2 * READ_BYTES;
	return 0;
}

/* Return: 0, -EAGAIN, -EPIPE at the end, -errno. */
static int read_some(struct synprint *synprint)
{
	int rc = make_room(synprint);
	ssize_t n;

	if (rc < 0)
		return rc;
	n = recv(synprint->fd, synprint->in + synprint->end, READ_BYTES, 0);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	synprint->end += (size_t)n;
	return n ? 0 : -EPIPE;
}

SYNPRINT_API int synprint_receive_line(struct synprint *synprint, int timeout_ms,
				       const char **ret_line)
{
	int64_t until_ms = end_of(timeout_ms);
	int rc = check_usable(synprint);
	char *newline;

	while (rc == 0 && !(newline = synprint->in ? find_newline(synprint) : NULL)) {
		rc = read_some(synprint);
		if (rc == -EAGAIN)
			rc = timeout_ms ? wait_for(synprint, POLLIN, until_ms) : -ETIMEDOUT;
		if (rc == -ETIMEDOUT)
			return client_fail(synprint, rc, "the daemon does not answer");
		if (rc < 0)
			return client_break(synprint, rc,
					    rc == -EPIPE ? "the daemon closed the connection"
							 : strerror(-rc));
	}
	if (rc)
		return rc;
	*newline = '\0';
	*ret_line = synprint->in + synprint->start;
	synprint->start = (size_t)(newline - synprint->in) + 1;
	return 0;
}

int client_receive_answer(struct synprint *synprint, const char **ret_line)
{
	int rc = synprint_receive_line(synprint, (int)synprint->timeout_ms, ret_line);

	if (rc == -ETIMEDOUT)
		synprint->is_broken = true; /* the late answer would be taken for the next one's */
	return rc;
}
