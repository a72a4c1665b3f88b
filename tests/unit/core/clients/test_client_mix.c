/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several connections say together: stacks that alternate, MTUs that differ, grades that flag. */
#include "core/clients/table.h"

TestSuite(clients, .init = setup, .fini = teardown);

Test(clients, alternating_stacks_are_shared_one_change_is_not)
{
	struct clients *clients = make(64, 128);
	struct change change;

	converse(clients, NOW_MS, syn_from(numbered(1), 1, 1), verdict_of(class_linux, 0));
	change = converse(clients, NOW_MS, syn_from(numbered(1), 2, 2),
			  verdict_of(class_windows, 0));
	cr_expect_eq(change.verdict.flags & VERDICT_SHARED, 0, "one change");
	converse(clients, NOW_MS, syn_from(numbered(1), 3, 3), verdict_of(class_linux, 0));
	change = converse(clients, NOW_MS, syn_from(numbered(1), 4, 4), verdict_of(class_linux, 0));
	cr_expect(change.verdict.flags & VERDICT_SHARED, "there and back");
	cr_expect(change.verdict.reasons & reason_bit(REASON_SEVERAL_STACKS));
	for (uint16_t i = 0; i < 100; i++)
		change = converse(clients, NOW_MS, syn_from(numbered(1), (uint16_t)(10 + i), i),
				  verdict_of(class_linux, 0));
	cr_expect_eq(change.verdict.flags & VERDICT_SHARED, 0, "the other one is long gone");
	clients_free(clients);
}

/* Each change of system weighs as much as 48 connections of one: two are forgotten with the 17th. */
Test(clients, a_mix_wears_off)
{
	struct clients *clients = make(64, 128);
	struct change change = {.kind = CHANGE_NONE};
	unsigned count = 0;

	for (uint16_t i = 0; i < 3; i++)
		converse(clients, NOW_MS, syn_from(numbered(1), (uint16_t)(1 + i), i),
			 verdict_of(i == 1 ? class_windows : class_linux, 0));
	do {
		count++;
		change = converse(clients, NOW_MS,
				  syn_from(numbered(1), (uint16_t)(10 + count), count),
				  verdict_of(class_linux, 0));
	} while (change.verdict.flags & VERDICT_SHARED && count < 100);
	cr_expect_eq(count, 18, "%u", count);
	clients_free(clients);
}

/* What is not clear, or nobody's, says nothing about several stacks. */
Test(clients, only_clear_verdicts_mix)
{
	static const struct {
		const char *name;
		unsigned family_permille, flags;
		bool is_shared;
	} cases[] = {{"clear", 700, 0, true},
		     {"not clear", 699, 0, false},
		     {"one of two not clear", 0, 0, false},
		     {"unknown", 950, VERDICT_UNKNOWN, false},
		     {"a scanner", 950, VERDICT_SCANNER, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(64, 128);
		struct change change = {.kind = CHANGE_NONE};

		for (uint16_t k = 0; k < 6; k++) {
			struct verdict verdict =
				verdict_of(k % 2 ? class_windows : class_linux, cases[i].flags);

			verdict.family_permille = cases[i].family_permille & 0x3ffu;
			if (!cases[i].family_permille && k % 2)
				verdict.family_permille = 950;
			change = converse(clients, NOW_MS,
					  syn_from(numbered(1), (uint16_t)(1 + k), k), verdict);
		}
		cr_expect_eq((change.verdict.flags & VERDICT_SHARED) != 0, cases[i].is_shared, "%s",
			     cases[i].name);
		clients_free(clients);
	}
}

/* DSL's MTU from an address that has just shown Ethernet's is no DSL line's. */
Test(clients, several_mtus_are_seen_within_a_short_time)
{
	static const struct {
		const char *name;
		uint16_t mss[6];
		unsigned apart_s;
		enum link_grade grade; /* of the last one */
	} cases[] = {
		{"DSL alone", {1452, 1452, 1452, 1452, 1452, 1452}, 1, LINK_ACCESS},
		{"Ethernet before", {1452, 1452, 1460, 1452, 1452, 1452}, 1, LINK_POSSIBLE},
		{"no longer remembered", {1460, 1452, 1452, 1452, 1452, 1452}, 1, LINK_ACCESS},
		{"at the other end of the time", {0, 0, 0, 0, 1460, 1452}, 300, LINK_POSSIBLE},
		{"nearly too long ago", {0, 0, 0, 0, 1460, 1452}, 383, LINK_POSSIBLE},
		{"too long ago", {0, 0, 0, 0, 1460, 1452}, 512, LINK_ACCESS},
		{"another access network", {1452, 1412, 1452, 1412, 1452, 1412}, 1, LINK_ACCESS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(64, 128);
		struct verdict verdict = verdict_of(class_linux, 0);
		struct change change;

		verdict.grade = LINK_ACCESS;
		for (uint16_t k = 0; k < 6; k++) {
			verdict.mss = cases[i].mss[k];
			change = converse(clients, NOW_MS + k * cases[i].apart_s * 1000ull,
					  syn_from(numbered(1), k, k), verdict);
		}
		cr_expect_eq(change.verdict.grade, cases[i].grade, "%s", cases[i].name);
		cr_expect_eq((change.verdict.reasons & reason_bit(REASON_SEVERAL_MTUS)) != 0,
			     cases[i].grade == LINK_POSSIBLE, "%s", cases[i].name);
		clients_free(clients);
	}
}

static struct verdict over(uint16_t mss, enum link_grade grade)
{
	struct verdict verdict = verdict_of(class_linux, 0);

	verdict.mss = mss;
	verdict.grade = grade;
	return verdict;
}

/* What was confirmed before a long time is not close, also once something else is. */
Test(clients, only_what_came_since_is_close)
{
	struct clients *clients = make(64, 128);
	struct verdict dsl = over(1452, LINK_ACCESS), ethernet = over(1460, LINK_NONE);

	converse(clients, NOW_MS, syn_from(numbered(1), 1, 1), ethernet);
	converse(clients, NOW_MS + 600000, syn_from(numbered(1), 2, 2), dsl);
	cr_expect_eq(converse(clients, NOW_MS + 601000, syn_from(numbered(1), 3, 3), dsl)
			     .verdict.grade,
		     LINK_ACCESS);
	clients_free(clients);
}

/* Three confirmed ones count, also the one behind a connection that is not confirmed. */
Test(clients, the_oldest_of_three_counts)
{
	struct clients *clients = make(64, 128);
	struct verdict dsl = over(1452, LINK_ACCESS), ethernet = over(1460, LINK_NONE);

	converse(clients, NOW_MS, syn_from(numbered(1), 1, 1), ethernet);
	converse(clients, NOW_MS, syn_from(numbered(1), 2, 2), dsl);
	converse(clients, NOW_MS, syn_from(numbered(1), 3, 3), dsl);
	observe(clients, NOW_MS, syn_from(numbered(1), 4, 4), dsl);
	cr_expect_eq(observe(clients, NOW_MS, syn_from(numbered(1), 5, 5), dsl).verdict.grade,
		     LINK_POSSIBLE);
	clients_free(clients);
}

/* A port of which another connection said otherwise is asked about, though the client's last says the same. */
Test(clients, what_a_port_said_is_asked_about)
{
	struct clients *clients = make(64, 128);
	struct verdict known = verdict_of(class_linux, 0), other = known;

	other.label = 9;
	converse(clients, NOW_MS, syn_from(numbered(1), 1, 1), known);
	observe(clients, NOW_MS, syn_from(numbered(1), 2, 2), other);
	cr_expect(observe(clients, NOW_MS, syn_from(numbered(1), 2, 3), known).asks);
	cr_expect_not(observe(clients, NOW_MS, syn_from(numbered(1), 3, 4), known).asks);
	clients_free(clients);
}

/* Behind a NAT, each system has a line of its own. */
Test(clients, several_mtus_are_those_of_one_system)
{
	struct clients *clients = make(64, 128);
	struct verdict dsl = verdict_of(class_linux, 0), ethernet = verdict_of(class_windows, 0);

	dsl.grade = LINK_ACCESS;
	dsl.mss = 1452;
	ethernet.mss = 1460;
	converse(clients, NOW_MS, syn_from(numbered(1), 1, 1), ethernet);
	cr_expect_eq(converse(clients, NOW_MS, syn_from(numbered(1), 2, 2), dsl).verdict.grade,
		     LINK_ACCESS, "of another class");
	ethernet.class_id = dsl.class_id;
	ethernet.label = 7;
	converse(clients, NOW_MS, syn_from(numbered(1), 3, 3), ethernet);
	cr_expect_eq(converse(clients, NOW_MS, syn_from(numbered(1), 4, 4), dsl).verdict.grade,
		     LINK_ACCESS, "of another label");
	ethernet.label = dsl.label;
	ethernet.flags = VERDICT_UNKNOWN;
	converse(clients, NOW_MS, syn_from(numbered(1), 5, 5), ethernet);
	cr_expect_eq(converse(clients, NOW_MS, syn_from(numbered(1), 6, 6), dsl).verdict.grade,
		     LINK_ACCESS, "of nobody knows what");
	ethernet.flags = 0;
	converse(clients, NOW_MS, syn_from(numbered(1), 7, 7), ethernet);
	cr_expect_eq(converse(clients, NOW_MS, syn_from(numbered(1), 8, 8), dsl).verdict.grade,
		     LINK_POSSIBLE);
	clients_free(clients);
}

Test(clients, threshold_decides_which_grade_flags)
{
	struct clients *clients = make(64, 128);
	struct verdict verdict = verdict_of(class_linux, VERDICT_VPN);

	verdict.grade = LINK_LIKELY;
	verdict.reasons = reason_bit(REASON_BASELINE_NORMAL) & VERDICT_REASONS_MASK;
	cr_expect_eq(observe(clients, NOW_MS, syn_from(numbered(1), 1, 1), verdict).verdict.flags,
		     0, "usual in its network: possible");
	clients_set_threshold(clients, LINK_POSSIBLE);
	cr_expect_eq(observe(clients, NOW_MS, syn_from(numbered(2), 1, 1), verdict).verdict.flags,
		     VERDICT_VPN);
	clients_free(clients);
}
