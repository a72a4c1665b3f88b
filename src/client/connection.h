/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of libsynprint-client share; not installed. */
#ifndef SYNPRINT_CLIENT_CONNECTION_H
#define SYNPRINT_CLIENT_CONNECTION_H

#include "synprint/client.h"

#define SYNPRINT_API __attribute__((visibility("default")))

#define CLIENT_TIMEOUT_MS 5000 /* where none is given */

/**
 * client_open() - connect.
 * @connect_ms: how long to wait for room in the daemon's backlog; 0: not at all
 * @timeout_ms: for each answer
 * Return: as synprint_connect(); -ETIMEDOUT.
 */
int client_open(const char *path, unsigned connect_ms, unsigned timeout_ms,
		struct synprint **ret_synprint);

/** client_monotonic_ms() - CLOCK_MONOTONIC. */
int64_t client_monotonic_ms(void);

/** client_fail() - remember why in words. Return: @rc. */
int client_fail(struct synprint *synprint, int rc, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** client_break() - the same; answers and requests do not fit together any more. */
int client_break(struct synprint *synprint, int rc, const char *what);

/** client_receive_answer() - a line within the handle's timeout. Return: as synprint_receive_line(). */
int client_receive_answer(struct synprint *synprint, const char **ret_line);

#endif
