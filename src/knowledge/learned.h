/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of what was learned: read at the start, written atomically now and then and at the
 * stop, by a thread that may wait for the disk. A damaged one is put aside and never keeps the daemon from starting.
 */
#ifndef SYNPRINT_KNOWLEDGE_LEARNED_H
#define SYNPRINT_KNOWLEDGE_LEARNED_H

#include "core/learn/learn.h"

struct learned;

/**
 * learned_open() - read the file where there is one.
 * @path: kept, not copied
 * @vocab: where its words go
 * Return: 0, or -ENOMEM. A file that cannot be read is told in the log.
 */
int learned_open(const char *path, size_t max_shapes, struct vocab *vocab,
		 struct learned **ret_learned);

/** learned_close() - write what is not written yet, for some seconds at the most, and free. NULL is allowed. */
void learned_close(struct learned *learned);

struct learn *learned_learn(struct learned *learned);

/** learned_touch() - something was counted: learned_write_due() is to write. */
void learned_touch(struct learned *learned);

/** learned_write_due() - write where there is something new, once a minute at the most. */
void learned_write_due(struct learned *learned);

/** learned_write() - have it written where there is something new; a failure is logged, and tried again. */
void learned_write(struct learned *learned);

/** learned_wait() - until it is written. Any thread may wait. */
void learned_wait(struct learned *learned);

/** learned_get_error() - of the last try to write: 0 or -errno. NULL: 0. */
int learned_get_error(const struct learned *learned);

#endif
