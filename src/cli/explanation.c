/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts for and against a verdict as a sum that anybody can check: each line moves the
 * probability by what stands in front of it, and the last line is the verdict's.
 */
#include "cli/explanation.h"

#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

#include "core/base/vocab.h"

static void put_steps(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *steps = ask_member(explain, "steps"), *step;

	if (!cJSON_GetArraySize(steps)) {
		text_put(buf, "  nothing in the database looks like it\n");
		return;
	}
	text_putf(buf, "  P(%s)  P(family %s)\n", ask_text(explain, "class"),
		  ask_text(explain, "family"));
	cJSON_ArrayForEach (step, steps)
		text_putf(buf, "  %+.3f   %+.3f   %-7s %-18s %s\n", ask_number(step, "change"),
			  ask_number(step, "family_change"),
			  ask_number(step, "change") < 0 ? "against" : "for",
			  ask_text(step, "step"), ask_text(step, "text"));
	text_putf(buf, "  = %.3f  = %.3f  the verdict\n", ask_number(explain, "confidence"),
		  ask_number(explain, "family_confidence"));
}

static bool is_step(const cJSON *explain, const char *name)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, ask_member(explain, "steps"))
		if (strcmp(ask_text(step, "step"), name) == 0)
			return true;
	return false;
}

/* Reasons that moved nothing above: how the signature was found, the link, the client. */
static void put_reasons(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *reason;

	cJSON_ArrayForEach (reason, ask_member(explain, "reasons"))
		if (!is_step(explain, reason->string))
			text_putf(buf, "  %-24s %s\n", reason->string,
				  cJSON_GetStringValue(reason));
}

static void put_guesses(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *guess, *guesses = ask_member(explain, "bestNGuesses");

	if (cJSON_GetArraySize(guesses))
		text_put(buf, "  best guesses, of 10\n");
	cJSON_ArrayForEach (guess, guesses)
		text_putf(buf, "  %5.2f  %-28s %s\n", ask_number(guess, "score"),
			  ask_text(guess, "label"), ask_text(guess, "sig"));
}

static int compare_averages(const void *a, const void *b)
{
	const cJSON *const *left = a, *const *right = b;
	double x = strtod((*left)->valuestring + strlen("avg="), NULL);
	double y = strtod((*right)->valuestring + strlen("avg="), NULL);

	return (x < y) - (x > y);
}

/* As the article prints them, best first. */
static void put_averages(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *average, *sorted[VOCAB_CLASSES_MAX] = {NULL};
	size_t count = 0;

	cJSON_ArrayForEach (average, ask_member(explain, "avgScoreOsClass")) {
		if (count < VOCAB_CLASSES_MAX && cJSON_IsString(average))
			sorted[count++] = average;
	}
	qsort(sorted, count, sizeof(average), compare_averages);
	text_put(buf, "  average score of each class, of 10\n");
	for (size_t i = 0; i < count; i++)
		text_putf(buf, "  %-24s %s\n", sorted[i]->string, sorted[i]->valuestring);
}

static void put_origins(const cJSON *window, struct text_buf *buf)
{
	const cJSON *origin;

	if (ask_number(window, "origin_count") == 0) {
		text_putf(buf, "  window %.0f is no multiple that tells the sender's MSS\n",
			  ask_number(window, "win"));
		return;
	}
	text_putf(buf, "  window %.0f is the largest multiple of MSS", ask_number(window, "win"));
	cJSON_ArrayForEach (origin, ask_member(window, "origins"))
		text_putf(buf, " %.0f", origin->valuedouble);
	if (ask_number(window, "origin_count") > cJSON_GetArraySize(ask_member(window, "origins")))
		text_putf(buf, " and others, %.0f in all", ask_number(window, "origin_count"));
	text_put_char(buf, '\n');
}

static void put_link(const cJSON *object, const cJSON *explain, struct text_buf *buf)
{
	const cJSON *link = ask_member(object, "link"), *found = ask_member(explain, "link"), *cand;
	const cJSON *mtu = ask_member(link, "mtu");

	if (cJSON_IsNumber(mtu))
		text_putf(buf, "  link: MTU %.0f, %s, evidence of a tunnel: %s\n", mtu->valuedouble,
			  ask_text(link, "label"), ask_text(link, "grade"));
	cJSON_ArrayForEach (cand, ask_member(found, "candidates"))
		text_putf(buf, "  %-24s %s (%s)\n", ask_text(cand, "label"),
			  ask_text(cand, "arithmetic"), ask_text(cand, "source"));
	put_origins(ask_member(found, "window"), buf);
}

static void put_clocks(const cJSON *object, const char *name, struct text_buf *buf)
{
	const cJSON *clocks = ask_member(object, "clocks");

	if (cJSON_IsObject(clocks))
		text_putf(buf, "  %-24s %s: %s\n", name, ask_text(clocks, "grade"),
			  ask_text(clocks, "reason"));
}

/* What speaks for somebody behind the client, or for a way that he hides; of captures the clocks. */
static void put_witnesses(const cJSON *object, struct text_buf *buf)
{
	const cJSON *witnesses = ask_member(object, "witnesses"), *witness;

	if (!cJSON_IsObject(witnesses)) {
		put_clocks(object, "clocks", buf);
		return;
	}
	text_putf(buf, "  witnesses of a proxy or a VPN: %.0f of 3\n",
		  ask_number(witnesses, "agree"));
	cJSON_ArrayForEach (witness, witnesses)
		if (cJSON_IsObject(witness))
			text_putf(buf, "  %-24s %s\n", witness->string, ask_text(witness, "text"));
	put_clocks(object, "", buf);
}

void explanation_put(const cJSON *object, struct text_buf *buf)
{
	const cJSON *explain = ask_member(object, "explain");

	if (!cJSON_IsObject(explain)) {
		text_put(buf, "  this SYN is not kept any more: there is nothing to explain\n");
		put_witnesses(object, buf);
		return;
	}
	put_steps(explain, buf);
	put_reasons(explain, buf);
	put_guesses(explain, buf);
	put_averages(explain, buf);
	put_link(object, explain, buf);
	put_witnesses(object, buf);
}
