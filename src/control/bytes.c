/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue of bytes in one block: what waits is moved only when more has been taken out already. */
#include "control/bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_BYTES 32768 /* an empty block up to this size is kept for the next bytes */

void bytes_done(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){0};
}

char *bytes_front(const struct bytes *bytes)
{
	return bytes->data + bytes->start;
}

static int grow(struct bytes *bytes, size_t needed)
{
	size_t size = bytes->size ? bytes->size : 1024;
	char *data;

	while (size < needed)
		size *= 2;
	data = realloc(bytes->data, size);
	if (!data)
		return -ENOMEM;
	bytes->data = data;
	bytes->size = size;
	return 0;
}

char *bytes_reserve(struct bytes *bytes, size_t len)
{
	size_t needed = bytes->len + len + 1;

	/* Two bytes moved at the most for each one taken out before: O(1) a byte. */
	if (bytes->start + needed > bytes->size && bytes->start && bytes->start >= bytes->len / 2) {
		memmove(bytes->data, bytes_front(bytes), bytes->len);
		bytes->start = 0;
	}
	needed += bytes->start;
	if (needed > bytes->size && grow(bytes, needed) < 0)
		return NULL;
	return bytes_front(bytes) + bytes->len;
}

void bytes_consume(struct bytes *bytes, size_t len)
{
	bytes->start += len;
	bytes->len -= len;
	if (bytes->len == 0)
		bytes->start = 0;
}

void bytes_trim(struct bytes *bytes)
{
	if (bytes->len == 0 && bytes->size > KEEP_BYTES)
		bytes_done(bytes);
}
