/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a signature database: it is refused with a place inside it, or SYNs like its own
 * signatures and unlike them are compared with it, and the probabilities are some.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/match/match.h"

#define SIGS_TRIED 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct syn syn_like(const struct sig *sig)
{
	struct syn syn = {
		.ip_version = sig->ip_version ? sig->ip_version : 4,
		.ttl = sig->initial_ttl,
		.mss = sig->mss == SIG_ANY ? 1460 : (uint16_t)sig->mss,
		.wscale = sig->wscale == SIG_ANY ? 7 : (uint8_t)sig->wscale,
		.win = sig->win_kind == SIG_WIN_MSS ? (uint16_t)(sig->win * 1460) : sig->win,
		.quirks = sig->quirks == SIG_ANY ? 0 : sig->quirks,
		.opt_count = sig->opt_count,
		.opt_eol_pad = sig->opt_eol_pad,
		.payload_len = sig->payload == 1,
		.ip_header_len = 20,
		.tcp_header_len = 40,
	};

	memcpy(syn.opt_kinds, sig->opt_kinds, sizeof(syn.opt_kinds));
	return syn;
}

static void check_match(const struct sigdb *db, const struct syn *syn)
{
	struct match_guess guesses[MATCH_BEST_MAX];
	struct match_explanation explanation;
	struct match match;
	double sum = 0;

	match_syn(db, syn, &match);
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		sum += (double)match.class_prob[id];
	if (fabs(sum - (match.kind == MATCH_NONE ? 0 : 1)) > 0.001)
		abort();
	if ((match.kind == MATCH_NONE) != (match_guesses(db, syn, guesses) == 0))
		abort();
	match_explain(db, syn, &explanation);
	if (explanation.step_count > MATCH_STEPS_MAX ||
	    explanation.match.class_id != match.class_id)
		abort();
}

static void check_sigs(const struct sigdb *db)
{
	struct sigdb_stats stats;

	sigdb_get_stats(db, &stats);
	for (size_t i = 0; i < stats.sigs && i < SIGS_TRIED; i++) {
		struct syn syn = syn_like(sigdb_sig(db, i, NULL));

		check_match(db, &syn);
		syn.ttl = (uint8_t)(syn.ttl ^ 0x55);
		syn.win++;
		check_match(db, &syn);
		syn.opt_kinds[0] = SYN_OPT_NOP;
		syn.quirks ^= QUIRK_DF | QUIRK_TS_ECHO;
		check_match(db, &syn);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_error error = {0};
	struct vocab *vocab = vocab_new();
	struct sigdb *db = sigdb_new(vocab);
	int r;

	if (!vocab || !db)
		abort();
	r = sigdb_load(db, (const char *)data, size, &error);
	if (r < 0 && (error.line == 0 || error.column == 0 || error.what[0] == '\0'))
		abort();
	if (r == 0 && sigdb_build(db) == 0)
		check_sigs(db);
	sigdb_free(db);
	vocab_free(vocab);
	return 0;
}
