/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts of shapes: what counts as one and the same, the order, and what gives way. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "core/learn/tally.h"

static struct syn make_syn(void)
{
	return (struct syn){.ip_version = 4,
			    .ttl = 50,
			    .has_mss = true,
			    .mss = 1400,
			    .win = 777,
			    .opt_count = 2,
			    .opt_kinds = {SYN_OPT_MSS, SYN_OPT_NOP}};
}

static struct tally *new_tally(size_t capacity, uint64_t keep_above)
{
	struct tally_params params = {.capacity = capacity, .seed = 7, .keep_above = keep_above};

	return tally_new(&params);
}

static int add_for(struct tally *tally, const struct syn *syn, unsigned class_id)
{
	struct sig shape;

	tally_shape(syn, &shape);
	return tally_add(tally, 0, &shape, class_id, 1);
}

static void add(struct tally *tally, uint64_t now_ms, const struct syn *syn)
{
	struct sig shape;

	memset(&shape, 0xa5, sizeof(shape));
	tally_shape(syn, &shape);
	cr_assert_eq(tally_add(tally, now_ms, &shape, 0, 1), 0);
}

static const char *text_of(const struct tally_entry *entry)
{
	static char text[SIG_TEXT_MAX];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	sig_format(&entry->sig, &buf);
	return text;
}

Test(tally, the_path_makes_no_difference)
{
	struct tally *tally = new_tally(64, 0);
	struct tally_entry entries[4];
	struct syn syn = make_syn();

	add(tally, 5000, &syn);
	syn.ttl = 33;
	syn.mss = 1360;
	syn.src.bytes[3] = 9;
	syn.src_port = 4;
	add(tally, 9999, &syn);
	cr_assert_eq(tally_list(tally, entries, 4), 1);
	cr_assert_eq(entries[0].count, 2);
	cr_assert_eq(entries[0].first_seen_s, 5);
	cr_assert_eq(entries[0].last_seen_s, 9);
	cr_assert_str_eq(text_of(&entries[0]), "4:64:0:*:777,0:mss,nop::0");
	tally_free(tally);
}

Test(tally, what_the_sender_chose_does)
{
	struct tally *tally = new_tally(64, 0);
	struct tally_entry entries[8];
	struct syn syn = make_syn();

	add(tally, 0, &syn);
	syn.win = 778;
	add(tally, 0, &syn);
	syn.mss = 100;
	add(tally, 0, &syn);
	syn.mss = 101;
	add(tally, 0, &syn);
	syn.ttl = 100;
	add(tally, 0, &syn);
	syn.quirks = QUIRK_URG_PTR;
	add(tally, 0, &syn);
	cr_assert_eq(tally_list(tally, entries, 8), 6);
	tally_free(tally);
}

Test(tally, most_frequent_first)
{
	struct tally *tally = new_tally(64, 0);
	struct tally_entry entries[3];
	struct syn syn = make_syn();

	for (unsigned kind = 1; kind <= 5; kind++)
		for (unsigned i = 0; i < kind; i++) {
			syn.win = (uint16_t)(700 + kind);
			add(tally, 0, &syn);
		}
	cr_assert_eq(tally_list(tally, entries, 3), 3);
	cr_assert_eq(entries[0].count, 5);
	cr_assert_eq(entries[0].sig.win, 705);
	cr_assert_eq(entries[2].count, 3);
	tally_free(tally);
}

Test(tally, a_flood_evicts_the_rare_and_keeps_the_frequent)
{
	struct tally *tally = new_tally(32, 0);
	struct tally_entry entries[32];
	struct tally_stats stats;
	struct syn syn = make_syn();

	for (unsigned i = 0; i < 100; i++)
		add(tally, 0, &syn);
	for (unsigned i = 0; i < 20000; i++) {
		syn.win = (uint16_t)(1000 + i);
		add(tally, 1000, &syn);
	}
	tally_get_stats(tally, &stats);
	cr_assert_eq(stats.used, 32);
	cr_assert_eq(stats.total, 20100);
	cr_assert_eq(stats.evicted, 20001 - 32);
	cr_assert_eq(tally_list(tally, entries, 32), 32);
	cr_assert_eq(entries[0].count, 100);
	cr_assert_eq(entries[0].sig.win, 777);
	for (unsigned i = 0; i < 32; i++)
		for (unsigned k = 0; k < i; k++)
			cr_assert_not(sig_equal(&entries[i].sig, &entries[k].sig));
	for (unsigned i = 0; i < 32; i++)
		cr_assert_eq(tally_add(tally, 2000, &entries[i].sig, 0, 1), 0);
	tally_get_stats(tally, &stats);
	cr_expect_eq(stats.evicted, 20001 - 32, "whoever is there is found again");
	tally_free(tally);
}

/* Random shapes in and out of a small table, beside a list that is searched from end to end. */
Test(tally, the_index_loses_nobody)
{
	struct tally *tally = new_tally(11, 0);
	struct tally_entry entries[11];
	struct tally_stats before, after;
	struct syn syn = make_syn();
	uint32_t random = 1;

	for (unsigned round = 0; round < 5000; round++) {
		size_t count = tally_list(tally, entries, 11);
		bool is_known = false;
		struct sig shape;

		random = random * 1664525u + 1013904223u;
		syn.win = (uint16_t)(1000 + (random >> 20) % 40);
		tally_shape(&syn, &shape);
		for (size_t i = 0; i < count; i++)
			is_known |= sig_equal(&entries[i].sig, &shape);
		tally_get_stats(tally, &before);
		add(tally, 0, &syn);
		tally_get_stats(tally, &after);
		cr_assert_eq(after.evicted + after.used - before.evicted - before.used,
			     is_known ? 0 : 1, "round %u", round);
	}
	tally_free(tally);
}

Test(tally, the_rarest_of_eight_gives_way_wherever_it_stands)
{
	for (unsigned rarest = 0; rarest < 8; rarest++) {
		struct tally *tally = new_tally(8, 0);
		struct tally_entry entries[8];
		struct syn syn = make_syn();

		for (unsigned i = 0; i < 16; i++) {
			syn.win = (uint16_t)(1000 + i / 2);
			if (i != 2 * rarest)
				add(tally, 0, &syn);
		}
		syn.win = 5000;
		add(tally, 0, &syn);
		cr_assert_eq(tally_list(tally, entries, 8), 8);
		for (unsigned i = 0; i < 8; i++)
			cr_expect_neq(entries[i].sig.win, 1000 + rarest);
		tally_free(tally);
	}
}

Test(tally, of_equally_frequent_ones_the_last_seen_comes_first)
{
	struct tally *tally = new_tally(8, 0);
	struct tally_entry entries[8];
	struct syn syn = make_syn();

	for (unsigned i = 0; i < 8; i++) {
		syn.win = (uint16_t)(1000 + i);
		add(tally, 1000 * (i * 3 % 8), &syn);
	}
	cr_assert_eq(tally_list(tally, entries, 8), 8);
	for (unsigned i = 0; i < 8; i++)
		cr_expect_eq(entries[i].last_seen_s, 7 - i);
	tally_free(tally);
}

/* An MSS below what every host must take was the sender's own choice. */
Test(tally, small_mss)
{
	static const struct {
		uint16_t mss;
		uint32_t kept;
	} cases[] = {{0, 0}, {535, 535}, {536, SIG_ANY}, {1460, SIG_ANY}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = make_syn();
		struct sig shape;

		syn.mss = cases[i].mss;
		tally_shape(&syn, &shape);
		cr_expect_eq(shape.mss, cases[i].kept, "%u", cases[i].mss);
	}
}

Test(tally, out_of_memory)
{
	struct tally *tally = new_tally(8, 0);
	struct tally_entry entries[8];
	struct syn syn = make_syn();

	add(tally, 0, &syn);
	alloc_fail_after(0);
	cr_expect_eq(tally_list(tally, entries, 8), 0);
	cr_expect(alloc_has_failed());
	tally_free(tally);
	for (unsigned i = 0; i < 3; i++) {
		alloc_fail_after(i);
		cr_expect_null(new_tally(8, 0), "%u", i);
		cr_expect(alloc_has_failed());
	}
}

Test(tally, an_evicted_signature_begins_anew)
{
	struct tally *tally = new_tally(8, 0);
	struct tally_entry entries[8];
	struct syn syn = make_syn();

	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < 100; i++) {
			syn.win = (uint16_t)(1000 + i);
			add(tally, 0, &syn);
		}
	cr_assert_eq(tally_list(tally, entries, 8), 8);
	cr_assert_lt(entries[0].count, 4);
	tally_free(tally);
}

Test(tally, refuses_bad_capacities)
{
	cr_assert_null(new_tally(7, 0));
	cr_assert_null(new_tally(65537, 0));
	tally_free(new_tally(8, 0));
	tally_free(NULL);
}

Test(tally, the_largest)
{
	struct tally *tally = new_tally(65536, 0);
	struct tally_stats stats;

	cr_assert_not_null(tally);
	tally_get_stats(tally, &stats);
	cr_expect_eq(stats.capacity, 65536);
	tally_free(tally);
}

Test(tally, classes_are_counted_apart)
{
	struct tally *tally = new_tally(8, 0);
	struct tally_entry entries[8];
	struct syn syn = make_syn();

	add_for(tally, &syn, 1);
	add_for(tally, &syn, 2);
	add_for(tally, &syn, 2);
	cr_assert_eq(tally_list(tally, entries, 8), 2);
	cr_assert_eq(entries[0].class_id, 2);
	cr_assert_eq(entries[0].count, 2);
	cr_assert_eq(entries[1].class_id, 1);
	tally_free(tally);
}

Test(tally, what_is_kept_never_gives_way)
{
	struct tally *tally = new_tally(8, 1);
	struct syn syn = make_syn();

	for (unsigned i = 0; i < 16; i++) {
		syn.win = (uint16_t)(1000 + i / 2);
		cr_assert_eq(add_for(tally, &syn, 1), 0);
	}
	syn.win = 5000;
	cr_assert_eq(add_for(tally, &syn, 1), -ENOSPC);
	syn.win = 1000;
	cr_assert_eq(add_for(tally, &syn, 1), 0);
	tally_free(tally);
}
