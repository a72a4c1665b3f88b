/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * query_load json|p0f SOCKET CONNECTIONS DEPTH SECONDS: asks for verdicts about 10.0.0.100 to
 * 10.0.0.199 on a Unix socket, each connection with DEPTH requests on the way. Prints replies a
 * second, the bytes of a reply and the 99th percentile of the time from a batch to its last
 * reply, in ns.
 * query_load serve SOCKET QUERY REPLY: the reference, which answers each QUERY bytes with REPLY
 * bytes and reads neither.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define DEPTH_MAX 256
#define TIMES_MAX 4000000
#define P0F_REPLY 232

struct conn {
	int fd;
	unsigned waiting; /* replies */
	uint64_t bytes, sent_ns;
	size_t request_len;
	char request[DEPTH_MAX * 64];
};

static struct conn conns[CONNECTIONS_MAX];
static uint64_t times[TIMES_MAX];
static size_t time_count;
static uint64_t replies, reply_bytes;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "query_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(const char *path, bool serves)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || (serves ? bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
					listen(fd, CONNECTIONS_MAX)
			      : connect(fd, (struct sockaddr *)&addr, sizeof(addr))))
		fail(path);
	return fd;
}

static void prepare(struct conn *conn, bool is_p0f, unsigned depth, unsigned number)
{
	const uint32_t magic = 0x50304601; /* p0f's README */
	size_t at = 0;

	for (unsigned i = 0; i < depth; i++) {
		uint8_t addr[4] = {10, 0, 0, (uint8_t)(100 + (number * 16 + i) % 100)};

		if (is_p0f) {
			memset(conn->request + at, 0, 21);
			memcpy(conn->request + at, &magic, 4);
			conn->request[at + 4] = 4;
			memcpy(conn->request + at + 5, addr, 4);
			at += 21;
		} else {
			at += (size_t)sprintf(conn->request + at,
					      "{\"op\":\"verdict\",\"ip\":\"10.0.0.%u\"}\n",
					      addr[3]);
		}
	}
	conn->request_len = at;
}

static void ask(struct conn *conn, unsigned depth)
{
	conn->waiting = depth;
	conn->sent_ns = now_ns();
	if (send(conn->fd, conn->request, conn->request_len, 0) != (ssize_t)conn->request_len)
		fail("send");
}

static unsigned count_lines(const char *buf, size_t len)
{
	unsigned count = 0;

	for (const char *at = buf; (at = memchr(at, '\n', len - (size_t)(at - buf))); at++)
		count++;
	return count;
}

static void take(struct conn *conn, bool is_p0f, unsigned depth)
{
	static char buf[1 << 18];
	ssize_t len = recv(conn->fd, buf, sizeof(buf), 0);
	unsigned count;

	if (len <= 0)
		fail("recv");
	reply_bytes += (uint64_t)len;
	conn->bytes += (uint64_t)len;
	count = is_p0f ? (unsigned)(conn->bytes / P0F_REPLY) : count_lines(buf, (size_t)len);
	if (is_p0f)
		conn->bytes %= P0F_REPLY;
	conn->waiting -= count;
	replies += count;
	if (conn->waiting)
		return;
	if (time_count < TIMES_MAX)
		times[time_count++] = now_ns() - conn->sent_ns;
	ask(conn, depth);
}

static int compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static int load(bool is_p0f, const char *path, unsigned count, unsigned depth, double seconds)
{
	struct epoll_event events[CONNECTIONS_MAX];
	int epoll = epoll_create1(0);
	uint64_t start_ns;

	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		conns[i].fd = open_socket(path, false);
		prepare(&conns[i], is_p0f, depth, i);
		epoll_ctl(epoll, EPOLL_CTL_ADD, conns[i].fd, &event);
	}
	start_ns = now_ns();
	for (unsigned i = 0; i < count; i++)
		ask(&conns[i], depth);
	while ((double)(now_ns() - start_ns) < seconds * 1e9) {
		int ready = epoll_wait(epoll, events, CONNECTIONS_MAX, 1000);

		if (ready == 0) {
			errno = ETIMEDOUT;
			fail(path);
		}
		for (int i = 0; i < ready; i++)
			take(&conns[events[i].data.u32], is_p0f, depth);
	}
	qsort(times, time_count, sizeof(times[0]), compare);
	printf("%.0f %llu %llu\n", (double)replies * 1e9 / (double)(now_ns() - start_ns),
	       (unsigned long long)(reply_bytes / replies),
	       (unsigned long long)times[time_count * 99 / 100]);
	return 0;
}

static void answer(struct conn *conn, size_t query, size_t reply)
{
	static char in[1 << 16], out[1 << 18];
	ssize_t len = recv(conn->fd, in, sizeof(in), 0);
	size_t todo;

	if (len <= 0) {
		close(conn->fd);
		return;
	}
	conn->bytes += (uint64_t)len;
	todo = conn->bytes / query * reply;
	conn->bytes %= query;
	if (!out[reply - 1])
		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (i + 1) % reply ? 'x' : '\n';
	for (; todo;
	     todo -= todo < sizeof(out) / reply * reply ? todo : sizeof(out) / reply * reply)
		if (send(conn->fd, out,
			 todo < sizeof(out) / reply * reply ? todo : sizeof(out) / reply * reply,
			 MSG_NOSIGNAL) < 0)
			return;
}

static int serve(const char *path, size_t query, size_t reply)
{
	int listener = open_socket(path, true), epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[16];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
	puts("ready");
	fflush(stdout);
	for (;;) {
		int ready = epoll_wait(epoll, events, 16, -1);

		for (int i = 0; i < ready; i++) {
			struct conn *conn = events[i].data.ptr;

			if (conn) {
				answer(conn, query, reply);
				continue;
			}
			conn = calloc(1, sizeof(*conn));
			if (!conn)
				return 1;
			conn->fd = accept(listener, NULL, NULL);
			event.data.ptr = conn;
			epoll_ctl(epoll, EPOLL_CTL_ADD, conn->fd, &event);
		}
	}
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "serve") == 0)
		return serve(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10));
	if (argc == 6 && atoi(argv[3]) <= CONNECTIONS_MAX && atoi(argv[4]) <= DEPTH_MAX)
		return load(strcmp(argv[1], "p0f") == 0, argv[2], (unsigned)atoi(argv[3]),
			    (unsigned)atoi(argv[4]), strtod(argv[5], NULL));
	fprintf(stderr,
		"usage: query_load json|p0f SOCKET CONNECTIONS DEPTH SECONDS | serve SOCKET "
		"QUERY REPLY\n");
	return 2;
}
