/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the HTTP server share. */
#ifndef SYNPRINT_WEB_HTTP_SERVER_IMPL_H
#define SYNPRINT_WEB_HTTP_SERVER_IMPL_H

#include <microhttpd.h>

#include "synprint/async.h"
#include "web/figures.h"
#include "web/http/conns.h"
#include "web/http/server.h"

/* What a descriptor in epoll is; the first member of whatever it belongs to. */
enum source { SOURCE_LISTENER, SOURCE_ASYNC, SOURCE_SIGNAL, SOURCE_FILES };

#define HTTP_LISTENERS_MAX                                                                         \
	(WEB_LISTEN_MAX + 24) /* one more each time that a socket is made again */

struct http_listener {
	enum source source;
	struct http_server *server;
	struct MHD_Daemon *http;
	bool is_unix;
	bool has_more; /* to do, without waiting for anything */
	bool is_active; /* something has happened in this MHD_run() */
	struct conns conns;
};

/* A connection to synprintd. */
struct upstream {
	enum source source;
	bool has_requests; /* that are to leave at the end of the turn */
	struct synprint_async *async;
};

struct http_server {
	struct exchange_site *site;
	int epoll_fd;
	struct {
		enum source source;
		int fd;
	} signals, files; /* files: inotify's, of Unix sockets */
	struct listen_socket *sockets;
	unsigned socket_count;
	struct http_listener listeners[HTTP_LISTENERS_MAX];
	unsigned listener_count;
	struct upstream fast; /* for what is answered at once */
	struct upstream slow; /* for listings and figures, which /auth is not to wait for */
	struct upstream live; /* events for the series, while somebody looks */
	LIST_HEAD(, stream) streams, closed; /* closed: kept until the turn's events are handled */
	bool is_stopping;
};

/** http_server_watch() - @place: begins with an enum source */
int http_server_watch(struct http_server *server, int fd, void *place);

/** upstream_open() - a connection to synprintd, watched. @timeout_ms: for each answer. Return: 0 or -errno. */
int upstream_open(struct http_server *server, unsigned timeout_ms, struct upstream *upstream);

/** upstream_flush() - let requests leave that were made in this turn. */
void upstream_flush(struct upstream *upstream);

/** talk_handle() - MHD_AccessHandlerCallback; its context is the listener. */
enum MHD_Result talk_handle(void *ctx, struct MHD_Connection *connection, const char *url,
			    const char *method, const char *version, const char *upload,
			    size_t *upload_len, void **place);

/** talk_completed() - MHD_RequestCompletedCallback. */
void talk_completed(void *ctx, struct MHD_Connection *connection, void **place,
		    enum MHD_RequestTerminationCode code);

/**
 * stream_open() - answer with events from now on.
 * @members: of the request "subscribe"
 * Return: the response; NULL: too many are open already, or no memory.
 */
struct MHD_Response *stream_open(struct http_listener *listener, struct MHD_Connection *connection,
				 const char *members);

/** stream_tick() - once a second: a sign of life for those who have heard nothing for long. */
void stream_tick(struct http_server *server);

/** stream_free_closed() - at the end of a turn, when no event can be theirs any more. */
void stream_free_closed(struct http_server *server);

/** stream_close_all() - let every reader's connection come to its end. */
void stream_close_all(struct http_server *server);

#endif
