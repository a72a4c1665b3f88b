/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that wait: put in at the end, taken out at the front, in one piece of memory so that a
 * line can be read in place.
 */
#ifndef SYNPRINT_CONTROL_BYTES_H
#define SYNPRINT_CONTROL_BYTES_H

#include <stddef.h>

struct bytes {
	char *data;
	size_t start, len; /* what waits is data[start] to data[start + len - 1] */
	size_t size;
};

void bytes_done(struct bytes *bytes);

/** bytes_front() - the first byte that waits; good until the next change. */
char *bytes_front(const struct bytes *bytes);

/**
 * bytes_reserve() - room for @len more bytes, to be written at the returned place and then
 * counted in bytes.len; one more byte behind them may be written too.
 * Return: the place, or NULL: no memory.
 */
char *bytes_reserve(struct bytes *bytes, size_t len);

/** bytes_consume() - take @len (at most bytes.len) away from the front; it stays readable until more comes. */
void bytes_consume(struct bytes *bytes, size_t len);

/** bytes_trim() - give a large block back when nothing waits. */
void bytes_trim(struct bytes *bytes);

#endif
