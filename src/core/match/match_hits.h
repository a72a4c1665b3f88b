/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signatures that fit a SYN whole, or but for a setting. Only match_hits.c writes them.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_HITS_H
#define SYNPRINT_CORE_MATCH_MATCH_HITS_H

#include "core/match/match_question.h"

#define HITS_MAX 8

struct hit {
	const struct ref *ref;
	const struct node *node;
	uint8_t fit;
	bool condition; /* it has a condition, which holds */
};

struct hits {
	const struct hit *best; /* in the list; NULL without a whole match */
	unsigned count;
	struct hit list[HITS_MAX];
};

/** hits_find() - find them; @ret_hits is written as far as count says. */
void hits_find(struct question *question, struct hits *ret_hits);

#endif
