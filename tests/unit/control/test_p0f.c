/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "alloc.h"
#include "control/p0f_server.h"
#include "control/peers.h"
#include "own_clock.h"

#define KNOWN "198.51.100.7"
#define KNOWN6 "2001:db8::7"

static char directory[] = "/tmp/synprint-p0f-XXXXXX";
static char path[sizeof(directory) + 8];
static struct p0f_server *server;

static void lookup(void *ctx, const struct addr *addr, struct p0f_reply *ret_reply)
{
	char text[ADDR_TEXT_MAX];

	(void)ctx;
	addr_format(addr, text);
	ret_reply->status = P0F_NO_MATCH;
	if (strcmp(text, KNOWN) != 0 && strcmp(text, KNOWN6) != 0)
		return;
	*ret_reply = (struct p0f_reply){.status = P0F_OK,
					.first_seen_s = 0x11111111,
					.last_seen_s = 0x22222222,
					.total_conn = 3,
					.last_nat_s = 0x44444444,
					.last_chg_s = 0x55555555,
					.distance = -1,
					.bad_sw = 2,
					.os_match_q = P0F_FUZZY,
					.os_name = "Windows",
					.os_flavor = "0123456789012345678901234567890",
					.link_type = "DSL"};
}

static struct text_error error;

static int start(unsigned conns_max)
{
	struct p0f_server_params params = {.lookup = lookup,
					   .conns_max = conns_max,
					   .where = {.path = path,
						     .mode = 0600,
						     .group = (gid_t)-1}};

	error = (struct text_error){.line = 9, .column = 9};
	return p0f_server_new(&params, &error, &server);
}

static void setup(void)
{
	own_clock_stop();
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/p0f", directory);
	cr_assert_eq(start(8), 0, "%s", error.what);
}

static void teardown(void)
{
	p0f_server_free(server);
	cr_expect_lt(access(path, F_OK), 0, "the socket file is removed");
	rmdir(directory);
}

TestSuite(p0f, .init = setup, .fini = teardown);

static int connect_peer(void)
{
	return connect_at(path, 0);
}

/* Lets the server work until it has nothing to do. */
static void serve(void)
{
	struct pollfd ready = {.fd = p0f_server_fd(server), .events = POLLIN};

	while (poll(&ready, 1, 20) > 0)
		p0f_server_dispatch(server);
}

static void make_query(uint32_t magic, uint8_t type, const char *address, uint8_t *ret_query)
{
	struct addr addr;

	memset(ret_query, 0xee, P0F_QUERY_BYTES);
	memcpy(ret_query, &magic, 4);
	ret_query[4] = type;
	cr_assert_eq(addr_parse(address, &addr), 0);
	if (type == 4)
		memcpy(ret_query + 5, addr.bytes + 12, 4);
	else
		memcpy(ret_query + 5, addr.bytes, 16);
}

static void expect_received(int fd, uint8_t *ret_bytes, size_t len)
{
	cr_assert_eq(recv(fd, ret_bytes, len, MSG_DONTWAIT), (ssize_t)len);
}

static uint32_t u32_at(const uint8_t *bytes, size_t at)
{
	uint32_t value;

	memcpy(&value, bytes + at, 4);
	return value;
}

static void expect_known(const uint8_t *reply)
{
	static const uint8_t zeros[64] = {0};

	cr_expect_eq(u32_at(reply, 0), 0x50304602);
	cr_expect_eq(u32_at(reply, 4), 0x10);
	cr_expect_eq(u32_at(reply, 8), 0x11111111, "first_seen");
	cr_expect_eq(u32_at(reply, 12), 0x22222222, "last_seen");
	cr_expect_eq(u32_at(reply, 16), 3, "total_conn");
	cr_expect_eq(u32_at(reply, 20), 0, "uptime_min");
	cr_expect_eq(u32_at(reply, 24), 0, "up_mod_days");
	cr_expect_eq(u32_at(reply, 28), 0x44444444, "last_nat");
	cr_expect_eq(u32_at(reply, 32), 0x55555555, "last_chg");
	cr_expect_eq(reply[36], 0xff, "distance");
	cr_expect_eq(reply[37], 0xff, "distance");
	cr_expect_eq(reply[38], 2, "bad_sw");
	cr_expect_eq(reply[39], 1, "os_match_q");
	cr_expect_str_eq((const char *)reply + 40, "Windows");
	cr_expect_str_eq((const char *)reply + 72, "0123456789012345678901234567890");
	cr_expect_eq(memcmp(reply + 104, zeros, 64), 0, "http_name, http_flavor");
	cr_expect_str_eq((const char *)reply + 168, "DSL");
	cr_expect_eq(memcmp(reply + 200, zeros, 32), 0, "language");
}

/* Everything behind magic number and status is 0. */
static void expect_bare(const uint8_t *reply, uint32_t status)
{
	cr_expect_eq(u32_at(reply, 0), 0x50304602);
	cr_expect_eq(u32_at(reply, 4), status, "%x", u32_at(reply, 4));
	for (size_t i = 8; i < P0F_REPLY_BYTES; i++)
		cr_expect_eq(reply[i], 0, "byte %zu", i);
}

Test(p0f, each_field)
{
	static const struct {
		uint32_t magic;
		uint8_t type;
		const char *address;
		uint32_t status;
	} cases[] = {
		{0x50304601, 4, KNOWN, 0x10},           {0x50304601, 6, KNOWN6, 0x10},
		{0x50304601, 6, "::ffff:" KNOWN, 0x10}, {0x50304601, 4, "198.51.100.8", 0x20},
		{0x50304601, 6, "2001:db8::8", 0x20},   {0x50304601, 5, KNOWN, 0x00},
		{0x50304601, 0, KNOWN, 0x00},           {0x01463050, 4, KNOWN, 0x00},
		{0x50304602, 4, KNOWN, 0x00},           {0x50304601, 4, KNOWN, 0x10},
	};
	int fd = connect_peer();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t query[P0F_QUERY_BYTES], reply[P0F_REPLY_BYTES];

		make_query(cases[i].magic, cases[i].type, cases[i].address, query);
		cr_assert_eq(send(fd, query, sizeof(query), 0), (ssize_t)sizeof(query));
		serve();
		expect_received(fd, reply, sizeof(reply));
		if (cases[i].status == 0x10)
			expect_known(reply);
		else
			expect_bare(reply, cases[i].status);
	}
	close(fd);
}

Test(p0f, in_pieces_and_ahead)
{
	uint8_t queries[200 * P0F_QUERY_BYTES], replies[200 * P0F_REPLY_BYTES];
	int fd = connect_peer();
	size_t got = 0;

	for (size_t i = 0; i < 200; i++)
		make_query(0x50304601, 4, i % 3 ? "198.51.100.8" : KNOWN,
			   queries + i * P0F_QUERY_BYTES);
	for (size_t i = 0; i < 2 * P0F_QUERY_BYTES; i++) { /* byte by byte */
		cr_assert_eq(send(fd, queries + i, 1, 0), 1);
		serve();
	}
	cr_assert_eq(send(fd, queries + 2 * P0F_QUERY_BYTES, 198 * P0F_QUERY_BYTES, 0),
		     198 * P0F_QUERY_BYTES);
	while (got < sizeof(replies)) {
		ssize_t n;

		serve();
		n = recv(fd, replies + got, sizeof(replies) - got, MSG_DONTWAIT);
		cr_assert_gt(n, 0, "%zu bytes came", got);
		got += (size_t)n;
	}
	for (size_t i = 0; i < 200; i++)
		cr_expect_eq(u32_at(replies + i * P0F_REPLY_BYTES, 4), i % 3 ? 0x20u : 0x10u,
			     "reply %zu", i);
	cr_expect_lt(recv(fd, replies, 1, MSG_DONTWAIT), 0, "and nothing more");
	close(fd);
}

Test(p0f, a_half_query_and_the_end)
{
	struct p0f_server_stats stats;
	uint8_t query[P0F_QUERY_BYTES], reply[P0F_REPLY_BYTES];
	int fd = connect_peer();

	make_query(0x50304601, 4, KNOWN, query);
	cr_assert_eq(send(fd, query, sizeof(query), 0), (ssize_t)sizeof(query));
	cr_assert_eq(send(fd, query, 20, 0), 20);
	shutdown(fd, SHUT_WR);
	serve();
	expect_received(fd, reply, sizeof(reply));
	expect_known(reply);
	cr_expect_eq(recv(fd, reply, 1, MSG_DONTWAIT), 0, "closed");
	close(fd);
	p0f_server_get_stats(server, &stats);
	cr_expect_eq(stats.conns, 0);
	cr_expect_eq(stats.queries, 1);
}

/* As qpsmtpd: it sends its query twice and closes without having read. */
Test(p0f, who_closes_without_reading)
{
	struct p0f_server_stats stats;
	uint8_t queries[2 * P0F_QUERY_BYTES];

	make_query(0x50304601, 4, KNOWN, queries);
	make_query(0x50304601, 4, KNOWN, queries + P0F_QUERY_BYTES);
	for (int i = 0; i < 20; i++) {
		int fd = connect_peer();

		cr_assert_eq(send(fd, queries, sizeof(queries), 0), (ssize_t)sizeof(queries));
		if (i % 2)
			serve();
		close(fd);
		serve();
	}
	p0f_server_get_stats(server, &stats);
	cr_expect_eq(stats.conns, 0);
	cr_expect_eq(stats.accepted, 20);
}

/* Its replies fill the socket's buffer, and then nothing more is read from it. */
Test(p0f, who_never_reads_harms_nobody)
{
	uint8_t query[P0F_QUERY_BYTES], reply[P0F_REPLY_BYTES];
	int deaf = connect_peer(), fd = connect_peer();
	struct p0f_server_stats before, after;
	int flooded = 0;

	make_query(0x50304601, 4, KNOWN, query);
	for (; flooded < 1000000; flooded++) {
		if (send(deaf, query, sizeof(query), MSG_DONTWAIT) < 0)
			break;
		p0f_server_dispatch(server);
	}
	cr_expect_lt(flooded, 1000000, "it has to stop");
	serve();
	p0f_server_get_stats(server, &before);
	cr_assert_eq(send(fd, query, sizeof(query), 0), (ssize_t)sizeof(query));
	serve();
	expect_received(fd, reply, sizeof(reply));
	p0f_server_get_stats(server, &after);
	cr_expect_eq(after.queries, before.queries + 1);
	close(deaf);
	close(fd);
}

Test(p0f, too_many_connections)
{
	struct p0f_server_stats stats;
	int fds[9];
	char byte;

	for (int i = 0; i < 9; i++) {
		fds[i] = connect_peer();
		serve();
	}
	p0f_server_get_stats(server, &stats);
	cr_expect_eq(stats.conns, 8);
	cr_expect_eq(stats.refused, 1);
	cr_expect_eq(recv(fds[8], &byte, 1, MSG_DONTWAIT), 0, "closed");
	for (int i = 0; i < 9; i++)
		close(fds[i]);
}

static void stop(void)
{
	p0f_server_free(server);
	server = NULL;
}

static void expect_served(int fd)
{
	uint8_t query[P0F_QUERY_BYTES], reply[P0F_REPLY_BYTES];

	make_query(0x50304601, 4, KNOWN, query);
	cr_assert_eq(send(fd, query, sizeof(query), MSG_NOSIGNAL), (ssize_t)sizeof(query));
	serve();
	expect_received(fd, reply, sizeof(reply));
}

Test(p0f, an_idle_peer_gives_way)
{
	struct p0f_server_stats stats;
	int first, second, third;

	stop();
	cr_assert_eq(start(1), 0);
	first = connect_peer();
	serve();
	own_clock_pass(999);
	second = connect_peer();
	serve();
	cr_expect(is_closed(second), "the first has just come");
	own_clock_pass(1);
	third = connect_peer();
	serve();
	expect_served(third);
	cr_expect(is_closed(first));
	p0f_server_get_stats(server, &stats);
	cr_expect_eq(stats.conns, 1);
	cr_expect_eq(stats.accepted, 2);
	cr_expect_eq(stats.refused, 1);
	close(first);
	close(second);
	close(third);
}

Test(p0f, no_memory_to_begin)
{
	stop();
	alloc_fail_after(0);
	cr_expect_eq(start(8), -ENOMEM);
	cr_expect(alloc_has_failed());
	cr_expect_not_null(strstr(error.what, "no memory"), "%s", error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	cr_expect_null(server);
}

Test(p0f, no_memory_for_a_peer)
{
	unsigned failures = 0;

	for (;; failures++) {
		struct p0f_server_stats stats;
		int fd = connect_peer();

		alloc_fail_after(failures);
		p0f_server_dispatch(server);
		if (!alloc_has_failed()) {
			expect_served(fd);
			close(fd);
			break;
		}
		cr_expect(is_closed(fd));
		p0f_server_get_stats(server, &stats);
		cr_expect_eq(stats.refused, failures + 1);
		cr_expect_eq(stats.conns, 0);
		close(fd);
	}
	cr_expect_eq(failures, 2, "the connection, and its user");
}

Test(p0f, no_descriptor_to_begin)
{
	struct rlimit limit, none;

	stop();
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(start(8), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_not_null(strstr(error.what, "cannot serve the p0f socket"), "%s", error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	cr_expect_null(server);
}

/* Whatever was closed before, and where there is nothing to close, the first one stays. */
Test(p0f, the_first_descriptor_is_as_good_as_others)
{
	stop();
	close(0);
	cr_assert_eq(start(8), 0);
	cr_assert_eq(p0f_server_fd(server), 0);
	stop();
	cr_expect_eq(fcntl(0, F_GETFD), -1, "it is closed");
	cr_assert_eq(open("/dev/null", O_RDONLY), 0);
	path[0] = '\0';
	cr_expect_eq(start(8), -ENAMETOOLONG);
	cr_expect_neq(fcntl(0, F_GETFD), -1, "it is somebody else's");
	snprintf(path, sizeof(path), "%s/p0f", directory);
}

Test(p0f, a_deleted_file_is_made_again)
{
	int fd;

	cr_expect_eq(p0f_server_tidy(server, NULL), 0);
	unlink(path);
	cr_expect_eq(p0f_server_tidy(server, NULL), 1);
	fd = connect_peer();
	serve();
	expect_served(fd);
	close(fd);
}
