/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for one more element of an array, or for many: twice as much each time. */
#ifndef SYNPRINT_CORE_BASE_GROW_H
#define SYNPRINT_CORE_BASE_GROW_H

#include <errno.h>
#include <stdlib.h>

/**
 * grow() - make room.
 * @array: the address of a pointer to heap memory, or to NULL
 * @room: how many elements there is room for
 * @needed: how many there must be room for
 * @size: of one element, in bytes
 * Return: 0, or -ENOMEM with nothing changed.
 */
static inline int grow(void **array, size_t *room, size_t needed, size_t size)
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

#endif
