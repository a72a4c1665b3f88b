/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index from the inside: which signatures speak of their options, and under whom each stands. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/match/match.h"
#include "core/sig/sigdb_impl.h"
#include "core/sig/made_db.h"

#define HEAD "class = A, F\nclass = B, G\n[tcp:request]\nfrom = a book\n"
#define FOR_A "label = s:unix:A:1\n"
#define FOR_B "label = s:unix:B:1\n"

TestSuite(sigdb_index, .init = setup, .fini = teardown);

static const struct index *build(const char *sigs)
{
	struct text_error error = {0};
	char text[2000];

	renew();
	snprintf(text, sizeof(text), HEAD "%s", sigs);
	cr_assert_eq(sigdb_load(db, text, strlen(text), &error), 0, "%u:%u: %s: %s", error.line,
		     error.column, error.what, text);
	cr_assert_eq(sigdb_build(db), 0);
	return db->index;
}

/* A node for each level, or for the whole signature alone. */
Test(sigdb_index, who_speaks_of_options)
{
	static const struct {
		const char *sigs;
		uint32_t nodes, layouts;
	} cases[] = {
		{FOR_A "sig = *:64:0:*:1024,0:mss,nop::0\n", LEVEL_COUNT, 1},
		{FOR_A "sig = *:64:0:*:*,*:mss,nop::0\n", LEVEL_COUNT, 1},
		{FOR_A "sig = *:64:0:*:1024,0:mss::0\n", 1, 1},
		{FOR_A "sig = *:64:0:*:1024,0:::0\n", 1, 1},
		{FOR_A "sig = *:64:0:*:1024,0:*::0\n", 1, 1},
		{FOR_A "when = seq=dst\nsig = *:64:0:*:1024,0:mss,nop::0\n", 1, 1},
		{"label = s:!:A:1\nsig = *:64:0:*:1024,0:mss,nop::0\n", 1, 1},
		{FOR_A "from = learned\nsig = *:64:0:*:1024,0:mss,nop::0\n", 1, 1},
		/* No options are something else than any. */
		{FOR_A "sig = *:64:0:*:1024,0:*::0\nsig = *:64:0:*:1024,0:::0\n", 2, 2},
		{FOR_A "sig = *:64:0:*:1024,0:*::0\nsig = *:64:0:*:1025,0:*::0\n", 2, 1},
		{FOR_A "sig = *:64:0:*:1024,0:mss::0\nsig = *:64:0:*:1024,0:mss,eol+1::0\n",
		 LEVEL_COUNT + 1, 2},
		{FOR_A "sig = *:64:0:*:1024,0:mss::0\nsig = *:128:0:*:1024,0:mss::0\n", 1, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct index *index = build(cases[i].sigs);

		cr_expect_eq(index->node_count, cases[i].nodes, "%s: %u", cases[i].sigs,
			     index->node_count);
		cr_expect_eq(index->layout_count, cases[i].layouts, "%s: %u", cases[i].sigs,
			     index->layout_count);
	}
}

static uint64_t level_of(const struct node *node)
{
	return node->key.what >> 60;
}

/* What was learned stands under the nearest that others say, and says nothing there itself. */
Test(sigdb_index, what_was_learned)
{
	static const struct {
		const char *sig;
		uint64_t parent; /* its level; LEVEL_COUNT: none */
	} cases[] = {
		{"*:64:0:1400:1024,3:mss,nop,ws::0", LEVEL_SHAPE},
		{"*:64:0:1400:2048,3:mss,nop,ws::0", LEVEL_SCALE},
		{"*:64:0:1400:1024,4:mss,nop,ws::0", LEVEL_LAYOUT},
		{"*:64:0:1400:1024,3:mss,ws::0", LEVEL_COUNT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct index *index;
		const struct node *learned;
		char text[300];

		snprintf(text, sizeof(text),
			 FOR_A "sig = *:64:0:*:1024,3:mss,nop,ws::0\nfrom = learned\n" FOR_B
			       "sig = %s\n",
			 cases[i].sig);
		index = build(text);
		learned = &index->nodes[index->node_count - 1];
		cr_expect_eq(index->node_count, LEVEL_COUNT + 1);
		cr_expect_eq(level_of(learned), LEVEL_WHOLE);
		if (cases[i].parent == LEVEL_COUNT)
			cr_expect_eq(learned->parent, NONE, "%s", cases[i].sig);
		else
			cr_expect_eq(level_of(&index->nodes[learned->parent]), cases[i].parent,
				     "%s: %lu", cases[i].sig,
				     level_of(&index->nodes[learned->parent]));
	}
}

/* ---- which forms come first ---- */

static float share_of_b(uint16_t win, uint16_t mss, uint32_t seq)
{
	struct syn syn = {.ip_version = 4,
			  .ttl = 64,
			  .ip_header_len = 20,
			  .opt_count = 3,
			  .opt_kinds = {SYN_OPT_MSS, SYN_OPT_NOP, SYN_OPT_WSCALE},
			  .dst = addr_from_v4((const uint8_t[]){192, 0, 2, 1}),
			  .seq = seq,
			  .win = win,
			  .mss = mss,
			  .wscale = 3};
	struct match match;

	match_syn(db, &syn, &match);
	return match.class_prob[vocab_find(vocab, VOCAB_CLASS, "B", 1)];
}

#define SIG(win) "sig = *:64:0:*:" win ",3:mss,nop,ws::0 @ 10\n"
#define SIG_MSS(mss, win) "sig = *:64:0:" mss ":" win ",3:mss,nop,ws::0 @ 10\n"

/*
 * A fixed window that fits is enough, with any MSS before with one; whatever is less exact is not
 * asked then. What has a condition is asked before all. The order of the text says nothing.
 */
Test(sigdb_index, what_is_looked_at_first)
{
	static const struct {
		const char *name, *a, *b;
	} cases[] = {
		{"any MSS", SIG("7300"), SIG_MSS("1460", "7300")},
		{"a modulus", SIG("7300"), SIG("%100")},
		{"a modulus with an MSS", SIG_MSS("1460", "7300"), SIG("%100")},
		{"a multiple", SIG("7300"), SIG("mss*5")},
		{"a multiple with an MSS", SIG_MSS("1460", "7300"), SIG("mss*5")},
	};
	char text[600];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned turn = 0; turn < 2; turn++) {
			snprintf(text, sizeof(text), "%s%s%s%s", turn ? FOR_B : FOR_A,
				 turn ? cases[i].b : cases[i].a, turn ? FOR_A : FOR_B,
				 turn ? cases[i].a : cases[i].b);
			build(text);
			cr_expect_lt(share_of_b(7300, 1460, 7), 0.3f, "%s, turn %u: %f",
				     cases[i].name, turn, (double)share_of_b(7300, 1460, 7));
		}
	for (unsigned turn = 0; turn < 2; turn++) {
		snprintf(text, sizeof(text), "%s%s%s%s", turn ? FOR_B "when = seq=dst\n" : FOR_A,
			 SIG("7300"), turn ? FOR_A : FOR_B "when = seq=dst\n", SIG("7300"));
		build(text);
		cr_expect_gt(share_of_b(7300, 1460, 0xc0000201), 0.9f, "turn %u", turn);
		cr_expect_lt(share_of_b(7300, 1460, 7), 0.3f, "turn %u", turn);
	}
	build(FOR_A SIG("7300") FOR_B "when = mss=1410\n" SIG("7300"));
	cr_expect_gt(share_of_b(7300, 1410, 7), 0.9f);
	cr_expect_lt(share_of_b(7300, 1410 + 64, 7), 0.3f, "another MSS of the same bit");
}
