/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leaky bucket that is kept as a time. */
#include "publish/pace.h"

void pace_began(struct pace *pace, uint64_t now_ms)
{
	pace->last_ms = now_ms;
	pace->owed_ms = (pace->owed_ms > now_ms ? pace->owed_ms : now_ms) + PACE_PERIOD_MS;
}

uint64_t pace_next_ms(const struct pace *pace)
{
	uint64_t next_ms = pace->last_ms + PACE_GAP_MS;

	if (pace->owed_ms > next_ms + PACE_AHEAD_MS)
		next_ms = pace->owed_ms - PACE_AHEAD_MS;
	return next_ms;
}
