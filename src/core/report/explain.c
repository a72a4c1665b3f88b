/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations. Each step is printed as the difference of two rounded probabilities and not as
 * a rounded difference: so the differences add up to the probability that the verdict has.
 */
#include "core/report/explain.h"

#include <string.h>
#include <math.h>
#include <stdlib.h>

#define CANDIDATES_TOLD 8
#define ORIGINS_TOLD 16

/* Where the sender's MSS is looked for: RFC 9293's least one of IPv6, and a loopback's. */
#define ORIGIN_MSS_MIN 536
#define ORIGIN_MSS_MAX 65495

struct words {
	const char *name, *text;
};

static const struct words step_words[] = {
	{"prior", "how common the class is, before anything is known"},
	{"options", "the order of the options, without padding and timestamps"},
	{"layout", "the options exactly as they are"},
	{"window", "the window"},
	{"scale", "the window scale"},
	{"window and scale", "the window and its scale together"},
	{"window or scale", "the window or its scale, which are not known together"},
	{"signature", "all fields together"},
	{"fields",
	 "the initial TTL, the don't-fragment bit, the window and its scale, each for itself"},
	{"relays and lies", "that something else may stand behind what is seen"},
};

const char *explain_step_text(const char *name)
{
	for (size_t i = 0; i < sizeof(step_words) / sizeof(step_words[0]); i++)
		if (strcmp(name, step_words[i].name) == 0)
			return step_words[i].text;
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (strcmp(name, reason_name((enum reason)i)) == 0)
			return reason_text((enum reason)i);
	return "";
}

static int permille(float fraction)
{
	return (int)lroundf(fraction * 1000);
}

static void put_signed_permille(struct text_buf *buf, int value)
{
	if (value < 0)
		text_put_char(buf, '-');
	text_put_permille(buf, (unsigned)abs(value));
}

static void put_step(struct text_buf *buf, const char *name, int class_before, int class_after,
		     int family_before, int family_after)
{
	text_put(buf, "{\"step\":");
	text_put_json(buf, name);
	text_put(buf, ",\"text\":");
	text_put_json(buf, explain_step_text(name));
	text_put(buf, ",\"change\":");
	put_signed_permille(buf, class_after - class_before);
	text_put(buf, ",\"class\":");
	put_signed_permille(buf, class_after);
	text_put(buf, ",\"family_change\":");
	put_signed_permille(buf, family_after - family_before);
	text_put(buf, ",\"family\":");
	put_signed_permille(buf, family_after);
	text_put_char(buf, '}');
}

static void put_steps(const struct report *report, const struct explain_bases *bases,
		      struct text_buf *buf)
{
	struct match_explanation explanation;
	int class_at = 0, family_at = 0;

	match_explain(bases->sigdb, report->syn, &explanation);
	text_put(buf, "\"class\":");
	text_put_json(buf, vocab_text(bases->vocab, VOCAB_CLASS, explanation.match.class_id));
	text_put(buf, ",\"family\":");
	text_put_json(buf, vocab_text(bases->vocab, VOCAB_FAMILY, explanation.match.family_id));
	text_put(buf, ",\"steps\":[");
	for (unsigned i = 0; i < explanation.step_count; i++) {
		const struct match_step *step = &explanation.steps[i];
		bool is_last = i + 1 == explanation.step_count;
		int class_next =
			is_last ? report->verdict.confidence_permille : permille(step->class_prob);
		int family_next =
			permille(is_last ? explanation.match.family_confidence : step->family_prob);

		if (i)
			text_put_char(buf, ',');
		put_step(buf, step->name, class_at, class_next, family_at, family_next);
		class_at = class_next;
		family_at = family_next;
	}
	text_put(buf, "],\"confidence\":");
	put_signed_permille(buf, class_at);
	text_put(buf, ",\"family_confidence\":");
	put_signed_permille(buf, family_at);
}

/* Hundredths, as the article rounds its scores. */
static void put_score(struct text_buf *buf, float score)
{
	text_putf(buf, "%.2f", (double)score);
}

static void put_guesses(const struct report *report, const struct explain_bases *bases,
			struct text_buf *buf)
{
	struct match_guess guesses[MATCH_BEST_MAX];
	unsigned count = match_guesses(bases->sigdb, report->syn, guesses);

	text_put(buf, ",\"bestNGuesses\":[");
	for (unsigned i = 0; i < count; i++) {
		text_put(buf, i ? ",{\"score\":" : "{\"score\":");
		put_score(buf, guesses[i].score);
		text_put(buf, ",\"os\":");
		text_put_json(buf, vocab_text(bases->vocab, VOCAB_CLASS, guesses[i].class_id));
		text_put(buf, ",\"label\":");
		text_put_json(buf, vocab_text(bases->vocab, VOCAB_LABEL, guesses[i].label));
		text_put(buf, ",\"sig\":\"");
		sig_format(sigdb_sig(bases->sigdb, guesses[i].sig, NULL), buf);
		text_put(buf, "\"}");
	}
	text_put_char(buf, ']');
}

static void put_averages(const struct report *report, const struct explain_bases *bases,
			 struct text_buf *buf)
{
	struct match_average averages[VOCAB_CLASSES_MAX];
	bool is_first = true;

	match_averages(bases->sigdb, report->syn, averages);
	text_put(buf, ",\"avgScoreOsClass\":{");
	VOCAB_EACH_CLASS (id) {
		if (!averages[id].sigs)
			continue;
		if (!is_first)
			text_put_char(buf, ',');
		is_first = false;
		text_put_json(buf, vocab_text(bases->vocab, VOCAB_CLASS, id));
		text_put(buf, ":\"avg=");
		put_score(buf, averages[id].score);
		text_putf(buf, ", N=%u\"", averages[id].sigs);
	}
	text_put_char(buf, '}');
}

static void put_candidate(const struct linkdb *db, const struct vocab *vocab,
			  const struct link_candidate *cand, struct text_buf *buf)
{
	char text[600];
	struct text_buf arithmetic;

	text_buf_init(&arithmetic, text, sizeof(text));
	linkdb_explain(db, cand, &arithmetic);
	text_put(buf, "{\"label\":");
	text_put_json(buf, vocab_text(vocab, VOCAB_LINK, cand->label));
	text_putf(buf, ",\"kind\":\"%s\",\"arithmetic\":", link_kind_name(cand->kind));
	text_put_json(buf, text);
	text_putf(buf,
		  ",\"listed\":%s,\"on_interface\":%s,\"source\":", cand->listed ? "true" : "false",
		  cand->on_interface ? "true" : "false");
	text_put_json(buf, linkdb_source(db, cand));
	text_put_char(buf, '}');
}

static void put_candidates(const struct report *report, const struct explain_bases *bases,
			   struct text_buf *buf)
{
	struct link_candidate cands[CANDIDATES_TOLD];
	size_t count = 0;

	if (report->link->mtu)
		count = linkdb_candidates(bases->linkdb, report->syn->ip_version, report->link->mtu,
					  report->link->mss_clamped, cands, CANDIDATES_TOLD);
	text_putf(buf, "\"candidate_count\":%zu,\"candidates\":[", count);
	for (size_t i = 0; i < count && i < CANDIDATES_TOLD; i++) {
		if (i)
			text_put_char(buf, ',');
		put_candidate(bases->linkdb, bases->vocab, &cands[i], buf);
	}
	text_put_char(buf, ']');
}

static void put_window(const struct report *report, struct text_buf *buf)
{
	const struct link *link = report->link;
	uint16_t origins[ORIGINS_TOLD];
	unsigned count = link_window_origins(report->syn->win, ORIGIN_MSS_MIN, ORIGIN_MSS_MAX,
					     origins, ORIGINS_TOLD);

	text_putf(buf, ",\"window\":{\"win\":%u,\"mss_own\":%s,\"mss_clamped\":%s",
		  report->syn->win, link->mss_own ? "true" : "false",
		  link->mss_clamped ? "true" : "false");
	text_putf(buf, ",\"orig_mss_min\":%u,\"orig_mss_max\":%u,\"orig_mss_count\":%u",
		  link->orig_mss_min, link->orig_mss_max, link->orig_mss_count);
	text_putf(buf, ",\"origin_count\":%u,\"origins\":[", count);
	for (unsigned i = 0; i < count && i < ORIGINS_TOLD; i++)
		text_putf(buf, "%s%u", i ? "," : "", origins[i]);
	text_put(buf, "]}");
}

static void put_reason_texts(uint64_t reasons, struct text_buf *buf)
{
	text_put(buf, ",\"reasons\":{");
	for (bool is_first = true; reasons; reasons &= reasons - 1, is_first = false) {
		enum reason reason = (enum reason)__builtin_ctzll(reasons);

		if (!is_first)
			text_put_char(buf, ',');
		text_put_json(buf, reason_name(reason));
		text_put_char(buf, ':');
		text_put_json(buf, reason_text(reason));
	}
	text_put_char(buf, '}');
}

void explain_put_members(const struct report *report, const struct explain_bases *bases,
			 struct text_buf *buf)
{
	text_put(buf, ",\"explain\":{");
	put_steps(report, bases, buf);
	put_reason_texts(report->verdict.reasons, buf);
	put_guesses(report, bases, buf);
	put_averages(report, bases, buf);
	text_put(buf, ",\"link\":{");
	put_candidates(report, bases, buf);
	put_window(report, buf);
	text_put(buf, "}}");
}
