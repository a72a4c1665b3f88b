/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections take turns: each dispatch gives one of them a bounded share of reading, answering
 * and writing. What is left over is seen again through EPOLLOUT, which is level-triggered, so
 * there is no list of unfinished work besides epoll's own.
 */
#include "control/server.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "control/acceptor.h"
#include "control/conn.h"
#include "sys/clock.h"

#define DEFAULT_TRUSTED_EVENTS_MAX (4 << 20) /* of most of a second at 5,000 a second */
#define DEFAULT_OUTPUT_MAX ((size_t)256 * 1024)
#define SHARE_US 2000 /* of time, of one connection in one dispatch: the next is not kept waiting */
#define TRIM_AFTER 64 /* connections that are gone */
#define SNAPSHOT_PAGE 128 /* clients looked at in one go */

LIST_HEAD(conn_list, conn);

struct server {
	struct server_params params;
	struct acceptor acceptor;
	int epoll_fd;
	struct conn_list conns, subscribers;
	struct places places;
	unsigned dropped; /* connections since memory was given back */
	/* atomic, as any thread asks: those of confirmations alone, of changes too, of every SYN */
	unsigned confirmed_subscribers, change_subscribers, syn_subscribers;
	char *reply; /* output_max bytes */
	struct server_stats stats;
};

struct server_snapshot {
	struct server *server;
	struct conn *conn;
	int error;
};

static const char *const event_names[] = {
	[SERVER_EVENT_SYN] = "syn",
	[SERVER_EVENT_NEW] = "new",
	[SERVER_EVENT_CHANGE] = "change",
	[SERVER_EVENT_CONFIRMED] = "confirmed",
};

static int watch_conn(struct server *server, int op, uint32_t events, struct conn *conn)
{
	struct epoll_event event = {.events = events, .data.ptr = conn};

	return epoll_ctl(server->epoll_fd, op, conn->fd, &event) < 0 ? -errno : 0;
}

static unsigned *subscribers_of(struct server *server, const struct conn *conn)
{
	if (conn->only_confirmed)
		return &server->confirmed_subscribers;
	return conn->wants_syns ? &server->syn_subscribers : &server->change_subscribers;
}

static void end_subscription(struct server *server, struct conn *conn)
{
	if (!conn->subscribed)
		return;
	LIST_REMOVE(conn, subscribers);
	__atomic_fetch_sub(subscribers_of(server, conn), 1, __ATOMIC_RELAXED);
	server->stats.subscribers--;
}

static struct conn *conn_of(struct place *place)
{
	return (struct conn *)((char *)place - offsetof(struct conn, place));
}

static void drop_conn(struct server *server, struct conn *conn)
{
	end_subscription(server, conn);
	LIST_REMOVE(conn, all);
	places_leave(&server->places, &conn->place);
	server->dropped++;
	/* Closing is not enough where a forked child holds the same open file (epoll(7)). */
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
	conn_free(conn);
	server->stats.conns--;
	acceptor_resume(&server->acceptor);
}

/* Not while lines wait to be answered: a peer that does not read stops being read that way. */
static bool can_read(const struct conn *conn)
{
	return !conn->eof && !conn->closing && !conn->lines_left && !conn->begun;
}

static void update_events(struct server *server, struct conn *conn)
{
	uint32_t events = can_read(conn) ? EPOLLIN : 0;

	if (conn->out.len || (conn->lines_left && !conn->begun) || conn->snapshot_running)
		events |= EPOLLOUT;
	if (events == conn->epoll_events)
		return;
	watch_conn(server, EPOLL_CTL_MOD, events, conn);
	conn->epoll_events = events;
}

static int put_reply(struct server *server, struct conn *conn, const char *id,
		     struct text_buf *reply)
{
	if (reply->overflow)
		proto_put_error(reply, id, PROTO_FAILED, "the reply is longer than %zu bytes",
				server->params.output_max);
	return conn_put_line(conn, reply->data, reply->len);
}

static void start_subscription(struct server *server, struct conn *conn,
			       const struct proto_request *req, struct text_buf *reply)
{
	end_subscription(server, conn);
	conn->filter = req->filter;
	conn->wants_syns = req->syns;
	conn->wants_leaves = req->leaves;
	conn->only_confirmed = req->confirmed;
	conn->seq = conn->missed = 0;
	conn->snapshot_running = req->snapshot;
	conn->snapshot_cursor = 0;
	conn->subscribed = conn->place.is_subscriber = true;
	LIST_INSERT_HEAD(&server->subscribers, conn, subscribers);
	__atomic_fetch_add(subscribers_of(server, conn), 1, __ATOMIC_RELAXED);
	server->stats.subscribers++;
	proto_begin_reply(req, reply);
	text_put(reply, ",\"subscribed\":true}");
}

static bool may_ask(const struct server *server, const struct conn *conn, enum proto_op op)
{
	const struct peer *who = &conn->peer.who;

	return !proto_op_changes(op) || peer_is_owner(who) ||
	       (op == PROTO_REPORT && who->uid == server->params.reports_uid);
}

static int answer_request(struct server *server, struct conn *conn, const struct proto_request *req)
{
	const struct server_handler *handler = &server->params.handler;
	struct text_buf reply;

	text_buf_init(&reply, server->reply, server->params.output_max);
	handler->request(handler->ctx, req, &conn->peer, &reply);
	return put_reply(server, conn, req->id, &reply);
}

/* At once, or when it has ended what it begins. */
static int begin_request(struct server *server, struct conn *conn, const struct proto_request *req)
{
	const struct server_handler *handler = &server->params.handler;
	uint64_t number = handler->begin ? handler->begin(handler->ctx, req) : 0;

	if (!number)
		return answer_request(server, conn, req);
	conn->begun = malloc(sizeof(*conn->begun));
	if (!conn->begun)
		return -ENOMEM;
	*conn->begun = *req;
	conn->begun_number = number;
	return 0;
}

static int answer_line(struct server *server, struct conn *conn, const char *line, size_t len)
{
	struct proto_request req;
	struct proto_error error;
	struct text_buf reply;

	text_buf_init(&reply, server->reply, server->params.output_max);
	places_touch(&conn->place, clock_monotonic_ms());
	server->stats.requests++;
	if (proto_parse(line, len, server->params.vocab, &req, &error) < 0) {
		server->stats.errors++;
		proto_put_error(&reply, error.id, error.code, "%s", error.message);
		return put_reply(server, conn, error.id, &reply);
	}
	req.keep = req.keep && conn->peer.may_claim;
	if (!may_ask(server, conn, req.op)) {
		server->stats.errors++;
		proto_put_error(&reply, req.id, PROTO_FORBIDDEN,
				"%s is for root and the user that synprintd runs as",
				proto_op_name(req.op));
	} else if (req.op == PROTO_SUBSCRIBE) {
		start_subscription(server, conn, &req, &reply);
	} else {
		return begin_request(server, conn, &req);
	}
	return put_reply(server, conn, req.id, &reply);
}

static int refuse_long_line(struct server *server, struct conn *conn)
{
	struct text_buf reply;

	server->stats.errors++;
	conn->closing = true;
	bytes_done(&conn->in);
	text_buf_init(&reply, server->reply, server->params.output_max);
	proto_put_error(&reply, "", PROTO_TOO_LONG, "a request has at most %d bytes",
			PROTO_LINE_MAX);
	return put_reply(server, conn, "", &reply);
}

/* Ends early, with lines_left set, when the connection had its share, waits or does not read. */
static int answer_lines(struct server *server, struct conn *conn)
{
	uint64_t end_us = clock_monotonic_us() + SHARE_US;
	size_t len;
	char *line;
	int r;

	conn->lines_left = false;
	while (clock_monotonic_us() < end_us && !conn->begun &&
	       conn->out.len < server->params.output_max) {
		r = conn_next_line(conn, &line, &len);
		if (r <= 0)
			return r == -E2BIG ? refuse_long_line(server, conn) : r;
		r = answer_line(server, conn, line, len);
		if (r < 0)
			return r;
	}
	conn->lines_left = true;
	return 0;
}

/* A reader that fell behind hears how much it missed once it has read half of what waited. */
static int put_gap(struct server *server, struct conn *conn)
{
	char line[64];
	int len, r;

	if (conn->missed == 0 || conn->out.len > server->params.output_max / 2)
		return 0;
	len = snprintf(line, sizeof(line), "{\"event\":\"gap\",\"missed\":%llu}",
		       (unsigned long long)conn->missed);
	r = conn_put_line(conn, line, (size_t)len);
	if (r == 0)
		conn->missed = 0;
	return r;
}

static int continue_snapshot(struct server *server, struct conn *conn)
{
	static const char end[] = "{\"event\":\"snapshot_end\"}";
	const struct server_handler *handler = &server->params.handler;
	struct server_snapshot snapshot = {.server = server, .conn = conn};

	if (!conn->snapshot_running || conn->out.len > server->params.output_max / 2)
		return 0;
	conn->snapshot_cursor =
		handler->snapshot(handler->ctx, conn->snapshot_cursor, SNAPSHOT_PAGE, &snapshot);
	if (snapshot.error < 0 || conn->snapshot_cursor != 0)
		return snapshot.error;
	conn->snapshot_running = false;
	return conn_put_line(conn, end, sizeof(end) - 1);
}

/*
 * While lines are left nothing is read, so the end is not seen before they are answered. Who waits
 * is not read either, but need not be answered when nobody is there any more.
 */
static bool is_finished(const struct conn *conn, uint32_t events)
{
	if ((conn->eof || conn->begun) && events & (EPOLLHUP | EPOLLERR))
		return true;
	return conn->out.len == 0 && !conn->begun &&
	       (conn->closing || (conn->eof && !conn->subscribed));
}

static void serve_conn(void *ctx, void *data, uint32_t events)
{
	struct server *server = ctx;
	struct conn *conn = data;
	int r = conn_flush(conn);

	if (r == 0 && can_read(conn))
		r = conn_read(conn);
	if (r == 0 && !conn->closing && !conn->begun)
		r = answer_lines(server, conn);
	if (r == 0)
		r = put_gap(server, conn);
	if (r == 0)
		r = continue_snapshot(server, conn);
	if (r == 0)
		r = conn_flush(conn);
	if (r < 0 || is_finished(conn, events))
		drop_conn(server, conn);
	else
		update_events(server, conn);
}

static void refuse_conn(struct server *server, int fd)
{
	static const char text[] = "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":"
				   "\"too many connections\"}}\n";

	server->stats.refused++;
	send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

/* A place for the peer, for which another one's connection may have to go. */
static struct conn *make_conn(struct server *server, int fd)
{
	struct peer who = peer_read(fd);
	struct place *victim = NULL;
	struct conn *conn;
	int rc = places_ask(&server->places, who.uid, clock_monotonic_ms(), &victim);

	if (rc < 0)
		return NULL;
	if (rc > 0) {
		drop_conn(server, conn_of(victim));
		server->stats.gave_way++;
	}
	conn = conn_new(fd);
	if (!conn ||
	    places_enter(&server->places, who.uid, clock_monotonic_ms(), &conn->place) < 0) {
		free(conn);
		return NULL;
	}
	conn->peer.who = who;
	conn->peer.may_claim =
		peer_may_claim(fd, &who, server->params.claims, server->params.claims_group);
	return conn;
}

static void add_conn(void *ctx, int fd)
{
	struct server *server = ctx;
	struct conn *conn = make_conn(server, fd);

	if (!conn) {
		refuse_conn(server, fd);
		return;
	}
	conn->epoll_events = EPOLLIN;
	if (watch_conn(server, EPOLL_CTL_ADD, EPOLLIN, conn) < 0) {
		server->stats.refused++;
		places_leave(&server->places, &conn->place);
		conn_free(conn);
		return;
	}
	LIST_INSERT_HEAD(&server->conns, conn, all);
	server->stats.conns++;
	server->stats.accepted++;
}

int server_fd(const struct server *server)
{
	return server->epoll_fd;
}

void server_dispatch(struct server *server)
{
	acceptor_dispatch(&server->acceptor, serve_conn, add_conn, server);
}

static void finish_request(struct server *server, struct conn *conn)
{
	struct proto_request *req = conn->begun;
	int r;

	conn->begun = NULL;
	conn->lines_left = true; /* perhaps */
	r = answer_request(server, conn, req);
	free(req);
	if (r < 0)
		drop_conn(server, conn);
	else
		update_events(server, conn);
}

void server_finish(struct server *server, uint64_t number)
{
	struct conn *conn = LIST_FIRST(&server->conns), *next;

	for (; conn; conn = next) {
		next = LIST_NEXT(conn, all);
		if (conn->begun && conn->begun_number == number)
			finish_request(server, conn);
	}
}

int server_tidy(struct server *server, struct text_error *ret_error)
{
	if (server->dropped >= TRIM_AFTER) {
		malloc_trim(0);
		server->dropped = 0;
	}
	return acceptor_check(&server->acceptor, ret_error);
}

bool server_has_subscribers(const struct server *server, enum server_event_kind kind)
{
	return __atomic_load_n(&server->syn_subscribers, __ATOMIC_RELAXED) ||
	       (kind != SERVER_EVENT_SYN &&
		__atomic_load_n(&server->change_subscribers, __ATOMIC_RELAXED)) ||
	       (kind == SERVER_EVENT_CONFIRMED &&
		__atomic_load_n(&server->confirmed_subscribers, __ATOMIC_RELAXED));
}

/* `{` and @head, then the members of the object @json. */
static int put_object(struct conn *conn, const char *head, size_t head_len, const char *json,
		      size_t len)
{
	char *end = bytes_reserve(&conn->out, head_len + len + 1);
	size_t skip = len > 2 ? 1 : len - 1; /* "{}" has no member to put a comma before */

	if (!end)
		return -ENOMEM;
	memcpy(end, head, head_len);
	end += head_len;
	if (len > 2)
		*end++ = ',';
	memcpy(end, json + skip, len - skip);
	end[len - skip] = '\n';
	conn->out.len = (size_t)(end + len - skip + 1 - bytes_front(&conn->out));
	return 0;
}

/* Who could read everything anyway may be slow for some seconds of a busy gateway's events. */
static size_t events_max(const struct server *server, const struct conn *conn)
{
	return may_ask(server, conn, PROTO_REPORT) ? server->params.trusted_events_max
						   : server->params.output_max;
}

static void send_to(struct server *server, struct conn *conn, const struct server_event *event,
		    const char *json, size_t len)
{
	char head[64];
	int head_len;

	conn->seq++;
	head_len = snprintf(head, sizeof(head), "{\"event\":\"%s\",\"seq\":%llu",
			    event_names[event->kind], (unsigned long long)conn->seq);
	if (put_gap(server, conn) == 0 && conn->missed == 0 &&
	    conn->out.len + (size_t)head_len + len + 1 <= events_max(server, conn) &&
	    put_object(conn, head, (size_t)head_len, json, len) == 0) {
		server->stats.events_sent++;
	} else {
		conn->missed++;
		server->stats.events_missed++;
	}
	update_events(server, conn);
}

static bool passes(const struct server *server, const struct conn *conn,
		   const struct server_event *event, const struct verdict *verdict)
{
	return filter_match(&conn->filter, server->params.vocab, &event->addr, verdict);
}

static bool is_for(const struct conn *conn, const struct server_event *event)
{
	if (conn->only_confirmed || event->kind == SERVER_EVENT_CONFIRMED)
		return event->kind == SERVER_EVENT_CONFIRMED;
	if (event->kind == SERVER_EVENT_SYN || event->readers == SERVER_READERS_OF_SYNS)
		return conn->wants_syns;
	return event->readers == SERVER_READERS_ALL || !conn->wants_syns;
}

void server_send_event(struct server *server, const struct server_event *event, const char *json,
		       size_t len)
{
	struct conn *conn;

	LIST_FOREACH (conn, &server->subscribers, subscribers) {
		if (!is_for(conn, event))
			continue;
		if (passes(server, conn, event, &event->verdict) ||
		    (event->has_changed && conn->wants_leaves &&
		     passes(server, conn, event, &event->old_verdict)))
			send_to(server, conn, event, json, len);
	}
}

void server_note_missed(struct server *server, uint64_t count)
{
	struct conn *conn;

	LIST_FOREACH (conn, &server->subscribers, subscribers) {
		conn->missed += count;
		put_gap(server, conn);
		update_events(server, conn);
	}
	server->stats.events_missed += count;
}

void server_put_snapshot(struct server_snapshot *snapshot, const struct addr *addr,
			 bool is_confirmed, const struct verdict *verdict, const char *json,
			 size_t len)
{
	static const char head[] = "{\"event\":\"client\"";
	struct conn *conn = snapshot->conn;

	if (snapshot->error == 0 && (is_confirmed || !conn->only_confirmed) &&
	    filter_match(&conn->filter, snapshot->server->params.vocab, addr, verdict))
		snapshot->error = put_object(conn, head, sizeof(head) - 1, json, len);
}

void server_get_stats(const struct server *server, struct server_stats *ret_stats)
{
	*ret_stats = server->stats;
}

static int start(struct server *server, struct text_error *ret_error)
{
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0) {
		int rc = -errno;

		text_error_set(ret_error, 0, 0, "cannot serve the control socket: %s",
			       strerror(-rc));
		return rc;
	}
	return acceptor_open(&server->params.where, server->epoll_fd, ret_error, &server->acceptor);
}

static struct server *alloc_server(const struct server_params *params)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->params = *params;
	places_init(&server->places, params->conns_max);
	if (!params->output_max)
		server->params.output_max = DEFAULT_OUTPUT_MAX;
	if (!params->trusted_events_max)
		server->params.trusted_events_max = DEFAULT_TRUSTED_EVENTS_MAX;
	server->acceptor.listener.fd = server->acceptor.timer_fd = server->epoll_fd = -1;
	server->reply = malloc(server->params.output_max);
	if (server->reply)
		return server;
	free(server);
	return NULL;
}

int server_new(const struct server_params *params, struct text_error *ret_error,
	       struct server **ret_server)
{
	struct server *server = alloc_server(params);
	int r;

	if (!server) {
		text_error_set(ret_error, 0, 0, "no memory for the control socket");
		return -ENOMEM;
	}
	r = start(server, ret_error);
	if (r < 0) {
		server_free(server);
		return r;
	}
	*ret_server = server;
	return 0;
}

void server_free(struct server *server)
{
	if (!server)
		return;
	while (!LIST_EMPTY(&server->conns))
		drop_conn(server, LIST_FIRST(&server->conns));
	acceptor_close(&server->acceptor);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server->reply);
	free(server);
}
