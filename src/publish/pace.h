/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the next batch may be committed: twenty a second in the long run. What comes after a quiet
 * time goes out at once, and for some seconds batches may follow each other a little faster, so
 * that nobody waits 50 ms and then the way besides. Pure; time comes from the caller.
 */
#ifndef SYNPRINT_PUBLISH_PACE_H
#define SYNPRINT_PUBLISH_PACE_H

#include <stdint.h>

struct pace {
	uint64_t last_ms; /* when the last batch began */
	uint64_t owed_ms; /* when all batches would have begun at twenty a second */
};

#define PACE_GAP_MS 44 /* between two batches at least */
#define PACE_PERIOD_MS 50 /* in the long run */
#define PACE_AHEAD_MS 3000 /* how far the batches may be ahead of that: 500 of them, 22 s */

/** pace_began() - a batch begins. */
void pace_began(struct pace *pace, uint64_t now_ms);

/** pace_next_ms() - when the next one may begin; a time that has passed means now. */
uint64_t pace_next_ms(const struct pace *pace);

#endif
