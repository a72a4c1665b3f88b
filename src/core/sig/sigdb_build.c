/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for the arrays of an index that is being made. */
#include "core/sig/sigdb_build.h"

#include "core/base/grow.h"

bool build_grow(struct build *build, void **array, size_t count, size_t *room, size_t size)
{
	if (grow(array, room, count, size) < 0)
		build->failed = true;
	return !build->failed;
}
