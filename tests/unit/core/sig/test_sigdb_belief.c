/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Equal signatures from the inside: what is equal, what it counts, and whom it stands for. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "core/sig/sigdb_impl.h"
#include "core/sig/made_db.h"

#define SIG "sig = 4:64:0:*:1024,0:mss::0"
#define LABELS_MAX 20
#define HEAD "class = A, F\n[tcp:request]\nlabel = s:unix:A:1\n"

static void build(const char *text)
{
	struct text_error error = {0};

	cr_assert_eq(sigdb_load(db, text, strlen(text), &error), 0, "%u:%u: %s: %s", error.line,
		     error.column, error.what, text);
	cr_assert_eq(sigdb_build(db), 0);
}

TestSuite(sigdb_belief, .init = setup, .fini = teardown);

/* One of 1000 is 2.5 SYNs; one that is not rated has 20 in 1000, a generic one 5. */
Test(sigdb_belief, what_is_equal_and_counts)
{
	static const struct {
		const char *sigs;
		uint32_t leaves;
		float count; /* of the first */
	} cases[] = {
		{SIG " @ 10\n" SIG " @ 4\n", 1, 35},
		{SIG "\n" SIG "\n", 1, 50},
		{SIG " @ 10\n" SIG "\n", 1, 75},
		{SIG "\n" SIG " @ 10\n" SIG "\n", 1, 75},
		{SIG " @ 1\n" SIG "\n", 1, 52.5f},
		{SIG " @ 0.5\n" SIG " @ 0.5\n", 1, 2.5f},
		{SIG "\nlabel = g:unix:A:2\n" SIG "\n", 1, 50},
		{"label = g:unix:A:2\n" SIG "\n" SIG "\n", 1, 12.5f},
		{"label = g:unix:A:2\n" SIG " @ 1\n", 1, 2.5f},
		{SIG " @ 10\nsig = 4:64:0:*:1024,0:mss:df:0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:64:4:*:1024,0:mss::0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 6:64:0:*:1024,0:mss::0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = *:64:0:*:1024,0:mss::0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:128:0:*:1024,0:mss::0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:64-:0:*:1024,0:mss::0 @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:64:0:*:1024,0:mss::+ @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:64:0:*:1024,0:mss::* @ 4\n", 2, 25},
		{SIG " @ 10\ndoes = ws\n" SIG " @ 4\n", 2, 25},
		{SIG " @ 10\nsig = 4:64:0:*:1025,0:mss::0 @ 4\n", 2, 25},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[1000];

		renew();
		snprintf(text, sizeof(text), HEAD "%s", cases[i].sigs);
		build(text);
		cr_expect_eq(db->index->leaf_count, cases[i].leaves, "%s: %u", cases[i].sigs,
			     db->index->leaf_count);
		cr_expect_float_eq(db->index->leaves[0].count, cases[i].count, 1e-3f, "%s: %f",
				   cases[i].sigs, (double)db->index->leaves[0].count);
	}
}

static bool fits(const struct table *table, uint32_t count)
{
	uint64_t size = table->mask + 1;

	return size >= 2 * count && (size == 64 || size < 4 * count);
}

/* Tables are never more than half full, and of the smallest size for that. */
Test(sigdb_belief, tables_and_memory)
{
	static char text[20000];

	for (unsigned sigs = 1; sigs <= 70; sigs++) {
		const struct index *index;
		struct sigdb_stats stats;
		size_t len = (size_t)snprintf(text, sizeof(text), HEAD);

		renew();
		for (unsigned i = 0; i < sigs; i++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"sig = *:64:0:*:%u,0:mss,%s,?%u::0\n", i + 1,
						i % 3 ? "nop" : "sok", i / 2 + 10);
		build(text);
		index = db->index;
		sigdb_get_stats(db, &stats);
		cr_expect(fits(&index->node_table, index->node_count), "%u nodes in %lu",
			  index->node_count, index->node_table.mask);
		cr_expect(fits(&index->layout_table, index->layout_count), "%u layouts in %lu",
			  index->layout_count, index->layout_table.mask);
		cr_expect_eq(index_memory(index),
			     sizeof(*index) + 8 * (index->node_table.mask + 1) +
				     8 * (index->layout_table.mask + 1) +
				     index->node_count * sizeof(struct node) +
				     index->layout_count * sizeof(struct layout) +
				     index->ref_count * sizeof(struct ref) +
				     index->leaf_count * sizeof(struct belief) +
				     index->prob_count * sizeof(struct prob) +
				     index->form_count * sizeof(struct form));
		cr_expect_geq(stats.memory_bytes, index_memory(index));
		cr_expect_eq(index->ref_count, sigs);
	}
}

/* The most common first, one for each label, ties in the order of the text. */
Test(sigdb_belief, the_best_of_equal_ones)
{
	static const struct {
		const char *labels; /* a letter each */
		unsigned rates[LABELS_MAX];
		const char *best; /* their places, as letters from a on */
	} cases[] = {
		{"ABC", {3, 2, 1}, "abc"},
		{"ABC", {1, 2, 3}, "cba"},
		{"ABC", {2, 2, 2}, "abc"},
		{"ABA", {1, 2, 3}, "cb"},
		{"ABA", {3, 2, 1}, "ab"},
		{"ABA", {2, 2, 2}, "ab"},
		{"ABCB", {4, 2, 3, 5}, "dac"},
		{"ABCA", {1, 4, 3, 2}, "bcd"},
		{"ABCDEFGHIJKLMNOPQRS",
		 {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19},
		 "srqponmlkjihgfedcba"},
		{"ABCDEFGHIJKLMNOPQRS",
		 {19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1},
		 "abcdefghijklmnopqrs"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 0, want = strlen(cases[i].best);
		char text[3000];

		renew();
		len += (size_t)snprintf(text, sizeof(text), "class = A, F\n[tcp:request]\n");
		for (unsigned k = 0; cases[i].labels[k]; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"label = s:unix:A:%c\n" SIG " @ %u\n",
						cases[i].labels[k], cases[i].rates[k]);
		build(text);
		for (unsigned k = 0; k < CANDIDATES_MAX; k++)
			cr_expect_eq(db->index->leaves[0].best[k],
				     k < want ? (uint32_t)(cases[i].best[k] - 'a') : NONE,
				     "%s: %u is %u", cases[i].labels, k,
				     db->index->leaves[0].best[k]);
	}
}
