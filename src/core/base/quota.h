/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A quota: so many of something in any stretch of time, a part of it at once. Each worker has its
 * own of each set, so none waits for another. Time comes from the caller.
 */
#ifndef SYNPRINT_CORE_BASE_QUOTA_H
#define SYNPRINT_CORE_BASE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is a quota that nothing was taken from. */
struct quota {
	uint64_t used; /* of the half that may be had at once, times the window in ms */
	uint64_t last_ms;
};

/**
 * quota_take() - take one, if there is one: half of @max at once, and the other half spread over
 * the window, so that no window of time sees more than @max.
 * @max: 1 to 2^31; of 1 there is one in each window
 * @window_s: 1 to 2147483 seconds
 * @now_ms: any clock; where it goes backwards, time stands still
 */
bool quota_take(struct quota *quota, uint32_t max, uint32_t window_s, uint64_t now_ms);

/** quota_has() - whether quota_take() would take one now. */
bool quota_has(struct quota *quota, uint32_t max, uint32_t window_s, uint64_t now_ms);

/** quota_give() - @count that were taken are there again. */
void quota_give(struct quota *quota, uint32_t window_s, uint64_t count);

#endif
