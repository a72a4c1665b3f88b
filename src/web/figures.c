/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures as text; synprint-web(8) names each of them. */
#include "web/figures.h"

static void put(struct text_buf *out, const char *type, const char *name, const char *help,
		uint64_t value)
{
	text_putf(out,
		  "# HELP synprint_web_%s %s\n# TYPE synprint_web_%s %s\nsynprint_web_%s %llu\n",
		  name, help, name, type, name, (unsigned long long)value);
}

void figures_put(const struct figures *figures, struct text_buf *out)
{
	static const char *const names[] = {"exact", "address", "unknown"};

	put(out, "counter", "requests_total", "requests", figures->requests);
	put(out, "counter", "refused_total", "requests answered with a status from 400 on",
	    figures->refused);
	put(out, "counter", "denied_total", "requests that /auth denied", figures->denied);
	text_put(out, "# HELP synprint_web_verdicts_total what /auth knew of a client\n"
		      "# TYPE synprint_web_verdicts_total counter\n");
	for (unsigned i = 0; i < FIGURES_VERDICT_COUNT; i++)
		text_putf(out, "synprint_web_verdicts_total{verdict=\"%s\"} %llu\n", names[i],
			  (unsigned long long)figures->verdicts[i]);
	put(out, "counter", "unanswered_total", "questions that synprintd did not answer in time",
	    figures->unanswered);
	put(out, "counter", "pushed_out_total", "idle connections that gave way to new ones",
	    figures->pushed_out);
	put(out, "gauge", "connections", "open connections", figures->connections);
	put(out, "gauge", "streams", "readers of events", figures->streams);
}
