/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for the arrays of an index that is being made. */
#include "core/sig/sigdb_build.h"

#include <stdlib.h>

bool build_grow(struct build *build, void **array, size_t count, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *memory;

	if (count < *room)
		return true;
	memory = realloc(*array, wanted * size);
	if (!memory) {
		build->failed = true;
		return false;
	}
	*array = memory;
	*room = wanted;
	return true;
}
