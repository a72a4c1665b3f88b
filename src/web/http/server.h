/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The HTTP server: listeners, exchanges and streams in one thread and one epoll instance. */
#ifndef SYNPRINT_WEB_HTTP_SERVER_H
#define SYNPRINT_WEB_HTTP_SERVER_H

#include "web/exchange.h"
#include "web/http/listen.h"

struct http_server;

/**
 * http_server_new() - serve on these sockets, once http_server_run() is called.
 * @site: kept; its clocks are set by the server
 * @sockets: listening; stay the caller's. A Unix socket whose file is deleted is made again in its place
 * Return: 0; -ENOMEM; -errno.
 */
int http_server_new(struct exchange_site *site, struct listen_socket *sockets, unsigned count,
		    struct http_server **ret_server);

/** http_server_free() - close every connection. NULL is allowed. */
void http_server_free(struct http_server *server);

/** http_server_run() - until SIGTERM or SIGINT, which have to be blocked. Return: 0 or -errno. */
int http_server_run(struct http_server *server);

#endif
