/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A control server and its peers in one thread, in turns, and time that passes where the test says
 * so: each test decides what has happened when.
 */
#ifndef SYNPRINT_TESTS_CONTROL_SERVER_TURNS_H
#define SYNPRINT_TESTS_CONTROL_SERVER_TURNS_H

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/peers.h"
#include "control/server.h"
#include "nap.h"
#include "own_clock.h"

#define SNAPSHOT_CLIENTS 1000

static char dir[] = "/tmp/synprint-test-XXXXXX";
static char path[64];
static struct vocab *vocab;
static struct server *server;
static unsigned request_count;
static size_t reply_bytes; /* of padding in each reply */
static unsigned reply_ms; /* that each takes, by the server's clock */

static inline void answer(void *ctx, const struct proto_request *req,
			  const struct server_peer *peer, struct text_buf *reply)
{
	cr_assert_eq(ctx, &request_count);
	cr_assert_gt(peer->who.pid, 0);
	request_count++;
	own_clock_pass(reply_ms);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"port\":%u,\"pad\":\"", req->port);
	for (size_t i = 0; i < reply_bytes; i++)
		text_put_char(reply, 'x');
	text_put(reply, "\"}");
}

static inline void make_addr(unsigned number, struct addr *ret_addr)
{
	char text[32];

	snprintf(text, sizeof(text), "10.0.%u.%u", number >> 8, number & 255);
	cr_assert_eq(addr_parse(text, ret_addr), 0);
}

static inline uint64_t snapshot_page(void *ctx, uint64_t cursor, size_t max,
				     struct server_snapshot *snapshot)
{
	struct verdict verdict = {0};
	char json[300];
	struct addr addr;

	(void)ctx;
	cr_assert_eq(max, 128);
	for (size_t i = 0; i < max && cursor < SNAPSHOT_CLIENTS; i++, cursor++) {
		make_addr((unsigned)cursor, &addr);
		memset(json, ' ', sizeof(json));
		json[snprintf(json, sizeof(json), "{\"client\":%u", (unsigned)cursor)] = ' ';
		json[sizeof(json) - 1] = '}';
		server_put_snapshot(snapshot, &addr, cursor % 2, &verdict, json, sizeof(json));
	}
	return cursor < SNAPSHOT_CLIENTS ? cursor : 0;
}

static inline struct server_params usual_params(void)
{
	return (struct server_params){
		.where = {.path = path, .listen_fd = -1, .mode = 0660, .group = (gid_t)-1},
		.conns_max = 1024,
		.vocab = vocab,
		.trusted_events_max = 256 << 10,
		.handler = {.request = answer, .snapshot = snapshot_page, .ctx = &request_count}};
}

static inline void start(const struct server_params *params)
{
	struct text_error error = {0};

	cr_assert_eq(server_new(params, &error, &server), 0, "%s", error.what);
}

static inline void setup(void)
{
	own_clock_stop();
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	vocab = vocab_new();
}

static inline void setup_running(void)
{
	struct server_params params;

	setup();
	params = usual_params();
	start(&params);
}

static inline void teardown(void)
{
	server_free(server);
	vocab_free(vocab);
	unlink(path);
	rmdir(dir);
}

/* Let the server do what it can do now. Returns how many turns it took, at most @max. */
static inline unsigned pump_at_most(unsigned max)
{
	struct pollfd fd = {.fd = server_fd(server), .events = POLLIN};
	unsigned turns = 0;

	for (; turns < max && poll(&fd, 1, 0) > 0; turns++)
		server_dispatch(server);
	return turns;
}

static inline void pump(void)
{
	cr_assert_lt(pump_at_most(100000), 100000, "the server never comes to rest");
}

static inline int connect_peer(void)
{
	return connect_at(path, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline const char *ask(int fd, const char *text)
{
	say(fd, text);
	pump();
	return hear(fd);
}

#define VERDICT(port) "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"port\":" #port "}\n"
#define ANSWER(port) "{\"ok\":true,\"port\":" #port ",\"pad\":\"\"}\n"

#endif
