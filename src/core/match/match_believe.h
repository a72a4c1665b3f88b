/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One comparison of a SYN with the database, from the question to an opinion. */
#ifndef SYNPRINT_CORE_MATCH_MATCH_BELIEVE_H
#define SYNPRINT_CORE_MATCH_MATCH_BELIEVE_H

#include "core/match/match.h"
#include "core/match/match_hits.h"
#include "core/match/match_opinion.h"

/* Each part is written by the file of its name alone. */
struct comparison {
	struct question question;
	struct hits hits;
	struct opinion opinion; /* without candidates: nothing known looks like the SYN */
};

/**
 * comparison_run() - find what speaks for which class.
 * @tracer: told of each step; NULL: nobody asks
 * @ret_comparison: points into @db and to @syn
 */
void comparison_run(struct comparison *ret_comparison, const struct sigdb *db,
		    const struct syn *syn, struct tracer *tracer);

#endif
