/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets that HTTP is spoken on: made here, or by whoever started us. */
#ifndef SYNPRINT_WEB_HTTP_LISTEN_H
#define SYNPRINT_WEB_HTTP_LISTEN_H

#include "listen/listener.h"
#include "web/config.h"

struct listen_socket {
	struct listener listener; /* of TCP without a path */
	bool is_unix;
	char text[WEB_PATH_MAX]; /* for the log: http://127.0.0.1:8250/, or the path */
};

/**
 * listen_open() - everything that is to be listened on: the service manager's sockets where there
 * are any, else the configuration's.
 * @ret_sockets: WEB_LISTEN_MAX at the most; to be closed with listen_close()
 * Return: how many; or -errno, with the reason, and none is open.
 */
int listen_open(const struct web_config *config, struct text_error *ret_error,
		struct listen_socket ret_sockets[WEB_LISTEN_MAX]);

/** listen_close() - and remove the files that we made. Without descriptors of -1. */
void listen_close(struct listen_socket *sockets, unsigned count);

#endif
