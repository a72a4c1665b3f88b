/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listening sockets that whoever started us has made, sd_listen_fds(3)'s protocol: $LISTEN_FDS
 * descriptors from 3 on, meant for process $LISTEN_PID. Which is which is told by the path that it is bound
 * to, and not by a name: all sockets of one unit share the name.
 */
#ifndef SYNPRINT_SYS_INHERIT_H
#define SYNPRINT_SYS_INHERIT_H

#include <stdbool.h>

#define INHERIT_MAX 8

struct inherited {
	unsigned count;
	int fds[INHERIT_MAX]; /* -1: taken */
};

/** inherit_init() - what there is; each descriptor is closed on exec. At the most INHERIT_MAX. */
void inherit_init(struct inherited *ret_inherited);

/** inherit_has() - whether there is one that listens at this path and was not taken. */
bool inherit_has(const struct inherited *inherited, const char *path);

/** inherit_take() - the socket that listens at this path, from now on the caller's, or -1. */
int inherit_take(struct inherited *inherited, const char *path);

/** inherit_take_proc() - a file of /proc that was handed over beside them, now the caller's, or -1. */
int inherit_take_proc(struct inherited *inherited);

/**
 * inherit_done() - close what nobody took.
 * @fn: called before for each, with the path, "" where it has none; may be NULL
 */
void inherit_done(struct inherited *inherited, void (*fn)(const char *path));

#endif
