/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How well a signature fits a SYN, field by field, out of 10. For people: the list of guesses
 * and the average for each class. The probabilities do not come from here.
 */
#include "core/match/match_impl.h"

#include <string.h>

/* Points; all together are 10. What a stack chooses counts more than what the path changes. */
#define POINTS_LAYOUT 4.0f
#define POINTS_SKELETON 2.0f /* the options without padding and timestamps, instead */
#define POINTS_WINDOW 2.0f
#define POINTS_WSCALE 1.5f
#define POINTS_TTL 1.0f
#define POINTS_QUIRKS 1.0f
#define POINTS_QUIRKS_PATH 0.5f /* differ only in what the path changes, instead */
#define POINTS_REST 0.5f /* MSS, IP options, payload, version */

static float score_layout(const struct syn *syn, const struct sig *sig)
{
	if (sig->opt_any)
		return POINTS_LAYOUT;
	if (sig->opt_count == syn->opt_count && sig->opt_eol_pad == syn->opt_eol_pad &&
	    memcmp(sig->opt_kinds, syn->opt_kinds, sig->opt_count) == 0)
		return POINTS_LAYOUT;
	return skeleton_of(sig->opt_kinds, sig->opt_count).stripped ==
			       skeleton_of(syn->opt_kinds, syn->opt_count).stripped
		       ? POINTS_SKELETON
		       : 0;
}

static float score_window(struct lookup *lookup, const struct sig *sig)
{
	struct form form = {.win_kind = (uint8_t)sig->win_kind, .modulus = sig->win};
	uint16_t win;

	if (!lookup_window(lookup, &form, &win))
		return 0;
	return win == sig->win || sig->win_kind == SIG_WIN_MOD ? POINTS_WINDOW : 0;
}

static float score_ttl(const struct syn *syn, const struct sig *sig)
{
	if (sig->initial_ttl < syn->ttl)
		return 0;
	return sig->bad_ttl || sig->initial_ttl - syn->ttl <= MATCH_DIST_MAX ? POINTS_TTL : 0;
}

static float score_quirks(const struct syn *syn, const struct sig *sig)
{
	uint32_t differ = quirks_differ(sig->quirks, sig->ip_version, syn);

	if (!differ)
		return POINTS_QUIRKS;
	return differ & ~(uint32_t)QUIRKS_PATH ? 0 : POINTS_QUIRKS_PATH;
}

static bool rest_fits(const struct syn *syn, const struct sig *sig)
{
	return (sig->mss == SIG_ANY || sig->mss == syn->mss) &&
	       (!sig->ip_version || sig->ip_version == syn->ip_version) &&
	       (sig->ip_opt_len == SIG_ANY || sig->ip_opt_len == syn->ip_opt_len) &&
	       (sig->payload == 2 || sig->payload == (syn->payload_len ? 1 : 0));
}

float score_sig(struct lookup *lookup, const struct sig *sig)
{
	const struct syn *syn = lookup->syn;
	bool wscale = sig->wscale == SIG_ANY || sig->wscale == syn->wscale;

	return score_layout(syn, sig) + score_window(lookup, sig) + (wscale ? POINTS_WSCALE : 0) +
	       score_ttl(syn, sig) + score_quirks(syn, sig) +
	       (rest_fits(syn, sig) ? POINTS_REST : 0);
}

static void insert_guess(struct match_guess *guesses, unsigned count, struct match_guess guess)
{
	unsigned at = count;

	for (; at && guesses[at - 1].score < guess.score; at--)
		guesses[at] = guesses[at - 1];
	guesses[at] = guess;
}

unsigned match_guesses(const struct sigdb *db, const struct syn *syn,
		       struct match_guess ret_guesses[MATCH_BEST_MAX])
{
	struct lookup lookup;
	unsigned count = 0;

	lookup_init(&lookup, db, syn);
	lookup_run(&lookup);
	if (lookup.kind == MATCH_NONE)
		return 0;
	for (; count < MATCH_BEST_MAX && lookup.candidates[count] != NONE; count++) {
		uint32_t sig = lookup.candidates[count];
		const struct entry *entry = &db->entries[sig];

		insert_guess(ret_guesses, count,
			     (struct match_guess){.sig = sig,
						  .label = entry->label,
						  .class_id = entry->class_id,
						  .score = score_sig(&lookup, &entry->sig)});
	}
	return count;
}

void match_average_scores(const struct sigdb *db, const struct syn *syn,
			  float ret_scores[VOCAB_CLASSES_MAX])
{
	struct lookup lookup;
	unsigned counts[VOCAB_CLASSES_MAX] = {0};
	double sums[VOCAB_CLASSES_MAX] = {0};

	lookup_init(&lookup, db, syn);
	for (size_t i = 0; i < db->entry_count; i++) {
		uint8_t id = db->entries[i].class_id;

		sums[id] += (double)score_sig(&lookup, &db->entries[i].sig);
		counts[id]++;
	}
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		ret_scores[id] = counts[id] ? (float)(sums[id] / counts[id]) : 0;
}
