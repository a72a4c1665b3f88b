/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bucket that drains by half of the maximum in each window, and holds as much. */
#include "core/base/quota.h"

#include <sys/param.h>

static void drain(struct quota *quota, uint64_t half, uint64_t window_ms, uint64_t now_ms)
{
	uint64_t passed_ms = MAX(now_ms, quota->last_ms) - quota->last_ms;
	uint64_t drained = MIN(passed_ms, window_ms) * half;

	quota->used -= MIN(drained, quota->used);
	quota->last_ms = now_ms;
}

bool quota_has(struct quota *quota, uint32_t max, uint32_t window_s, uint64_t now_ms)
{
	uint64_t half = MAX(max / 2, 1), window_ms = (uint64_t)window_s * 1000;

	drain(quota, half, window_ms, now_ms);
	return quota->used + window_ms <= half * window_ms;
}

bool quota_take(struct quota *quota, uint32_t max, uint32_t window_s, uint64_t now_ms)
{
	if (!quota_has(quota, max, window_s, now_ms))
		return false;
	quota->used += (uint64_t)window_s * 1000;
	return true;
}

void quota_give(struct quota *quota, uint32_t window_s, uint64_t count)
{
	uint64_t given = count * window_s * 1000;

	quota->used -= MIN(given, quota->used);
}
