/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a verdict came about, as JSON: the steps from knowing nothing to the class, each with
 * what it moved; the signatures that look most like the SYN, and the average score of each
 * class; what is known of its MTU and window. For people: nothing here is for the hot path.
 */
#ifndef SYNPRINT_CORE_REPORT_EXPLAIN_H
#define SYNPRINT_CORE_REPORT_EXPLAIN_H

#include "core/report/report.h"

struct explain_bases {
	const struct sigdb *sigdb;
	const struct linkdb *linkdb;
	const struct vocab *vocab;
};

/**
 * explain_put_members() - append `,"explain":{...}` about a report with all of its parts.
 *
 * The changes of "steps" are in whole thousandths and sum to the verdict's confidence exactly;
 * what is rounded is where a step stands, never the sum. An unknown system has no steps.
 */
void explain_put_members(const struct report *report, const struct explain_bases *bases,
			 struct text_buf *buf);

/** explain_step_text() - what a step of match_explain() looks at, in words. */
const char *explain_step_text(const char *name);

#endif
