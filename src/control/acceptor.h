/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes connections in for a server with an epoll instance of its own. When descriptors run out
 * it looks away for a while instead of spinning.
 */
#ifndef SYNPRINT_CONTROL_ACCEPTOR_H
#define SYNPRINT_CONTROL_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "listen/listener.h"

struct acceptor {
	struct listener listener;
	int epoll_fd; /* the server's */
	int timer_fd;
	bool is_paused;
	bool is_lost; /* the file is gone, and it was said that it cannot be made again */
};

/* Where to listen. */
struct acceptor_params {
	const char *path; /* of the socket to make, or NULL: listen_fd is taken over */
	int listen_fd; /* only without path: a listening stream socket; then ours to close */
	mode_t mode; /* only with path */
	gid_t group; /* only with path; (gid_t)-1: as it comes */
};

/**
 * acceptor_open() - listen, and have @epoll_fd tell of it.
 * @ret_acceptor: stays where it is until acceptor_close()
 * @ret_error: one line for the administrator on failure; may be NULL
 * Return: 0; -EADDRINUSE, -EEXIST as listener_open(); or -errno.
 */
int acceptor_open(const struct acceptor_params *params, int epoll_fd, struct text_error *ret_error,
		  struct acceptor *ret_acceptor);

/** acceptor_close() - also after a failed open of an acceptor that was zeroed before. */
void acceptor_close(struct acceptor *acceptor);

/** acceptor_owns() - whether an epoll event with this data pointer is the acceptor's. */
bool acceptor_owns(const struct acceptor *acceptor, const void *data);

/**
 * acceptor_check() - make the socket's file again where somebody deleted it; who connected before
 * is served on.
 * Return: 0; 1: it is there again; -errno: it cannot be, said once until it is there.
 */
int acceptor_check(struct acceptor *acceptor, struct text_error *ret_error);

/**
 * acceptor_handle() - what an epoll event with this data pointer is about.
 * @add: is given each new connection, non-blocking, and owns it
 * An event that is none of the acceptor's does nothing.
 */
void acceptor_handle(struct acceptor *acceptor, const void *data, void (*add)(void *ctx, int fd),
		     void *ctx);

/**
 * acceptor_dispatch() - what epoll has ready now, without waiting: each connection with an event is
 * served, then newcomers are taken in, as one of them may end a connection that had an event.
 * @serve: is given the data pointer and the events of what is not the acceptor's
 * @add: as acceptor_handle()'s
 */
void acceptor_dispatch(struct acceptor *acceptor,
		       void (*serve)(void *ctx, void *data, uint32_t events),
		       void (*add)(void *ctx, int fd), void *ctx);

/** acceptor_resume() - a descriptor was closed: look again. */
void acceptor_resume(struct acceptor *acceptor);

#endif
