/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What synprint-web counts of itself, for /metrics. */
#ifndef SYNPRINT_WEB_FIGURES_H
#define SYNPRINT_WEB_FIGURES_H

#include "core/base/text.h"

/* What /auth said, as in its header X-Client-Verdict. */
enum figures_verdict { FIGURES_EXACT, FIGURES_ADDRESS, FIGURES_UNKNOWN, FIGURES_VERDICT_COUNT };

struct figures {
	uint64_t requests;
	uint64_t refused; /* answered with a status from 400 on, but for what /auth denied */
	uint64_t denied; /* by /auth */
	uint64_t verdicts[FIGURES_VERDICT_COUNT]; /* of /auth */
	uint64_t unanswered; /* questions that synprintd did not answer in time */
	uint64_t pushed_out; /* idle connections that gave way to new ones */
	unsigned connections, streams; /* now */
};

/** figures_put() - in Prometheus' text format. */
void figures_put(const struct figures *figures, struct text_buf *out);

#endif
