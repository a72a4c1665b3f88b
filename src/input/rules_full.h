/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which sets that packets fill have no room: the counters before and behind each rule's update say
 * what was refused. They are not read at one moment, so a packet that is between them looks like a
 * refusal. Only what two looks agree on counts, and only where it is more than a few.
 */
#ifndef SYNPRINT_INPUT_RULES_FULL_H
#define SYNPRINT_INPUT_RULES_FULL_H

#include "input/rules.h"

#define RULES_FULL_MS 60000 /* so long is a set full that has refused nothing more */

struct rules_full {
	uint32_t fingerprint; /* of the rules that have counted */
	struct rules_refusals {
		uint64_t last; /* refused until the last look */
		uint64_t settled; /* surely, when it was last found full, or at first */
		uint64_t full_ms; /* when it was last found full; 0: it was not */
	} sets[2 * RULES_SETS_MAX]; /* as in struct rules_status */
	uint64_t bits; /* sets that are full; 0 at first, as all of this */
};

/**
 * rules_full_note() - one more look.
 * @now_ms: of a clock that nobody sets
 * Return: a bit for each set that is full and was not.
 */
uint64_t rules_full_note(struct rules_full *full, const struct rules_status *status,
			 uint64_t now_ms);

/**
 * rules_full_refused() - elements that sets NAME4 and NAME6 refused since their rules were loaded.
 * @full: struct rules_full's bits
 * @ret_is_full: whether one of the two is
 */
uint64_t rules_full_refused(const struct rules_status *status, uint64_t full, const char *name,
			    bool *ret_is_full);

#endif
