/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thread: libmicrohttpd is driven from our own loop, an instance for each listener, so that the
 * connections of one keep no places of another. Nothing here wakes up while nobody is connected.
 */
#include "web/http/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "sys/log.h"
#include "web/census.h"
#include "web/http/server_impl.h"
#include "web/series.h"

#define EVENTS_PER_TURN 64
#define RUNS_MAX 16
#define RUNS_QUIET 2
#define ROUNDS_PER_TURN 4 /* of one listener, before the others have their turn */
#define SLOW_MS 2000 /* for listings and figures */
#define IDLE_S 60u /* libmicrohttpd's own patience, for writes that do not move */
#define MEMORY_BYTES 32768u /* of one connection: its headers, which a cookie may make long */
#define SPARE_CONNECTIONS 64 /* taken in before the one that waits longest has gone */

static void read_clocks(struct exchange_site *site)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	site->now_s = now.tv_sec;
	site->today_s = time(NULL);
}

static void notify_connection(void *ctx, struct MHD_Connection *connection, void **place,
			      enum MHD_ConnectionNotificationCode code)
{
	struct http_listener *listener = ctx;
	struct exchange_site *site = listener->server->site;
	const union MHD_ConnectionInfo *info;
	bool has_pushed = false;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		site->figures->connections--;
		if (*place)
			conns_remove(&listener->conns, *place);
		*place = NULL;
		return;
	}
	site->figures->connections++;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	listener->is_active = true;
	*place = info ? conns_add(&listener->conns, info->connect_fd, site->now_s, &has_pushed)
		      : NULL;
	site->figures->pushed_out += has_pushed;
}

/* What libmicrohttpd has to say is about what clients do wrong. */
static void log_nothing(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args;
}

static int start_listener(struct http_server *server, const struct listen_socket *sock)
{
	struct http_listener *listener;
	unsigned max = (unsigned)server->site->config->connections;
	const union MHD_DaemonInfo *info;

	if (server->listener_count == HTTP_LISTENERS_MAX)
		return -ENOSPC;
	listener = &server->listeners[server->listener_count];
	*listener = (struct http_listener){.source = SOURCE_LISTENER,
					   .server = server,
					   .is_unix = sock->is_unix};
	conns_init(&listener->conns, max);
	listener->http =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
				 NULL, NULL, talk_handle, listener, MHD_OPTION_EXTERNAL_LOGGER,
				 log_nothing, NULL, MHD_OPTION_LISTEN_SOCKET,
				 (MHD_socket)fcntl(sock->listener.fd, F_DUPFD_CLOEXEC, 0),
				 MHD_OPTION_CONNECTION_LIMIT, max + SPARE_CONNECTIONS,
				 MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				 MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_BYTES,
				 MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
				 talk_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
				 notify_connection, listener, MHD_OPTION_END);
	if (!listener->http)
		return -EIO;
	server->listener_count++;
	info = MHD_get_daemon_info(listener->http, MHD_DAEMON_INFO_EPOLL_FD);
	return info ? http_server_watch(server, info->epoll_fd, listener) : -EIO;
}

static int watch_signals(struct http_server *server)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	server->signals.source = SOURCE_SIGNAL;
	server->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals.fd < 0
		       ? -errno
		       : http_server_watch(server, server->signals.fd, &server->signals);
}

/* A file tells when it loses its name, and nobody wakes up for it. Without that, one stays deleted. */
static void watch_file(struct http_server *server, const struct listen_socket *sock)
{
	if (*sock->listener.path)
		inotify_add_watch(server->files.fd, sock->listener.path, IN_ATTRIB | IN_MOVE_SELF);
}

/* The old one goes on with those who are connected to it. */
static int renew_socket(struct http_server *server, struct listen_socket *sock,
			struct text_error *ret_error)
{
	struct listen_socket again = *sock;
	int rc = listener_renew(&sock->listener, ret_error, &again.listener);

	if (rc < 0)
		return rc;
	rc = start_listener(server, &again);
	if (rc < 0) {
		close(again.listener.fd);
		return text_error_set(ret_error, 0, 0, "%s", strerror(-rc));
	}
	close(sock->listener.fd);
	*sock = again;
	watch_file(server, sock);
	return 0;
}

static void check_file(struct http_server *server, struct listen_socket *sock)
{
	struct text_error error = {.what = ""};
	char path[sizeof(sock->listener.path)];

	if (listener_is_there(&sock->listener))
		return;
	memcpy(path, sock->listener.path, sizeof(path));
	if (renew_socket(server, sock, &error) == 0) {
		log_line(LOG_LEVEL_WARNING, "somebody deleted %s; it is there again", path);
		return;
	}
	log_line(LOG_LEVEL_WARNING,
		 "somebody deleted %s, and it cannot be made again (%s): nobody can connect to it "
		 "until a restart",
		 path, error.what);
	sock->listener.path[0] = '\0'; /* told once */
}

static int watch_files(struct http_server *server)
{
	server->files.source = SOURCE_FILES;
	server->files.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (server->files.fd < 0)
		return 0;
	for (unsigned i = 0; i < server->socket_count; i++) {
		watch_file(server, &server->sockets[i]);
		check_file(server, &server->sockets[i]); /* one that was handed over may be dead */
	}
	return http_server_watch(server, server->files.fd, &server->files);
}

static void take_file_events(struct http_server *server)
{
	char events[1024];

	while (read(server->files.fd, events, sizeof(events)) > 0)
		continue;
	for (unsigned i = 0; i < server->socket_count; i++)
		check_file(server, &server->sockets[i]);
}

int http_server_new(struct exchange_site *site, struct listen_socket *sockets, unsigned count,
		    struct http_server **ret_server)
{
	struct http_server *server = calloc(1, sizeof(*server));
	int rc = 0;

	if (!server)
		return -ENOMEM;
	server->site = site;
	server->signals.fd = server->files.fd = -1;
	server->sockets = sockets;
	server->socket_count = count;
	server->live.source = SOURCE_ASYNC;
	LIST_INIT(&server->streams);
	LIST_INIT(&server->closed);
	read_clocks(site);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		rc = -errno;
	if (rc == 0)
		rc = watch_signals(server);
	if (rc == 0)
		rc = upstream_open(server, (unsigned)site->config->timeout_ms, &server->fast);
	if (rc == 0)
		rc = upstream_open(server, SLOW_MS, &server->slow);
	census_attach(site->census, server->slow.async);
	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = start_listener(server, &sockets[i]);
	if (rc == 0)
		rc = watch_files(server);
	if (rc < 0) {
		http_server_free(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

/*
 * A connection that has slept, or has written its headers, is ready for its next step without any
 * event of its descriptor, and MHD_get_timeout() does not tell (0.9.75). So it is run until nothing
 * has happened twice.
 */
static void run_listener(struct http_listener *listener)
{
	unsigned quiet = 0;

	listener->has_more = false;
	for (unsigned i = 0; i < RUNS_MAX && quiet < RUNS_QUIET; i++) {
		listener->is_active = false;
		MHD_run(listener->http);
		quiet = listener->is_active ? 0 : quiet + 1;
	}
	listener->has_more |= quiet < RUNS_QUIET;
}

/* How long the listener can be left alone; -1: until something comes. */
static int listener_patience_ms(const struct http_listener *listener)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (listener->has_more)
		return 0;
	if (MHD_get_timeout(listener->http, &ms) != MHD_YES)
		return -1;
	return ms < 1000 ? (int)ms : 1000;
}

/* Until then epoll may wait: -1 for ever. */
static int patience_ms(const struct http_server *server)
{
	int wait_ms = server->site->figures->connections || server->live.async ? 1000 : -1;

	for (unsigned i = 0; i < server->listener_count; i++) {
		int ms = listener_patience_ms(&server->listeners[i]);

		if (ms >= 0 && (wait_ms < 0 || ms < wait_ms))
			wait_ms = ms;
	}
	return wait_ms;
}

/* A program that opens no file any more reads nothing again. */
static void take_signal(struct http_server *server)
{
	static struct log_limit limit;
	struct signalfd_siginfo info;

	if (read(server->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "SIGHUP changes nothing: a restart reads the configuration again");
	else
		server->is_stopping = true;
}

static void handle_event(struct http_server *server, void *place)
{
	switch (*(enum source *)place) {
	case SOURCE_LISTENER: run_listener(place); return;
	case SOURCE_ASYNC:
		if (((struct upstream *)place)->async) /* closed in this turn */
			synprint_async_dispatch(((struct upstream *)place)->async);
		return;
	case SOURCE_SIGNAL: take_signal(server); return;
	case SOURCE_FILES: take_file_events(server); return;
	}
}

/* Requests that were made in this turn leave, and connections whose answers are in go on. */
static void finish_turn(struct http_server *server)
{
	unsigned rounds = 0;
	bool has_more = true;

	while (has_more && rounds++ < ROUNDS_PER_TURN) {
		has_more = false;
		server->slow.has_requests |= census_is_running(server->site->census);
		upstream_flush(&server->fast);
		upstream_flush(&server->slow);
		for (unsigned i = 0; i < server->listener_count; i++) {
			/* Resumed, or with more to do than was done in its last turn. */
			if (listener_patience_ms(&server->listeners[i]) != 0)
				continue;
			has_more = true;
			run_listener(&server->listeners[i]);
		}
	}
	stream_free_closed(server);
}

static void take_live(void *ctx, int rc, const char *line)
{
	struct http_server *server = ctx;

	if (rc == 0 && !series_take(server->site->series, line, server->site->now_s))
		synprint_async_pause(server->live.async, true);
}

/* Events are read again with each second, and only while somebody looks. */
static void tick_live(struct http_server *server)
{
	struct exchange_site *site = server->site;
	bool is_wanted = series_is_wanted(site->series, site->now_s);

	if (is_wanted && server->live.async) {
		synprint_async_pause(server->live.async, false);
	} else if (is_wanted && upstream_open(server, 0, &server->live) == 0) {
		synprint_async_subscribe(server->live.async, "\"syns\":true", take_live, server);
		series_set_on(site->series, true, site->now_s);
	} else if (!is_wanted && server->live.async) {
		synprint_async_free(server->live.async);
		server->live.async = NULL;
		series_set_on(site->series, false, site->now_s);
	}
}

static void tick(struct http_server *server)
{
	int64_t before_s = server->site->now_s;

	read_clocks(server->site);
	if (server->site->now_s == before_s)
		return;
	for (unsigned i = 0; i < server->listener_count; i++) {
		conns_expire(&server->listeners[i].conns, server->site->now_s);
		run_listener(&server->listeners[i]);
	}
	stream_tick(server);
	tick_live(server);
}

int http_server_run(struct http_server *server)
{
	struct epoll_event events[EVENTS_PER_TURN];

	while (!server->is_stopping) {
		int count =
			epoll_wait(server->epoll_fd, events, EVENTS_PER_TURN, patience_ms(server));

		if (count < 0 && errno != EINTR)
			return -errno;
		tick(server);
		for (int i = 0; i < count; i++)
			handle_event(server, events[i].data.ptr);
		finish_turn(server);
	}
	return 0;
}

/* libmicrohttpd does not stop while connections sleep. */
static void wake_all(struct http_server *server)
{
	synprint_async_free(server->fast.async);
	synprint_async_free(server->slow.async);
	synprint_async_free(server->live.async);
	server->fast.async = server->slow.async = NULL;
	stream_close_all(server);
	for (unsigned i = 0; i < server->listener_count; i++)
		MHD_run(server->listeners[i].http);
}

void http_server_free(struct http_server *server)
{
	if (!server)
		return;
	wake_all(server);
	census_attach(server->site->census, NULL);
	for (unsigned i = 0; i < server->listener_count; i++)
		MHD_stop_daemon(server->listeners[i].http);
	stream_free_closed(server);
	if (server->signals.fd >= 0)
		close(server->signals.fd);
	if (server->files.fd >= 0)
		close(server->files.fd);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	free(server);
}
