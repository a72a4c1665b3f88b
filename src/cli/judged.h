/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The part of a report that SYNs of one shape have in common, kept as text: most of a capture is
 * a few hundred shapes, and their text costs more than their classification.
 */
#ifndef SYNPRINT_CLI_JUDGED_H
#define SYNPRINT_CLI_JUDGED_H

#include "core/report/report.h"

struct judged;

/* Writes the text: report_put_judged(), or another one that says no more than it. */
typedef void judged_write_fn(const struct report *report, const struct vocab *vocab,
			     struct text_buf *buf);

/** judged_new() - an empty store of fixed size; NULL: no memory. */
struct judged *judged_new(judged_write_fn *write);
void judged_free(struct judged *judged);

/** judged_put() - what its writer appends; syn, match and link must be there. */
void judged_put(struct judged *judged, const struct report *report, const struct vocab *vocab,
		struct text_buf *buf);

#endif
