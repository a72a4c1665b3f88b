/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A listening Unix socket, made at a path or taken over from whoever started us. It never takes
 * the path of a living process and never deletes what is not a socket.
 */
#ifndef SYNPRINT_CONTROL_LISTENER_H
#define SYNPRINT_CONTROL_LISTENER_H

#include <sys/stat.h>
#include <sys/un.h>

#include "core/base/text.h"

struct listener {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* "" for one taken over */
	dev_t dev; /* of the file we made, so that only that one is removed */
	ino_t ino;
};

/**
 * listener_open() - listen at a path.
 * @group: owner group of the file, (gid_t)-1 to leave it
 * Return: 0; -EADDRINUSE: somebody listens there; -EEXIST: no socket; or -errno.
 */
int listener_open(const char *path, mode_t mode, gid_t group, struct text_error *ret_error,
		  struct listener *ret_listener);

/** listener_adopt() - take over a descriptor that listens already. Return: 0 or -errno. */
int listener_adopt(int fd, struct text_error *ret_error, struct listener *ret_listener);

/** listener_close() - stop listening, and remove the file where it is still the one we made. */
void listener_close(struct listener *listener);

#endif
