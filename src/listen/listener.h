/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listening Unix socket, made at a path or taken over from whoever started us. It never takes
 * the path of a living process and never deletes what is not a socket.
 */
#ifndef SYNPRINT_LISTEN_LISTENER_H
#define SYNPRINT_LISTEN_LISTENER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "core/base/text.h"

struct listener {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "": it has no file */
	bool is_adopted; /* its file is somebody else's, and stays */
	dev_t dev; /* of the file, so that only that one is removed */
	ino_t ino;
	mode_t mode;
	gid_t group; /* (gid_t)-1: as it comes */
};

/**
 * listener_open() - listen at a path.
 * @group: owner group of the file, (gid_t)-1 to leave it
 * Return: 0; -EADDRINUSE: somebody listens there; -EEXIST: no socket; or -errno.
 */
int listener_open(const char *path, mode_t mode, gid_t group, struct text_error *ret_error,
		  struct listener *ret_listener);

/** listener_remove_dead() - remove the socket at a path, where there is one that nobody listens on. */
void listener_remove_dead(const char *path);

/**
 * listener_adopt() - take over a descriptor that listens already. Where nobody listens at its path but
 * a socket is there, that goes, and listener_is_there() says so.
 * Return: 0 or -errno.
 */
int listener_adopt(int fd, struct text_error *ret_error, struct listener *ret_listener);

/** listener_is_there() - whether anything is at its path: what others put there is left alone. */
bool listener_is_there(const struct listener *listener);

/**
 * listener_renew() - listen anew at the path of a listener whose file is gone.
 * @ret_again: a listener beside the old one, which is still to be closed
 * Return: 0 or -errno.
 */
int listener_renew(const struct listener *listener, struct text_error *ret_error,
		   struct listener *ret_again);

/** listener_close() - stop listening, and remove the file where it is still the one we made. */
void listener_close(struct listener *listener);

#endif
