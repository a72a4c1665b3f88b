/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path and the shipped database: for every signature a SYN is made, then one thing is
 * changed as devices on the path change it. None of that may turn a confident answer into a
 * confident answer of another family, and what is changed is named.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shipped_db.h"
#include "core/match/match.h"
#include "core/base/reason.h"

#define CONFIDENT 0.8f
#define HOPS 9

#define BIT(reason) (UINT64_C(1) << (reason))
#define CHANGE_REASONS                                                                             \
	(BIT(REASON_TTL_FAR) | BIT(REASON_TTL_OTHER) | BIT(REASON_DF_CHANGED) |                    \
	 BIT(REASON_ID_CHANGED) | BIT(REASON_TS_STRIPPED) | BIT(REASON_WSCALE_CHANGED) |           \
	 BIT(REASON_WIN_CHANGED) | BIT(REASON_ECN_CHANGED) | BIT(REASON_OPTS_CHANGED) |            \
	 BIT(REASON_CONTRADICTION))

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = shipped_db_load(vocab);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

/* ---- what the path does; false: not to this SYN ---- */

static bool far_away(struct syn *syn)
{
	if (syn->ttl < 34)
		return false;
	syn->ttl = (uint8_t)(syn->ttl - 33);
	return true;
}

static bool rewrite_ttl(struct syn *syn, uint8_t ttl)
{
	if (sig_initial_ttl(syn->ttl) == ttl)
		return false;
	syn->ttl = (uint8_t)(ttl - 3);
	return true;
}

static bool ttl_64(struct syn *syn)
{
	return rewrite_ttl(syn, 64);
}

static bool ttl_128(struct syn *syn)
{
	return rewrite_ttl(syn, 128);
}

static bool ttl_255(struct syn *syn)
{
	return rewrite_ttl(syn, 255);
}

static bool clear_df(struct syn *syn)
{
	if (!(syn->quirks & QUIRK_DF))
		return false;
	if (!(syn->quirks & QUIRK_ID_NONZERO))
		syn->quirks |= QUIRK_ID_ZERO;
	syn->quirks &= ~(uint32_t)(QUIRK_DF | QUIRK_ID_NONZERO);
	return true;
}

static bool rewrite_id(struct syn *syn)
{
	if (!(syn->quirks & QUIRK_DF))
		return false;
	syn->quirks ^= QUIRK_ID_NONZERO;
	syn->ip_id = syn->quirks & QUIRK_ID_NONZERO ? 4711 : 0;
	return true;
}

static bool clamp_mss(struct syn *syn)
{
	if (syn->mss < 1400)
		return false;
	syn->mss = 1372;
	return true;
}

static bool clamp_mss_hard(struct syn *syn)
{
	if (syn->mss < 1300)
		return false;
	syn->mss = 1211;
	return true;
}

static bool toggle_ecn(struct syn *syn)
{
	syn->quirks ^= QUIRK_ECN;
	return true;
}

static bool toggle_flow(struct syn *syn)
{
	if (syn->ip_version == 4)
		return false;
	syn->quirks ^= QUIRK_FLOW;
	return true;
}

static bool scale_less(struct syn *syn)
{
	if (!syn->has_wscale || !syn->wscale)
		return false;
	syn->wscale--;
	return true;
}

static bool scale_more(struct syn *syn)
{
	if (!syn->has_wscale || syn->wscale == 14)
		return false;
	syn->wscale++;
	return true;
}

static bool scale_zero(struct syn *syn)
{
	if (!syn->wscale)
		return false;
	syn->wscale = 0;
	return true;
}

/* Replace every option of a kind by @nops NOPs. */
static bool replace_option(struct syn *syn, uint8_t kind, unsigned nops)
{
	uint8_t kinds[2 * SYN_OPTS_MAX] = {0};
	unsigned count = 0;
	bool found = false;

	for (unsigned i = 0; i < syn->opt_count; i++) {
		if (syn->opt_kinds[i] != kind) {
			kinds[count++] = syn->opt_kinds[i];
			continue;
		}
		found = true;
		for (unsigned k = 0; k < nops; k++)
			kinds[count++] = SYN_OPT_NOP;
	}
	if (!found || count > SYN_OPTS_MAX)
		return false;
	memcpy(syn->opt_kinds, kinds, SYN_OPTS_MAX);
	syn->opt_count = (uint8_t)count;
	return true;
}

static bool nop_timestamps(struct syn *syn)
{
	syn->has_ts = false;
	return replace_option(syn, SYN_OPT_TS, 10);
}

static bool cut_timestamps(struct syn *syn)
{
	syn->has_ts = false;
	return replace_option(syn, SYN_OPT_TS, 0);
}

static bool nop_sack(struct syn *syn)
{
	syn->has_sack_ok = false;
	return replace_option(syn, SYN_OPT_SACK_OK, 2);
}

static bool nop_wscale(struct syn *syn)
{
	syn->wscale = 0;
	syn->has_wscale = false;
	return replace_option(syn, SYN_OPT_WSCALE, 3);
}

static bool reverse_options(struct syn *syn)
{
	uint8_t kinds[SYN_OPTS_MAX] = {0};

	if (syn->opt_count < 2 || syn->opt_kinds[syn->opt_count - 1] == SYN_OPT_EOL)
		return false;
	for (unsigned i = 0; i < syn->opt_count; i++)
		kinds[i] = syn->opt_kinds[syn->opt_count - 1 - i];
	memcpy(syn->opt_kinds, kinds, sizeof(kinds));
	return true;
}

static bool swap_options(struct syn *syn)
{
	uint8_t kind = syn->opt_kinds[0];

	if (syn->opt_count < 2 || syn->opt_kinds[1] == SYN_OPT_EOL)
		return false;
	syn->opt_kinds[0] = syn->opt_kinds[1];
	syn->opt_kinds[1] = kind;
	return true;
}

static bool pad_with_eol(struct syn *syn)
{
	if (!syn->opt_count || syn->opt_count > 38 ||
	    syn->opt_kinds[syn->opt_count - 1] == SYN_OPT_EOL)
		return false;
	syn->opt_kinds[syn->opt_count++] = SYN_OPT_EOL;
	syn->opt_eol_pad = 3;
	return true;
}

static const struct {
	const char *name;
	bool (*change)(struct syn *syn);
} changes[] = {
	{"far away", far_away},
	{"TTL rewritten to 64", ttl_64},
	{"TTL rewritten to 128", ttl_128},
	{"TTL rewritten to 255", ttl_255},
	{"DF cleared", clear_df},
	{"IP ID rewritten", rewrite_id},
	{"MSS clamped", clamp_mss},
	{"MSS clamped hard", clamp_mss_hard},
	{"ECN set or bleached", toggle_ecn},
	{"flow label set or cleared", toggle_flow},
	{"scale one less", scale_less},
	{"scale one more", scale_more},
	{"scale zero", scale_zero},
	{"timestamps replaced by NOPs", nop_timestamps},
	{"timestamps cut out", cut_timestamps},
	{"SACK replaced by NOPs", nop_sack},
	{"scale replaced by NOPs", nop_wscale},
	{"options reversed", reverse_options},
	{"options swapped", swap_options},
	{"padded with EOL", pad_with_eol},
};

static void explain_flip(const struct syn *syn, const char *change, const struct match *before,
			 const struct match *after)
{
	char text[SIG_TEXT_MAX];
	struct text_buf buf;
	struct sig sig;

	text_buf_init(&buf, text, sizeof(text));
	sig_from_syn(syn, &sig);
	sig_format(&sig, &buf);
	cr_log_error("%s: %s, %s %.3f became %s %.3f", change, text,
		     vocab_text(vocab, VOCAB_FAMILY, before->family_id),
		     (double)before->family_confidence,
		     vocab_text(vocab, VOCAB_FAMILY, after->family_id),
		     (double)after->family_confidence);
}

Test(match_path, flips_no_confident_family, .init = setup, .fini = teardown)
{
	unsigned flips = 0, tried = 0;
	struct match before, after;
	struct syn syn, changed;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, HOPS, &syn))
			continue;
		match_syn(db, &syn, &before);
		/* What has next to no options is what its last bit says. */
		if (before.family_confidence < CONFIDENT || syn.opt_count < 2)
			continue;
		for (size_t k = 0; k < sizeof(changes) / sizeof(changes[0]); k++) {
			changed = syn;
			if (!changes[k].change(&changed))
				continue;
			tried++;
			match_syn(db, &changed, &after);
			/* Between a tool and the stack that it imitates lies one field. */
			if (after.family_id == before.family_id || after.tool || before.tool ||
			    after.family_confidence < CONFIDENT)
				continue;
			flips++;
			explain_flip(&changed, changes[k].name, &before, &after);
		}
	}
	cr_expect_eq(flips, 0, "%u of %u changes flip the family", flips, tried);
	cr_expect_gt(tried, 4000);
}

/* Where the change leaves no whole signature, something is named. */
Test(match_path, names_what_was_changed, .init = setup, .fini = teardown)
{
	unsigned silent = 0, named = 0;
	struct match after;
	struct syn syn, changed;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, HOPS, &syn))
			continue;
		for (size_t k = 0; k < sizeof(changes) / sizeof(changes[0]); k++) {
			changed = syn;
			if (!changes[k].change(&changed) || changed.mss != syn.mss)
				continue; /* what the MSS says is link.c's to tell */
			match_syn(db, &changed, &after);
			if (after.kind != MATCH_FUZZY)
				continue;
			named += (after.reasons & CHANGE_REASONS) != 0;
			silent += (after.reasons & CHANGE_REASONS) == 0;
		}
	}
	cr_expect_gt(named, 1500);
	/* Windows 2000 at TTL 64 is a Nintendo but for its MSS: nothing else to name. */
	cr_expect_leq(silent, 1, "%u of %u changes are not named", silent, silent + named);
}

static bool is_headline_of(const struct match *match)
{
	const char *label = vocab_text(vocab, VOCAB_LABEL, match->label);
	const char *class = vocab_text(vocab, VOCAB_CLASS, match->class_id);

	return match->kind == MATCH_NONE || strncmp(label, class, strlen(class)) == 0 ||
	       strncmp(label, "Apple ", 6) == 0 || strncmp(label, "perhaps ", 8) == 0 ||
	       strncmp(label, "no known system; ", 17) == 0;
}

Test(match_path, headline_is_of_the_class, .init = setup, .fini = teardown)
{
	unsigned others = 0, tried = 0;
	struct match match;
	struct syn syn, changed;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, HOPS, &syn))
			continue;
		for (size_t k = 0; k < sizeof(changes) / sizeof(changes[0]); k++) {
			changed = syn;
			if (!changes[k].change(&changed))
				continue;
			match_syn(db, &changed, &match);
			others += !is_headline_of(&match);
			tried++;
		}
	}
	cr_expect_eq(others, 0, "%u of %u headlines name another class", others, tried);
}

Test(match_path, never_adds_confidence, .init = setup, .fini = teardown)
{
	struct match before, after;
	struct syn syn;

	for (size_t i = 0; i < shipped_db_count(db); i++) {
		if (!syn_from_sig(db, i, HOPS, &syn) || sigdb_info(db, i).tool)
			continue;
		match_syn(db, &syn, &before);
		if (before.kind != MATCH_SPECIFIC || !far_away(&syn))
			continue;
		match_syn(db, &syn, &after);
		if (after.kind == MATCH_SPECIFIC && after.label == before.label)
			cr_expect_leq(after.confidence, before.confidence + 1e-4f);
	}
}
