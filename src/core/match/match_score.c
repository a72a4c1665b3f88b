/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How well a signature fits a SYN, field by field, out of 10. For people, and to find the closest
 * of a few signatures. The probabilities do not come from here.
 */
#include "core/match/match_score.h"

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

static float score_window(struct question *question, const struct sig *sig)
{
	struct form form = {.win_kind = (uint8_t)sig->win_kind, .modulus = sig->win};
	uint16_t win;

	if (!question_window(question, &form, &win))
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

float score_sig(struct question *question, const struct sig *sig)
{
	const struct syn *syn = question->syn;
	bool wscale = sig->wscale == SIG_ANY || sig->wscale == syn->wscale;

	return score_layout(syn, sig) + score_window(question, sig) + (wscale ? POINTS_WSCALE : 0) +
	       score_ttl(syn, sig) + score_quirks(syn, sig) +
	       (rest_fits(syn, sig) ? POINTS_REST : 0);
}
