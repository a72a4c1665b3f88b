/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arrays and texts that grow: twice as much room each time. */
#ifndef SYNPRINT_CORE_BASE_GROW_H
#define SYNPRINT_CORE_BASE_GROW_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline int grow_to(void **array, size_t *room, size_t needed, size_t size)
{
	size_t wanted = *room ? *room : 64;
	void *grown;

	if (needed <= *room)
		return 0;
	while (wanted < needed)
		wanted *= 2;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*room = wanted;
	return 0;
}

/**
 * grow() - make room for one more element.
 * @array: the address of a pointer to heap memory, or to NULL
 * @room: how many elements there is room for
 * @count: how many there are
 * @size: of one element, in bytes
 * Return: 0, or -ENOMEM with nothing changed.
 */
static inline int grow(void **array, size_t *room, size_t count, size_t size)
{
	return grow_to(array, room, count + 1, size);
}

/* Many texts, each with its NUL, one behind the other. */
struct texts {
	char *bytes; /* on the heap; the owner frees it */
	size_t len, room;
};

/**
 * texts_add() - keep one more.
 * @ret_offset: where it begins in bytes
 * Return: 0, or -ENOMEM with nothing changed.
 */
static inline int texts_add(struct texts *texts, const char *text, size_t len, uint32_t *ret_offset)
{
	if (grow_to((void **)&texts->bytes, &texts->room, texts->len + len + 1, 1) < 0)
		return -ENOMEM;
	memcpy(texts->bytes + texts->len, text, len);
	texts->bytes[texts->len + len] = '\0';
	*ret_offset = (uint32_t)texts->len;
	texts->len += len + 1;
	return 0;
}

#endif
