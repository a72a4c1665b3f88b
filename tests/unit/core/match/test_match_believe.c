/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What speaks against a signature, and how loud: small databases, and SYNs that differ from their
 * signatures in one thing. And what holds of any verdict and of each step to it.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "shipped_db.h"
#include "core/base/reason.h"
#include "core/match/match.h"
#include "core/sig/made_db.h"

#define HEAD "class = A, F\nclass = B, G\nclass = C, H\nclass = D, I\n[tcp:request]\n"
#define BIT(reason) (UINT64_C(1) << (reason))
#define TTL_REASONS (BIT(REASON_TTL_FAR) | BIT(REASON_TTL_OTHER))
#define SHAPE_REASONS (BIT(REASON_WIN_CHANGED) | BIT(REASON_WSCALE_CHANGED))
#define OPTION_REASONS (BIT(REASON_OPTS_CHANGED) | BIT(REASON_TS_STRIPPED))
#define QUIRK_REASONS                                                                              \
	(BIT(REASON_DF_CHANGED) | BIT(REASON_ID_CHANGED) | BIT(REASON_ECN_CHANGED) |               \
	 BIT(REASON_CONTRADICTION))

TestSuite(match_believe, .init = setup, .fini = teardown);

static void build(const char *text)
{
	struct text_error error = {0};

	cr_assert_eq(sigdb_load(db, text, strlen(text), &error), 0, "%u:%u: %s: %s", error.line,
		     error.column, error.what, text);
	cr_assert_eq(sigdb_build(db), 0);
}

static struct match match_of(const struct syn *syn)
{
	struct match match;

	match_syn(db, syn, &match);
	return match;
}

static struct match match_text(const char *sig)
{
	struct syn syn = syn_of_text(sig);

	return match_of(&syn);
}

static float prob_of(const struct match *match, const char *class)
{
	return match->class_prob[vocab_find(vocab, VOCAB_CLASS, class, strlen(class))];
}

/* Fields that no path changes: each by itself. */
Test(match_believe, odd_fields)
{
	static const struct {
		uint32_t quirks;
		float contradiction;
	} cases[] = {
		{QUIRK_TS_ECHO, 0.5f},
		{QUIRK_ACK_NONZERO, 0.5f},
		{QUIRK_URG_FLAG, 0.5f},
		{QUIRK_URG_PTR, 0.4f},
		{QUIRK_PUSH, 0.5f},
		{QUIRK_WSCALE_BIG, 0.6f},
		{QUIRK_SEQ_ZERO, 0.2f},
		{QUIRK_RESERVED, 0.4f},
		{QUIRK_TS_ZERO, 0.1f},
		{QUIRK_OPT_TRAILING, 0.3f},
		{QUIRK_OPT_BAD, 0.5f},
		{QUIRK_PUSH | QUIRK_OPT_BAD, 0.75f},
		{QUIRK_URG_PTR | QUIRK_SEQ_ZERO, 0.52f},
		{QUIRK_WSCALE_BIG | QUIRK_URG_PTR, 0.76f},
		{QUIRK_WSCALE_BIG | QUIRK_OPT_BAD | QUIRK_TS_ZERO, 0.82f},
		{QUIRK_PUSH | QUIRK_OPT_BAD | QUIRK_URG_FLAG, 0.875f},
	};

	build(HEAD "label = s:unix:A:1\nsig = *:64:0:*:1024,3:mss,nop,ws,sok,ts:df,id+:0\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of_text("4:64:0:1460:1024,3:mss,nop,ws,sok,ts:df,id+:0");
		struct match match;

		syn.quirks |= cases[i].quirks;
		match = match_of(&syn);
		cr_expect_eq(match.kind, MATCH_FUZZY);
		cr_expect_float_eq(match.contradiction, cases[i].contradiction, 1e-5f, "%x: %f",
				   cases[i].quirks, (double)match.contradiction);
		cr_expect_eq(match.inconsistent, cases[i].contradiction > 0.8f);
		cr_expect_eq(match.reasons & QUIRK_REASONS, BIT(REASON_CONTRADICTION), "%x",
			     cases[i].quirks);
	}
}

/* A quirk that is missing is less than one that is there. */
Test(match_believe, quirks_that_differ)
{
	static const struct {
		const char *sig, *syn;
		uint64_t reasons;
	} cases[] = {
		{"df,id+", "", BIT(REASON_DF_CHANGED)},
		{"df,id+", "id-", BIT(REASON_DF_CHANGED)},
		{"df,id+", "df", BIT(REASON_ID_CHANGED)},
		{"id-", "", BIT(REASON_ID_CHANGED)},
		{"df,id+", "df,ecn", BIT(REASON_ID_CHANGED) | BIT(REASON_ECN_CHANGED)},
		{"df,id+,ecn", "id+", BIT(REASON_DF_CHANGED) | BIT(REASON_ECN_CHANGED)},
		{"df,id+,pushf+", "df,id+", BIT(REASON_CONTRADICTION)},
		{"df,id+,uptr+", "df,id+,ecn", BIT(REASON_CONTRADICTION) | BIT(REASON_ECN_CHANGED)},
		{"df,id+", "df,id+,ecn", BIT(REASON_ECN_CHANGED)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match;
		char text[300];

		renew();
		snprintf(text, sizeof(text),
			 HEAD "label = s:unix:A:1\nsig = 4:64:0:*:1024,3:mss,nop,ws:%s:0\n",
			 cases[i].sig);
		build(text);
		snprintf(text, sizeof(text), "4:64:0:1460:1024,3:mss,nop,ws:%s:0", cases[i].syn);
		match = match_text(text);
		cr_expect_eq(match.reasons & QUIRK_REASONS, cases[i].reasons, "%s, %s: %lx",
			     cases[i].sig, cases[i].syn, match.reasons & QUIRK_REASONS);
		cr_expect_eq(match.contradiction, 0);
	}
}

/* Hops of a SYN that differs in DF too, so that no signature fits it whole. */
Test(match_believe, hops_of_what_fits_nearly)
{
	static const struct {
		const char *initial;
		uint8_t ttl;
		uint64_t reasons;
		float contradiction;
	} cases[] = {
		{"64", 64, 0, 0},
		{"64", 34, 0, 0},
		{"64", 33, BIT(REASON_TTL_FAR), 0},
		{"64", 4, BIT(REASON_TTL_FAR), 0},
		{"64", 3, BIT(REASON_TTL_OTHER), 0.45f},
		{"64", 65, BIT(REASON_TTL_OTHER), 0.45f},
		{"255", 190, BIT(REASON_TTL_FAR), 0},
		{"255", 129, BIT(REASON_TTL_FAR), 0},
		{"255", 128, BIT(REASON_TTL_OTHER), 0.45f},
		{"64-", 10, 0, 0},
		{"64-", 0, 0, 0},
		{"64-", 65, BIT(REASON_TTL_OTHER), 0.45f},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of_text("4:64:0:1460:1024,3:mss,nop,ws:id+:0");
		struct match match;
		char text[300];

		renew();
		snprintf(text, sizeof(text),
			 HEAD "label = s:unix:A:1\nsig = 4:%s:0:*:1024,3:mss,nop,ws:df,id+:0\n",
			 cases[i].initial);
		build(text);
		syn.ttl = cases[i].ttl;
		match = match_of(&syn);
		cr_expect_eq(match.kind, MATCH_FUZZY);
		cr_expect_eq(match.reasons & TTL_REASONS, cases[i].reasons, "%s from %u: %lx",
			     cases[i].initial, cases[i].ttl, match.reasons & TTL_REASONS);
		cr_expect_float_eq(match.contradiction, cases[i].contradiction, 1e-5f, "%s from %u",
				   cases[i].initial, cases[i].ttl);
		cr_expect_eq(match.reasons >> REASON_CONTRADICTION & 1, 0, "by itself ordinary");
	}
}

/* As p0f: 35 hops and no more; from 31 on they are named. */
Test(match_believe, hops_of_what_fits)
{
	static const struct {
		const char *initial;
		uint8_t ttl, dist;
		enum match_kind kind;
		bool is_far;
	} cases[] = {
		{"64", 64, 0, MATCH_SPECIFIC, false},    {"64", 34, 30, MATCH_SPECIFIC, false},
		{"64", 33, 31, MATCH_SPECIFIC, true},    {"64", 29, 35, MATCH_SPECIFIC, true},
		{"64", 28, 36, MATCH_FUZZY, true},       {"64-", 20, 127, MATCH_SPECIFIC, false},
		{"64-", 64, 127, MATCH_SPECIFIC, false}, {"64-", 65, 127, MATCH_FUZZY, false},
		{"255", 195, 60, MATCH_FUZZY, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of_text("4:64:0:1460:1024,3:mss,nop,ws:df,id+:0");
		struct match match;
		char text[300];

		renew();
		snprintf(text, sizeof(text),
			 HEAD "label = s:unix:A:1\nsig = 4:%s:0:*:1024,3:mss,nop,ws:df,id+:0\n",
			 cases[i].initial);
		build(text);
		syn.ttl = cases[i].ttl;
		match = match_of(&syn);
		cr_expect_eq(match.kind, cases[i].kind, "%s from %u: %s", cases[i].initial,
			     cases[i].ttl, match_kind_name(match.kind));
		cr_expect_eq(match.reasons >> REASON_TTL_FAR & 1, cases[i].is_far, "%s from %u",
			     cases[i].initial, cases[i].ttl);
		cr_expect_eq(match.dist_hops, cases[i].dist, "%s from %u: %u", cases[i].initial,
			     cases[i].ttl, match.dist_hops);
	}
}

#define ONE "mss,nop,ws"
#define OTHER "mss,sok,ts,nop,ws"

static const char two_stacks[] =
	HEAD "label = s:unix:A:1\nsig = *:64:0:*:1000,3:" ONE ":df,id+:0\n"
	     "sig = *:64:0:*:7000,8:" OTHER ":df,id+:0\n"
	     "sig = *:64:0:*:2000,5:" ONE ":df,id+:0\n"
	     "label = s:unix:B:1\nsig = *:64:0:*:3000,6:" OTHER ":df,id+:0\n";

/* Which of the window and the scale are known with these options. */
Test(match_believe, parts_of_a_shape)
{
	static const struct {
		uint16_t win;
		uint8_t wscale;
		uint64_t reasons;
		float contradiction;
	} cases[] = {
		{1000, 3, 0, 0},
		{1000, 5, BIT(REASON_WSCALE_CHANGED), 0},
		{1000, 9, BIT(REASON_WSCALE_CHANGED), 0},
		{4000, 3, BIT(REASON_WIN_CHANGED), 0},
		{4000, 9, SHAPE_REASONS, 0},
		{3000, 6, SHAPE_REASONS, 0.65f}, /* known, but of others */
		{7000, 8, SHAPE_REASONS, 0}, /* known with other options of the same systems */
	};

	build(two_stacks);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of_text("4:64:0:1460:1000,3:" ONE ":df,id+:0");
		struct match match;

		syn.win = cases[i].win;
		syn.wscale = cases[i].wscale;
		match = match_of(&syn);
		cr_expect_eq(match.reasons & SHAPE_REASONS, cases[i].reasons, "%u, %u: %lx",
			     syn.win, syn.wscale, match.reasons & SHAPE_REASONS);
		cr_expect_float_eq(match.contradiction, cases[i].contradiction, 1e-5f, "%u, %u: %f",
				   syn.win, syn.wscale, (double)match.contradiction);
		cr_expect_eq(match.reasons >> REASON_CONTRADICTION & 1, cases[i].contradiction > 0,
			     "told from a half on");
	}
}

Test(match_believe, options_that_are_gone)
{
	static const struct {
		const char *sig, *syn;
		uint64_t reasons;
	} cases[] = {
		{"ts,mss,nop,ws", "mss,nop,ws", OPTION_REASONS},
		{"mss,nop,ws,ts", "mss,nop,ws", OPTION_REASONS},
		{"mss,nop,ws", "mss,ws", BIT(REASON_OPTS_CHANGED)},
		{"ts,mss,nop,ws", "ts,mss,ws", BIT(REASON_OPTS_CHANGED)},
		{"mss,nop,ws,ts", "mss,ws,ts", BIT(REASON_OPTS_CHANGED)},
		{"mss,nop,ws", "mss,ws,ts", BIT(REASON_OPTS_CHANGED)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match;
		char text[300];

		renew();
		snprintf(text, sizeof(text),
			 HEAD "label = s:unix:A:1\nsig = 4:64:0:*:1024,3:%s:df,id+:0\n",
			 cases[i].sig);
		build(text);
		snprintf(text, sizeof(text), "4:64:0:1460:1024,3:%s:df,id+:0", cases[i].syn);
		match = match_text(text);
		cr_expect_eq(match.reasons & OPTION_REASONS, cases[i].reasons, "%s, %s: %lx",
			     cases[i].sig, cases[i].syn, match.reasons & OPTION_REASONS);
		cr_expect_eq(match.reasons & SHAPE_REASONS, 0, "they are known with these options");
	}
}

/* The three most common systems of a shape are compared with, and no more. */
Test(match_believe, the_closest_of_three)
{
	static const struct {
		uint8_t ttl;
		uint64_t reasons;
	} cases[] = {{60, 0}, {25, 0}, {120, 0}, {250, BIT(REASON_TTL_OTHER)}};

	build(HEAD "label = s:unix:A:1\nsig = 4:64:0:*:1024,3:" ONE ":df,id+:0 @ 40\n"
		   "label = s:unix:B:1\nsig = 4:32:0:*:1024,3:" ONE ":df,id+:0 @ 30\n"
		   "label = s:unix:C:1\nsig = 4:128:0:*:1024,3:" ONE ":df,id+:0 @ 20\n"
		   "label = s:unix:D:1\nsig = 4:255:0:*:1024,3:" ONE ":df,id+:0 @ 10\n");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = syn_of_text("4:64:0:1460:1024,3:" ONE ":id+:0");
		struct match match;

		syn.ttl = cases[i].ttl;
		match = match_of(&syn);
		cr_expect_eq(match.reasons & TTL_REASONS, cases[i].reasons, "%u: %lx", syn.ttl,
			     match.reasons & TTL_REASONS);
	}
}

/* Windows that are multiples of many numbers: so many of the signatures speak. */
Test(match_believe, eight_shapes_at_once)
{
	static const unsigned moduli[] = {2, 3, 4, 5, 6, 8, 10, 12, 15, 16};
	struct syn syn = syn_of_text("4:64:0:1460:48000,3:" ONE ":id+:0");
	size_t len = 0, speaking = 0;
	struct match match;
	char text[2000];

	for (size_t i = 0; i < 10; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "class = K%zu, F\n", i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "[tcp:request]\n");
	for (size_t i = 0; i < 10; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"label = s:unix:K%zu:\nsig = 4:64:0:*:%%%u,3:" ONE
					":df,id+:0\n",
					i, moduli[i]);
	build(text);
	match = match_of(&syn);
	for (size_t i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "K%zu", i);
		speaking += prob_of(&match, text) > 0.11f;
	}
	cr_expect_eq(speaking, 8, "%zu", speaking);
}

/* Points of a guess: 10, less for each field that differs. */
Test(match_believe, scores)
{
	static const struct {
		const char *sig, *syn;
		uint8_t ttl;
		uint16_t payload_len;
		float score;
	} cases[] = {
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 29, 0,
		 10},
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 28, 0,
		 9},
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 65, 0,
		 9},
		{"4:64-:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 1, 0,
		 10},
		{"4:64:0:*:1024,3:" ONE ":df,id+:+", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 1,
		 10},
		{"4:64:0:*:1024,3:" ONE ":df,id+:+", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 0,
		 9.5f},
		{"4:64:0:*:1024,3:" ONE ":df,id+:*", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 7,
		 10},
		{"4:64:0:1400:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60,
		 0, 9.5f},
		{"4:64:0:*:1024,*:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 0,
		 10},
		{"4:64:0:*:1024,4:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 0,
		 8.5f},
		{"4:64:0:*:%512,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 0,
		 10},
		{"4:64:0:*:1025,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+:0", 60, 0,
		 8},
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":id+:0", 60, 0,
		 9.5f},
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:" ONE ":df,id+,pushf+:0",
		 60, 0, 9},
		{"4:64:0:*:1024,3:" ONE ":df,id+:0", "4:64:0:1460:1024,3:mss,ws:df,id+:0", 60, 0,
		 8},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match_guess guesses[MATCH_BEST_MAX];
		struct syn syn = syn_of_text(cases[i].syn);
		char text[300];

		renew();
		snprintf(text, sizeof(text), HEAD "label = s:unix:A:1\nsig = %s\n", cases[i].sig);
		build(text);
		syn.ttl = cases[i].ttl;
		syn.payload_len = cases[i].payload_len;
		cr_assert_eq(match_guesses(db, &syn, guesses), 1, "%s", cases[i].sig);
		cr_expect_float_eq(guesses[0].score, cases[i].score, 1e-5f, "%s, %s: %f",
				   cases[i].sig, cases[i].syn, (double)guesses[0].score);
	}
}

/* Linux and Windows size their windows; a phone's says nothing of its path, and nor do others'. */
Test(match_believe, traits)
{
	static const struct {
		const char *sigs; /* NAME RATE ... */
		bool sizes, doubts;
	} cases[] = {
		{"Linux 60 Z 40", true, false},
		{"Linux 40 Z 60", false, true},
		{"Windows 60 Z 40", true, false},
		{"Linux 30 Windows 30 Z 40", true, false},
		{"Android 60 Z 40", true, true},
		{"Android 30 Linux 30 Z 40", true, false},
		{"iOS 30 Android 30 Linux 40", true, true},
		{"iOS 60 Linux 40", false, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 0;
		struct match match;
		char text[1000], name[20];
		unsigned rate;
		int used;

		renew();
		len = (size_t)snprintf(text, sizeof(text), "class = Z, Z\n[tcp:request]\n");
		for (const char *at = cases[i].sigs;
		     sscanf(at, "%19s %u%n", name, &rate, &used) == 2; at += used)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"label = s:unix:%s:1\nsig = 4:64:0:*:1024,3:" ONE
						":df,id+:0 @ %u\n",
						name, rate);
		build(text);
		match = match_text("4:64:0:1460:1024,3:" ONE ":df,id+:0");
		cr_expect_eq(match.sizes_window, cases[i].sizes, "%s", cases[i].sigs);
		cr_expect_eq(match.doubts_window, cases[i].doubts, "%s", cases[i].sigs);
	}
}

/* ---- whatever the SYN ---- */

static uint32_t state = 12345;

static unsigned number(unsigned below)
{
	state = state * 1664525u + 1013904223u;
	return (unsigned)(((uint64_t)(state >> 8) * below) >> 24);
}

/* One of the database's, with up to three things changed. */
static struct syn some_syn(void)
{
	struct syn syn = {0};

	while (!syn_from_sig(db, number((unsigned)shipped_db_count(db)), (uint8_t)number(40), &syn))
		continue;
	for (unsigned left = number(4); left; left--)
		switch (number(7)) {
		case 0: syn.win = (uint16_t)(number(2) ? 5000 : number(65536)); break;
		case 1: syn.wscale = (uint8_t)number(10); break;
		case 2: syn.ttl = (uint8_t)number(256); break;
		case 3: syn.quirks ^= 1u << number(QUIRK_COUNT); break;
		case 4: syn.mss = (uint16_t)number(1461); break;
		case 5: syn.opt_kinds[number(4)] = SYN_OPT_NOP; break;
		case 6: syn.payload_len = (uint16_t)number(2); break;
		}
	return syn;
}

static void expect_probabilities(const struct syn *syn, unsigned number_of_syn)
{
	struct match_explanation told;
	const struct match_step *last;
	float sum = 0;

	match_explain(db, syn, &told);
	if (told.match.kind == MATCH_NONE)
		return;
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
		cr_assert_geq(told.match.class_prob[id], 0);
		cr_assert(told.match.class_prob[id] <= told.match.confidence ||
			  vocab_family_of(vocab, id) != told.match.family_id);
		sum += told.match.class_prob[id];
	}
	cr_assert_float_eq(sum, 1, 1e-4f, "SYN %u: %f", number_of_syn, (double)sum);
	cr_assert_eq(vocab_family_of(vocab, told.match.class_id), told.match.family_id);
	cr_assert_eq(told.match.class_prob[0], 0);
	for (unsigned i = 0; i < told.step_count; i++) {
		const struct match_step *step = &told.steps[i];

		cr_assert(step->class_prob >= 0 && step->family_prob <= 1.0001f, "SYN %u: %s",
			  number_of_syn, step->name);
		cr_assert_leq(step->class_prob, step->family_prob + 1e-4f, "SYN %u: %s",
			      number_of_syn, step->name);
	}
	last = &told.steps[told.step_count - 1];
	cr_assert_float_eq(last->class_prob, told.match.confidence, 1e-4f);
	cr_assert_float_eq(last->family_prob, told.match.family_confidence, 1e-4f);
}

Test(match_believe, verdicts_are_probabilities)
{
	static const char *const paths[] = {SHIPPED_DB, "tests/golden/numbers.db"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		sigdb_free(db);
		db = shipped_load(vocab, paths[i], false);
		for (unsigned k = 0; k < 3000; k++) {
			struct syn syn = some_syn();

			expect_probabilities(&syn, k);
		}
	}
}
