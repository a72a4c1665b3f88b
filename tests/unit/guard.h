/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that end where a page begins that nobody may touch: a parser that reads one byte too
 * many dies on the spot, with or without sanitizers.
 */
#ifndef SYNPRINT_TESTS_GUARD_H
#define SYNPRINT_TESTS_GUARD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_BYTES_MAX 65536

/** guard_place() - a copy of the bytes that ends at the guard page; valid until the next call. */
static inline const uint8_t *guard_place(const void *bytes, size_t len)
{
	static uint8_t *end;

	if (len > GUARD_BYTES_MAX)
		abort();
	if (!end) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *map = mmap(NULL, GUARD_BYTES_MAX + page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (map == MAP_FAILED || mprotect(map + GUARD_BYTES_MAX, page, PROT_NONE) < 0)
			abort();
		end = map + GUARD_BYTES_MAX;
	}
	if (len)
		memcpy(end - len, bytes, len);
	return end - len;
}

#endif
