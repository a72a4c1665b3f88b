/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to synprintd, and the one epoll instance that they and all else are watched by. */
#include <errno.h>
#include <sys/epoll.h>

#include "web/http/server_impl.h"

int http_server_watch(struct http_server *server, int fd, void *place)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = place};

	return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int upstream_open(struct http_server *server, unsigned timeout_ms, struct upstream *upstream)
{
	const char *control = server->site->config->control;
	int rc = synprint_async_new(*control ? control : NULL, timeout_ms, &upstream->async);

	upstream->source = SOURCE_ASYNC;
	return rc < 0 ? rc
		      : http_server_watch(server, synprint_async_fd(upstream->async), upstream);
}

void upstream_flush(struct upstream *upstream)
{
	if (!upstream->has_requests)
		return;
	upstream->has_requests = false;
	synprint_async_dispatch(upstream->async);
}
