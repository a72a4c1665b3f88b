/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input is taken in while no reply waits for the peer, so both buffers have a fixed size: at most
 * P0F_QUERIES_MAX whole queries and the beginning of another are there at once.
 */
#include "control/p0f_server.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/peer.h"
#include "control/places.h"
#include "sys/clock.h"

struct p0f_conn {
	int fd;
	uint32_t epoll_events; /* what epoll was told last */
	size_t out_start; /* replies wait from here on */
	bool eof; /* the peer sends nothing more */
	struct p0f_stream stream;
	struct place place;
	LIST_ENTRY(p0f_conn) all;
};

LIST_HEAD(p0f_conn_list, p0f_conn);

struct p0f_server {
	struct p0f_server_params params;
	struct acceptor acceptor;
	int epoll_fd;
	struct p0f_conn_list conns;
	struct places places;
	struct p0f_server_stats stats;
};

static int watch(const struct p0f_server *server, int op, uint32_t events, struct p0f_conn *conn)
{
	struct epoll_event event = {.events = events, .data.ptr = conn};

	conn->epoll_events = events;
	return epoll_ctl(server->epoll_fd, op, conn->fd, &event) < 0 ? -errno : 0;
}

static void drop_conn(struct p0f_server *server, struct p0f_conn *conn)
{
	LIST_REMOVE(conn, all);
	places_leave(&server->places, &conn->place);
	epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
	close(conn->fd);
	free(conn);
	server->stats.conns--;
	acceptor_resume(&server->acceptor);
}

static struct p0f_conn *conn_of(struct place *place)
{
	return (struct p0f_conn *)((char *)place - offsetof(struct p0f_conn, place));
}

/* A place for the peer, for which another one's connection may have to go. */
static struct p0f_conn *make_conn(struct p0f_server *server, int fd)
{
	uid_t uid = peer_read(fd).uid;
	struct place *victim = NULL;
	struct p0f_conn *conn;
	int rc = places_ask(&server->places, uid, clock_monotonic_ms(), &victim);

	if (rc < 0)
		return NULL;
	if (rc > 0)
		drop_conn(server, conn_of(victim));
	conn = malloc(sizeof(*conn));
	if (!conn || places_enter(&server->places, uid, clock_monotonic_ms(), &conn->place) < 0) {
		free(conn);
		return NULL;
	}
	conn->fd = fd;
	conn->eof = false;
	conn->out_start = conn->stream.in_len = conn->stream.out_len = 0;
	return conn;
}

static void add_conn(void *ctx, int fd)
{
	struct p0f_server *server = ctx;
	struct p0f_conn *conn = make_conn(server, fd);

	if (!conn || watch(server, EPOLL_CTL_ADD, EPOLLIN, conn) < 0) {
		server->stats.refused++;
		if (conn)
			places_leave(&server->places, &conn->place);
		close(fd);
		free(conn);
		return;
	}
	LIST_INSERT_HEAD(&server->conns, conn, all);
	server->stats.conns++;
	server->stats.accepted++;
}

static bool is_for_later(int error)
{
	return error == EAGAIN || error == EINTR;
}

static int flush(struct p0f_conn *conn)
{
	struct p0f_stream *stream = &conn->stream;

	while (conn->out_start < stream->out_len) {
		ssize_t n = send(conn->fd, stream->out + conn->out_start,
				 stream->out_len - conn->out_start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return is_for_later(errno) ? 0 : -errno;
		conn->out_start += (size_t)n;
	}
	conn->out_start = stream->out_len = 0;
	return 0;
}

static int take_in(struct p0f_conn *conn)
{
	struct p0f_stream *stream = &conn->stream;
	ssize_t n = recv(conn->fd, stream->in + stream->in_len, sizeof(stream->in) - stream->in_len,
			 MSG_DONTWAIT);

	if (n < 0)
		return is_for_later(errno) ? 0 : -errno;
	stream->in_len += (size_t)n;
	conn->eof = n == 0;
	return 0;
}

static void serve_conn(void *ctx, void *data, uint32_t happened)
{
	struct p0f_server *server = ctx;
	struct p0f_conn *conn = data;
	uint32_t events;
	int rc = 0;

	(void)happened;
	if (!conn->stream.out_len) {
		places_touch(&conn->place, clock_monotonic_ms());
		rc = take_in(conn);
		server->stats.queries += p0f_answer(&conn->stream, server->params.lookup,
						    server->params.ctx, &server->stats.bad_queries);
	}
	if (rc == 0)
		rc = flush(conn);
	events = conn->stream.out_len ? EPOLLOUT : EPOLLIN;
	/* A peer that only closed its sending side still gets what it asked for. */
	if (rc < 0 || (conn->eof && !conn->stream.out_len))
		drop_conn(server, conn);
	else if (events != conn->epoll_events)
		watch(server, EPOLL_CTL_MOD, events, conn);
}

int p0f_server_fd(const struct p0f_server *server)
{
	return server->epoll_fd;
}

void p0f_server_dispatch(struct p0f_server *server)
{
	acceptor_dispatch(&server->acceptor, serve_conn, add_conn, server);
}

int p0f_server_tidy(struct p0f_server *server, struct text_error *ret_error)
{
	return acceptor_check(&server->acceptor, ret_error);
}

void p0f_server_get_stats(const struct p0f_server *server, struct p0f_server_stats *ret_stats)
{
	*ret_stats = server->stats;
}

int p0f_server_new(const struct p0f_server_params *params, struct text_error *ret_error,
		   struct p0f_server **ret_server)
{
	struct p0f_server *server = calloc(1, sizeof(*server));
	int rc;

	if (!server) {
		text_error_set(ret_error, 0, 0, "no memory for the p0f socket");
		return -ENOMEM;
	}
	server->params = *params;
	places_init(&server->places, params->conns_max);
	server->acceptor.listener.fd = server->acceptor.timer_fd = -1;
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	rc = server->epoll_fd < 0 ? -errno : 0;
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot serve the p0f socket: %s", strerror(-rc));
	else
		rc = acceptor_open(&params->where, server->epoll_fd, ret_error, &server->acceptor);
	if (rc < 0) {
		p0f_server_free(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

void p0f_server_free(struct p0f_server *server)
{
	if (!server)
		return;
	while (!LIST_EMPTY(&server->conns))
		drop_conn(server, LIST_FIRST(&server->conns));
	acceptor_close(&server->acceptor);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server);
}
