/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who writes a file for somebody who cannot wait for the disk: a thread of its own, while there is
 * something to write. What was handed over and is not begun gives way to what is newer.
 */
#ifndef SYNPRINT_SYS_CLERK_H
#define SYNPRINT_SYS_CLERK_H

#include <stdbool.h>
#include <stddef.h>

struct clerk;

/**
 * clerk_new() - without a thread, yet.
 * @is_durable: as file_replace(); the folder of such a file is made where it is missing
 * Return: NULL without memory.
 */
struct clerk *clerk_new(bool is_durable);

/**
 * clerk_write() - have a file replaced, soon; a failure is logged, and told by clerk_get_error().
 * @path: copied
 * @text: becomes the clerk's; NULL: remove the file, if the clerk has written it
 * Return: 0; -EBUSY while another path waits for its turn; or -errno.
 */
int clerk_write(struct clerk *clerk, const char *path, char *text, size_t len);

/** clerk_get_error() - of the last try to write: 0 or -errno. Any thread may ask; NULL: 0. */
int clerk_get_error(struct clerk *clerk);

/** clerk_wait() - until all is written, for @max_ms at the most; below 0: for ever. Return: whether it is. */
bool clerk_wait(struct clerk *clerk, int max_ms);

/**
 * clerk_close() - what was handed over is written, if the disk takes it in @max_ms: else that is
 * logged, and it goes on as long as the process lives. NULL is allowed.
 */
void clerk_close(struct clerk *clerk, int max_ms);

#endif
