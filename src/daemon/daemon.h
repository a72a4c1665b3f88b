/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a whole: everything wired together, in the order in which it starts and the
 * reverse in which it stops.
 */
#ifndef SYNPRINT_DAEMON_DAEMON_H
#define SYNPRINT_DAEMON_DAEMON_H

#include "daemon/packets/generation.h"

/* Exit codes; synprintd(8). The numbers are shared with synprint, which has 3 for itself. */
enum daemon_exit {
	DAEMON_EXIT_OK = 0,
	DAEMON_EXIT_FAILED = 1, /* something else; the log says what */
	DAEMON_EXIT_USAGE = 2,
	DAEMON_EXIT_INPUT = 4, /* configuration, database or capture file */
	DAEMON_EXIT_PRIVILEGES = 5,
	DAEMON_EXIT_QUEUE_BUSY = 6,
	DAEMON_EXIT_SOCKET = 7, /* the control socket cannot be made, or another daemon serves it */
	DAEMON_EXIT_RULES = 8, /* the diversion rules cannot be made */
};

/**
 * daemon_try() - what daemon_serve() would meet on this machine: said line by line, nothing changed.
 * Return: DAEMON_EXIT_OK, or DAEMON_EXIT_INPUT for what it would refuse.
 */
enum daemon_exit daemon_try(const struct generation *generation, const char *user);

/**
 * daemon_serve() - from the control socket to the first diverted SYN, until SIGINT or SIGTERM, and
 * back: rules away, queues drained, sets removed, threads ended.
 * @vocab: becomes the daemon's
 * @generation: loaded; becomes the daemon's
 * @user: whom to become; NULL: as configured
 * Return: the code to exit with; the reason is logged.
 */
enum daemon_exit daemon_serve(struct vocab *vocab, struct generation *generation, const char *user);

#endif
