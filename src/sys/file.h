/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are replaced whole or not at all. */
#ifndef SYNPRINT_SYS_FILE_H
#define SYNPRINT_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * file_replace() - write a file under a temporary name beside it, and rename it.
 * @is_durable: wait for the disk, so that the file outlives a power failure as well
 * or not: then it is one that everybody may read, whatever the umask
 * Return: 0, or -errno; then the old file is as it was.
 */
int file_replace(const char *path, const char *data, size_t len, bool is_durable);

#endif
