/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state file: client table and baseline, read at the start, written now and then by a thread
 * of its own and at the stop. A damaged file is put aside and never keeps the daemon from starting;
 * one that cannot be written is told once in a while, and the old one stays.
 */
#ifndef SYNPRINT_KNOWLEDGE_STATE_H
#define SYNPRINT_KNOWLEDGE_STATE_H

#include "core/state/state.h"

struct state;

struct state_params {
	const char *path; /* kept, not copied */
	unsigned interval_s;
	struct state_tables tables; /* outlive the state */
};

/** state_load() - take what the file has, where there is one; what is wrong with it is logged. */
void state_load(const struct state_params *params);

/**
 * state_start() - begin to write every interval; whether the file can be made is tried at once.
 * Return: 0 or -errno.
 */
int state_start(const struct state_params *params, struct state **ret_state);

/** state_get_error() - of the last try to write: 0 or -errno. Any thread may ask; NULL: 0. */
int state_get_error(const struct state *state);

/** state_stop() - end the thread, and write a last time. NULL is allowed. */
void state_stop(struct state *state);

#endif
