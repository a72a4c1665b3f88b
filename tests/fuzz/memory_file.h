/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes as a file, for parsers that take a path. */
#ifndef SYNPRINT_FUZZ_MEMORY_FILE_H
#define SYNPRINT_FUZZ_MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_PATH_MAX 32

/* The same file each time, with these bytes in it; its path stays good. */
static inline const char *memory_file(const uint8_t *data, size_t size)
{
	static char path[MEMORY_PATH_MAX];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	return path;
}

#endif
