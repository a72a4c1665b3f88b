/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Standard output from a thread of its own: while one buffer is written, which takes the kernel as
 * long as it takes us to fill it, the next one is filled.
 */
#ifndef SYNPRINT_CLI_WRITER_H
#define SYNPRINT_CLI_WRITER_H

#include "core/base/text.h"

struct writer;

/** writer_new() - @ret_buf is an empty buffer of @size bytes; NULL: no memory, or no thread. */
struct writer *writer_new(size_t size, struct text_buf *ret_buf);

/** writer_free() - write nothing more, end the thread and free; NULL is allowed. */
void writer_free(struct writer *writer);

/**
 * writer_hand() - have a buffer written, and go on with the other one, which is empty.
 * Return: CLI_OK, or how the last one failed, which has been told.
 */
int writer_hand(struct writer *writer, struct text_buf *buf);

/** writer_wait() - until all is written. Return: as writer_hand(). */
int writer_wait(struct writer *writer);

#endif
