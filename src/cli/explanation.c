/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts for and against a verdict as a sum that anybody can check: each line moves the
 * probability by what stands in front of it, and the last line is the verdict's.
 */
#include "cli/explanation.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/vocab.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(member(object, name));

	return text ? text : "-";
}

static double number_of(const cJSON *object, const char *name)
{
	const cJSON *value = member(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static void put_steps(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *steps = member(explain, "steps"), *step;

	if (!cJSON_GetArraySize(steps)) {
		text_put(buf, "  nothing in the database looks like it\n");
		return;
	}
	text_putf(buf, "  P(%s)  P(family %s)\n", text_of(explain, "class"),
		  text_of(explain, "family"));
	cJSON_ArrayForEach (step, steps)
		text_putf(buf, "  %+.3f   %+.3f   %-7s %-18s %s\n", number_of(step, "change"),
			  number_of(step, "family_change"),
			  number_of(step, "change") < 0 ? "against" : "for", text_of(step, "step"),
			  text_of(step, "text"));
	text_putf(buf, "  = %.3f  = %.3f  the verdict\n", number_of(explain, "confidence"),
		  number_of(explain, "family_confidence"));
}

static bool is_step(const cJSON *explain, const char *name)
{
	const cJSON *step;

	cJSON_ArrayForEach (step, member(explain, "steps"))
		if (strcmp(text_of(step, "step"), name) == 0)
			return true;
	return false;
}

/* Reasons that moved nothing above: how the signature was found, the link, the client. */
static void put_reasons(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *reason;

	cJSON_ArrayForEach (reason, member(explain, "reasons"))
		if (!is_step(explain, reason->string))
			text_putf(buf, "  %-24s %s\n", reason->string,
				  cJSON_GetStringValue(reason));
}

static void put_guesses(const cJSON *explain, struct text_buf *buf)
{
	const cJSON *guess, *guesses = member(explain, "bestNGuesses");

	if (cJSON_GetArraySize(guesses))
		text_put(buf, "  best guesses, of 10\n");
	cJSON_ArrayForEach (guess, guesses)
		text_putf(buf, "  %5.2f  %-28s %s\n", number_of(guess, "score"),
			  text_of(guess, "label"), text_of(guess, "sig"));
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

	cJSON_ArrayForEach (average, member(explain, "avgScoreOsClass")) {
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

	if (number_of(window, "origin_count") == 0) {
		text_putf(buf, "  window %.0f is no multiple that tells the sender's MSS\n",
			  number_of(window, "win"));
		return;
	}
	text_putf(buf, "  window %.0f is the largest multiple of MSS", number_of(window, "win"));
	cJSON_ArrayForEach (origin, member(window, "origins"))
		text_putf(buf, " %.0f", origin->valuedouble);
	if (number_of(window, "origin_count") > cJSON_GetArraySize(member(window, "origins")))
		text_putf(buf, " and others, %.0f in all", number_of(window, "origin_count"));
	text_put_char(buf, '\n');
}

static void put_link(const cJSON *object, const cJSON *explain, struct text_buf *buf)
{
	const cJSON *link = member(object, "link"), *found = member(explain, "link"), *cand;
	const cJSON *mtu = member(link, "mtu");

	if (cJSON_IsNumber(mtu))
		text_putf(buf, "  link: MTU %.0f, %s, evidence of a tunnel: %s\n", mtu->valuedouble,
			  text_of(link, "label"), text_of(link, "grade"));
	cJSON_ArrayForEach (cand, member(found, "candidates"))
		text_putf(buf, "  %-24s %s (%s)\n", text_of(cand, "label"),
			  text_of(cand, "arithmetic"), text_of(cand, "source"));
	put_origins(member(found, "window"), buf);
}

void explanation_put(const cJSON *object, struct text_buf *buf)
{
	const cJSON *explain = member(object, "explain");

	if (!cJSON_IsObject(explain)) {
		text_put(buf, "  this SYN is not kept any more: there is nothing to explain\n");
		return;
	}
	put_steps(explain, buf);
	put_reasons(explain, buf);
	put_guesses(explain, buf);
	put_averages(explain, buf);
	put_link(object, explain, buf);
}
