/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What speaks for and against a verdict, as a chart in which each bar begins where the one before
 * ended: the last one ends at the verdict's own probability.
 */
#include <math.h>
#include <string.h>

#include "web/pages/parts.h"

static void put_step(struct text_buf *buf, const cJSON *step)
{
	double change = exchange_number(step, "change"), after = exchange_number(step, "class");
	double from = change < 0 ? after : after - change, width = fabs(change);

	text_put(buf, "<tr><th scope=\"row\">");
	part_text(buf, exchange_text(step, "text"));
	text_putf(buf,
		  "</th><td class=\"number\">%+.1f</td><td class=\"number\">%.1f&nbsp;%%</td><td>"
		  "<svg class=\"bar step\" viewBox=\"0 0 1000 60\" preserveAspectRatio=\"none\" "
		  "aria-hidden=\"true\"><rect class=\"track\" width=\"1000\" height=\"60\"/>"
		  "<rect class=\"%s\" x=\"%.0f\" width=\"%.0f\" height=\"60\"/></svg></td></tr>",
		  100 * change, 100 * after, change < 0 ? "against" : "for", 1000 * fmax(from, 0),
		  fmax(1000 * fmin(width, 1), 4));
}

static void put_candidates(struct text_buf *buf, const cJSON *link)
{
	const cJSON *list = exchange_get(link, "candidates"), *item;

	if (!cJSON_GetArraySize(list))
		return;
	text_put(buf, "<h3>What has such a packet size</h3><ul class=\"reasons\">");
	cJSON_ArrayForEach (item, list) {
		text_put(buf, "<li><strong>");
		part_text(buf, exchange_text(item, "label"));
		text_put(buf, "</strong> ");
		part_text(buf, exchange_text(item, "arithmetic"));
		text_put(buf, " <small>");
		part_text(buf, exchange_text(item, "source"));
		text_put(buf, "</small></li>");
	}
	text_put(buf, "</ul>");
}

void part_evidence(struct text_buf *buf, const cJSON *explained)
{
	const cJSON *explain = exchange_get(explained, "explain"), *step;
	const cJSON *steps = exchange_get(explain, "steps");

	if (!cJSON_GetArraySize(steps))
		return;
	text_put(buf, "<section><h2>The evidence</h2><p>From what is common to what this packet "
		      "shows: each line moves the probability of <strong>");
	part_text(buf, exchange_text(explain, "class"));
	text_put(buf, "</strong>.</p><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		      "aria-label=\"The evidence\"><table class=\"evidence\"><thead><tr>"
		      "<th scope=\"col\">Fact</th><th scope=\"col\">Points</th>"
		      "<th scope=\"col\">Then</th><td></td></tr></thead><tbody>");
	cJSON_ArrayForEach (step, steps)
		put_step(buf, step);
	text_put(buf, "</tbody></table></div>");
	put_candidates(buf, exchange_get(explain, "link"));
	text_put(buf, "</section>");
}
