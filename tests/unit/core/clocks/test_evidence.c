/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clocks/evidence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"

static struct evidence_table *new_table(size_t capacity)
{
	struct evidence_table *table = evidence_new(
		&(struct evidence_params){.capacity = capacity, .v6_prefix_bits = 64, .seed = 3});

	cr_assert(table);
	return table;
}

static struct clocks_measure measure_of(const char *client, uint32_t c1_ms, uint32_t c2_ms)
{
	struct clocks_measure measure = {.shape = 11, .c1_ms = c1_ms, .c2_ms = c2_ms};

	cr_assert_eq(addr_parse(client, &measure.client), 0);
	return measure;
}

static enum evidence_grade note(struct evidence_table *table, unsigned times, const char *client,
				uint32_t c1_ms, uint32_t c2_ms)
{
	struct clocks_measure measure = measure_of(client, c1_ms, c2_ms);
	enum evidence_grade grade = EVIDENCE_NONE;

	while (times--)
		grade = evidence_note(table, 1000, &measure, NULL);
	return grade;
}

Test(evidence, grades)
{
	static const struct {
		uint32_t connections, by_arrival, c1_ms, c2_ms;
		enum evidence_grade grade;
	} cases[] = {
		{2, 0, 15, 15, EVIDENCE_NONE},        {3, 0, 15, 15, EVIDENCE_SUSPECTED},
		{3, 0, 14, 80, EVIDENCE_NONE},        {3, 0, 80, 14, EVIDENCE_NONE},
		{9, 0, 15, 19, EVIDENCE_SUSPECTED},   {10, 0, 15, 15, EVIDENCE_LIKELY},
		{4, 0, 20, 20, EVIDENCE_SUSPECTED},   {5, 0, 20, 20, EVIDENCE_LIKELY},
		{2, 0, 30, 30, EVIDENCE_NONE},        {3, 0, 30, 30, EVIDENCE_LIKELY},
		{3, 0, 29, 99, EVIDENCE_SUSPECTED},   {3, 2, 30, 30, EVIDENCE_NONE},
		{3, 1, 30, 30, EVIDENCE_LIKELY},      {4, 3, 99, 99, EVIDENCE_NONE},
		{5, 5, 30, 30, EVIDENCE_LIKELY},      {5, 5, 29, 30, EVIDENCE_LIKELY},
		{5, 5, 20, 20, EVIDENCE_LIKELY},      {5, 5, 19, 30, EVIDENCE_SUSPECTED},
		{10, 5, 15, 15, EVIDENCE_LIKELY},     {10, 6, 15, 15, EVIDENCE_SUSPECTED},
		{19, 19, 15, 15, EVIDENCE_SUSPECTED}, {20, 20, 15, 15, EVIDENCE_LIKELY},
		{9, 0, 0, 30, EVIDENCE_NONE},         {10, 0, 0, 30, EVIDENCE_SPLIT},
		{10, 0, 4, 200, EVIDENCE_SPLIT},      {10, 0, 5, 200, EVIDENCE_NONE},
		{10, 0, 0, 29, EVIDENCE_NONE},        {65535, 0, 10, 10, EVIDENCE_NONE},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence evidence = {.connections = cases[i].connections,
					    .by_arrival = cases[i].by_arrival,
					    .c1_ms = cases[i].c1_ms,
					    .c2_ms = cases[i].c2_ms,
					    .c1_next_ms = cases[i].c1_ms,
					    .c2_next_ms = cases[i].c2_ms};

		cr_assert_eq(evidence_grade(&evidence), cases[i].grade, "case %u", i);
	}
}

Test(evidence, out_of_memory)
{
	struct evidence_params params = {.capacity = 1};
	struct evidence_table *table;
	unsigned failures = 0;

	for (;; failures++) {
		alloc_fail_after(failures);
		table = evidence_new(&params);
		if (!alloc_has_failed())
			break;
		cr_assert_null(table, "%u", failures);
	}
	cr_assert_eq(failures, 3);
	evidence_free(table);
	evidence_free(NULL);
}

/* The smallest of each clock stands, also where they are of different connections. */
Test(evidence, minima)
{
	struct evidence_table *table = new_table(16);
	struct clocks_measure measure = measure_of("192.0.2.1", 50, 90);
	struct evidence evidence;

	evidence_note(table, 1000, &measure, NULL);
	measure.c1_ms = 70;
	measure.c2_ms = 40;
	measure.is_by_arrival = true;
	cr_assert_eq(evidence_note(table, 1001, &measure, &evidence), EVIDENCE_NONE);
	cr_assert_eq(evidence.c1_ms, 50);
	cr_assert_eq(evidence.c2_ms, 40);
	cr_assert_eq(evidence.connections, 2);
	cr_assert_eq(evidence.by_arrival, 1);
	cr_assert_eq(evidence.seen_s, 1001);
	evidence_free(table);
}

/* One quick clock is a proxy's, or none at all; only both clear what was noted. */
Test(evidence, only_both_clocks_are_quick)
{
	static const struct {
		uint32_t c1_ms, c2_ms;
		bool is_quick;
	} cases[] = {{4, 4, true}, {5, 4, false}, {4, 5, false}, {5, 5, false}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence_table *table = new_table(16);
		struct clocks_measure measure =
			measure_of("192.0.2.1", cases[i].c1_ms, cases[i].c2_ms);
		struct evidence evidence;

		evidence_note(table, 1000, &measure, &evidence);
		cr_expect_eq(evidence.connections, cases[i].is_quick ? 0 : 1, "case %u", i);
		evidence_free(table);
	}
}

/* By arrival, one of five that the path held back is no minimum; by timestamps it is. */
Test(evidence, leaves_one_out)
{
	static const uint32_t c1_ms[] = {50, 0, 48, 51, 49}, c2_ms[] = {50, 70, 1, 47, 60};

	for (unsigned arrivals = 0; arrivals <= 5; arrivals++) {
		struct evidence_table *table = new_table(16);
		enum evidence_grade grade = EVIDENCE_NONE;
		struct evidence evidence = {.connections = 0};

		for (unsigned i = 0; i < 5; i++) {
			struct clocks_measure measure = measure_of("192.0.2.1", c1_ms[i], c2_ms[i]);

			measure.is_by_arrival = i < arrivals;
			grade = evidence_note(table, 1000, &measure, &evidence);
		}
		cr_assert_eq(grade, arrivals > 2 ? EVIDENCE_LIKELY : EVIDENCE_NONE);
		cr_assert_eq(evidence_c1_ms(&evidence), arrivals > 2 ? 48 : 0);
		cr_assert_eq(evidence_c2_ms(&evidence), arrivals > 2 ? 47 : 1);
		evidence_free(table);
	}
}

/* One connection with two quick clocks clears; one with a single quick one does not. */
Test(evidence, clearing)
{
	struct evidence_table *table = new_table(16);
	struct clocks_measure quick = measure_of("192.0.2.1", 4, 4);
	struct evidence_stats stats;
	struct evidence evidence;

	cr_assert_eq(note(table, 3, "192.0.2.1", 30, 30), EVIDENCE_LIKELY);
	cr_assert(evidence_is_likely(table, 1000, &quick.client, 11));
	cr_assert(!evidence_is_likely(table, 1000, &quick.client, 12));
	evidence_get_stats(table, &stats);
	cr_assert_eq(stats.graded[EVIDENCE_LIKELY], 1);
	cr_assert_eq(evidence_note(table, 1009, &quick, &evidence), EVIDENCE_NONE);
	cr_assert_eq(evidence.connections, 0);
	cr_assert_eq(evidence.quick_s, 1009);
	cr_assert(!evidence_is_likely(table, 1009, &quick.client, 11));
	cr_assert_eq(note(table, 2, "192.0.2.1", 30, 30), EVIDENCE_NONE);
	cr_assert_eq(note(table, 1, "192.0.2.1", 30, 30), EVIDENCE_LIKELY);
	evidence_get_stats(table, &stats);
	cr_assert_eq(stats.graded[EVIDENCE_LIKELY], 1);
	cr_assert_eq(stats.used, 1);
	evidence_free(table);
}

/* One odd connection does not keep a client from a grade for ever; one with a grade keeps it. */
Test(evidence, begins_anew)
{
	struct evidence_table *table = new_table(16);

	note(table, 1, "192.0.2.1", 6, 50);
	cr_assert_eq(note(table, 31, "192.0.2.1", 50, 50), EVIDENCE_NONE);
	cr_assert_eq(note(table, 2, "192.0.2.1", 50, 50), EVIDENCE_NONE);
	cr_assert_eq(note(table, 1, "192.0.2.1", 50, 50), EVIDENCE_LIKELY);
	cr_assert_eq(note(table, 100, "192.0.2.1", 50, 50), EVIDENCE_LIKELY);
	cr_assert_eq(note(table, 1, "192.0.2.1", 50, 7), EVIDENCE_NONE);
	evidence_free(table);
}

Test(evidence, ages)
{
	struct evidence_table *table = new_table(16);
	struct clocks_measure measure = measure_of("192.0.2.1", 50, 50);
	struct evidence list[EVIDENCE_SHAPES];

	note(table, 3, "192.0.2.1", 50, 50);
	cr_assert(evidence_is_likely(table, 1000 + EVIDENCE_LIFE_S - 1, &measure.client, 11));
	cr_assert(!evidence_is_likely(table, 1000 + EVIDENCE_LIFE_S, &measure.client, 11));
	cr_assert_eq(evidence_list(table, 1000 + EVIDENCE_LIFE_S, &measure.client, list), 0);
	cr_assert_eq(evidence_note(table, 1000 + EVIDENCE_LIFE_S, &measure, &list[0]),
		     EVIDENCE_NONE);
	cr_assert_eq(list[0].connections, 1);
	evidence_free(table);
}

Test(evidence, full)
{
	struct evidence_table *table = new_table(16);
	struct evidence list[EVIDENCE_SHAPES];
	struct evidence_stats stats;
	struct clocks_measure measure;
	char text[32];

	for (unsigned i = 1; i <= 20; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u", i);
		note(table, 3, text, 30, 30);
		note(table, 1, "192.0.2.1", 30, 30); /* who comes back stays */
	}
	evidence_get_stats(table, &stats);
	cr_assert_eq(stats.used, 16);
	cr_assert_eq(stats.evicted, 4);
	cr_assert_eq(stats.graded[EVIDENCE_LIKELY], 16);
	measure = measure_of("192.0.2.1", 0, 0);
	cr_assert_eq(evidence_list(table, 1000, &measure.client, list), 1);
	measure = measure_of("192.0.2.2", 0, 0);
	cr_assert_eq(evidence_list(table, 1000, &measure.client, list), 0);
	evidence_free(table);
}

/* Shapes of one address, the strongest first, and no more than there is room for. */
Test(evidence, shapes)
{
	struct evidence_table *table = new_table(64);
	struct clocks_measure measure = measure_of("192.0.2.1", 10, 10);
	struct evidence list[EVIDENCE_SHAPES];

	for (measure.shape = 0; measure.shape < 9; measure.shape++)
		evidence_note(table, 1000 + measure.shape, &measure, NULL);
	measure.shape = 3;
	measure.c1_ms = measure.c2_ms = 0;
	evidence_note(table, 1000, &measure, NULL);
	measure.c1_ms = measure.c2_ms = 30;
	for (unsigned i = 0; i < 3; i++)
		evidence_note(table, 1000, &measure, NULL);
	cr_assert_eq(evidence_list(table, 1010, &measure.client, list), EVIDENCE_SHAPES);
	cr_assert_eq(list[0].shape, 3);
	cr_assert_eq(list[1].shape, 8);
	cr_assert_eq(list[2].shape, 7);
	evidence_free(table);
}

Test(evidence, the_strongest_is_listed_first)
{
	struct evidence_table *table = new_table(16);
	struct clocks_measure weak = measure_of("192.0.2.1", 15, 15), strong = weak;
	struct evidence list[EVIDENCE_SHAPES] = {{0}};

	strong.shape = 12;
	strong.c1_ms = strong.c2_ms = 30;
	for (unsigned i = 0; i < 3; i++) {
		evidence_note(table, 1000, &weak, NULL);
		evidence_note(table, 1000, &strong, NULL);
	}
	cr_assert_eq(evidence_list(table, 1000, &weak.client, list), 2);
	cr_expect(list[0].shape == 12 && list[1].shape == 11);
	memset(list, 0, sizeof(list));
	evidence_note(table, 1001, &weak, NULL);
	weak.shape = 13;
	evidence_note(table, 1002, &weak, NULL);
	cr_assert_eq(evidence_list(table, 1002, &weak.client, list), 3);
	cr_expect(list[0].shape == 12 && list[1].shape == 11 && list[2].shape == 13);
	evidence_free(table);
}

Test(evidence, subnets_and_forgetting)
{
	struct evidence_table *table = new_table(16);
	struct clocks_measure measure = measure_of("2001:db8::99", 0, 0);
	struct evidence list[EVIDENCE_SHAPES];
	struct evidence_stats stats;
	struct addr_net net;

	note(table, 2, "2001:db8::1", 30, 30);
	cr_assert_eq(note(table, 1, "2001:db8::2", 30, 30), EVIDENCE_LIKELY);
	note(table, 3, "192.0.2.9", 30, 30);
	cr_assert_eq(evidence_list(table, 1000, &measure.client, list), 1);
	addr_net_parse("2001:db8:0:1::1", &net);
	cr_assert_eq(evidence_forget(table, &net), 0);
	addr_net_parse("2001:db8::77", &net);
	cr_assert_eq(evidence_forget(table, &net), 1);
	cr_assert_eq(evidence_list(table, 1000, &measure.client, list), 0);
	evidence_get_stats(table, &stats);
	cr_assert_eq(stats.used, 1);
	cr_assert_eq(stats.graded[EVIDENCE_LIKELY], 1);
	evidence_free(table);
}

Test(evidence, words)
{
	static const struct {
		struct evidence evidence;
		const char *text;
	} cases[] = {
		{{.connections = 5, .c1_ms = 52, .c2_ms = 55},
		 "the first data came 52 ms after the handshake, and the answer to the server's "
		 "first "
		 "data 55 ms late, in each of 5 connections"},
		{{.connections = 1, .by_arrival = 1, .c1_ms = 52, .c2_ms = 55},
		 "the first data came 52 ms after the handshake, and the answer to the server's "
		 "first "
		 "data 55 ms late, in one connection (by arrival times: there are no timestamps to "
		 "go by)"},
		{{.connections = 12, .c1_ms = 0, .c2_ms = 600},
		 "something on the way ends TCP, such as a relay or a satellite link: the first "
		 "data "
		 "came at once, and the answer to the server's first data 600 ms late, in each of "
		 "12 "
		 "connections"},
		{{.connections = 5, .by_arrival = 3, .c1_next_ms = 48, .c2_next_ms = 50},
		 "the first data came 48 ms after the handshake, and the answer to the server's "
		 "first data 50 ms late, in all but one of 5 connections (by arrival times: there "
		 "are no timestamps to go by)"},
		{{.quick_s = 7},
		 "client and TCP are one machine: its last connection had no delay"},
	};
	char data[512];
	struct text_buf text;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_buf_init(&text, data, sizeof(data));
		evidence_put_text(&cases[i].evidence, &text);
		cr_assert_str_eq(data, cases[i].text);
	}
	cr_assert_str_eq(evidence_grade_name(EVIDENCE_LIKELY), "likely");
	cr_assert_null(evidence_grade_name(EVIDENCE_GRADE_COUNT));
}

/* Who was measured longest ago comes first, each client once, and an empty table has none. */
Test(evidence, walk)
{
	struct evidence_table *table = new_table(16);
	struct evidence evidence = {.connections = 77};
	struct addr addr, first, second;
	uint64_t cursor = 0;

	cr_assert_not(evidence_next(table, &cursor, &addr, &evidence));
	cr_assert_eq(evidence.connections, 77);
	note(table, 2, "198.51.100.1", 20, 21);
	note(table, 1, "198.51.100.2", 30, 31);
	note(table, 1, "198.51.100.1", 18, 25);
	cr_assert_eq(addr_parse("198.51.100.1", &first), 0);
	cr_assert_eq(addr_parse("198.51.100.2", &second), 0);
	cursor = 0;
	cr_assert(evidence_next(table, &cursor, &addr, &evidence));
	cr_assert(addr_equal(&addr, &second));
	cr_assert(evidence.connections == 1 && evidence.c1_ms == 30 && evidence.c2_ms == 31);
	cr_assert(evidence_next(table, &cursor, &addr, &evidence));
	cr_assert(addr_equal(&addr, &first));
	cr_assert(evidence.connections == 3 && evidence.c1_ms == 18 && evidence.c2_ms == 21);
	cr_assert_not(evidence_next(table, &cursor, &addr, &evidence));
	cr_assert_not(evidence_next(table, &cursor, &addr, &evidence));
	evidence_free(table);
}

struct timed {
	uint32_t began_ms, ended_ms, c1_ms;
};

static struct evidence note_timed(struct evidence_table *table, const struct timed *timed,
				  unsigned count)
{
	struct evidence evidence = {.connections = 0};

	for (unsigned i = 0; i < count; i++) {
		struct clocks_measure measure = measure_of("198.51.100.9", timed[i].c1_ms, 90);

		measure.began_ms = 1000000 + timed[i].began_ms;
		measure.ended_ms = 1000000 + timed[i].ended_ms;
		evidence_note(table, 1000, &measure, &evidence);
	}
	return evidence;
}

/* What a busy machine has at the same time is one witness; what a proxy has is half of one each. */
Test(evidence, connections_at_once)
{
	static const struct {
		const char *what;
		struct timed timed[8];
		unsigned count, connections;
	} cases[] = {
		{"one after another", {{0, 300, 50}, {300, 600, 90}, {700, 900, 50}}, 3, 3},
		{"a busy machine's", {{0, 300, 50}, {10, 700, 90}, {20, 900, 70}}, 3, 1},
		{"a proxy's", {{0, 300, 50}, {1, 310, 52}, {2, 320, 57}, {3, 330, 48}}, 4, 2},
		{"equal to 5 ms", {{0, 300, 20}, {1, 310, 25}, {2, 320, 25}}, 3, 2},
		{"not quite equal", {{0, 300, 20}, {1, 310, 26}, {2, 320, 26}}, 3, 1},
		{"equal to 15 %", {{0, 300, 200}, {1, 310, 230}, {2, 320, 170}}, 3, 2},
		{"less than the first one", {{0, 300, 200}, {1, 310, 230}, {2, 320, 169}}, 3, 1},
		{"a chain of them", {{0, 300, 50}, {250, 600, 90}, {550, 900, 130}}, 3, 1},
		{"after five seconds", {{0, 300, 50}, {200, 5400, 90}, {5300, 5600, 130}}, 3, 2},
		{"not before", {{0, 300, 50}, {200, 5400, 90}, {5299, 5600, 130}}, 3, 1},
		{"a clock set back", {{90000, 90300, 50}, {0, 300, 90}, {400, 700, 90}}, 3, 3},
		{"set back by 20 s", {{90000, 90300, 50}, {70300, 70400, 90}}, 2, 2},
		{"set back by less", {{90000, 90300, 50}, {70301, 70400, 90}}, 2, 1},
		{"a burst, and another", {{0, 300, 50}, {1, 310, 90}, {400, 700, 50}}, 3, 2},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct evidence_table *table = new_table(16);
		struct evidence evidence = note_timed(table, cases[i].timed, cases[i].count);

		cr_assert_eq(evidence.connections, cases[i].connections, "%s: %u", cases[i].what,
			     evidence.connections);
		evidence_free(table);
	}
}

/* Those that do not count are among the minima, and a quick one of them clears. */
Test(evidence, minima_of_connections_at_once)
{
	static const struct timed slow[] = {{0, 300, 80}, {1, 310, 31}};
	static const struct timed quick[] = {{400, 700, 80}, {401, 710, 2}};
	struct evidence_table *table = new_table(16);
	struct clocks_measure measure = measure_of("198.51.100.9", 2, 2);
	struct evidence evidence = note_timed(table, slow, 2);

	cr_assert(evidence.connections == 1 && evidence.c1_ms == 31 && evidence.c2_ms == 90);
	evidence = note_timed(table, quick, 2);
	cr_assert(evidence.connections == 2 && evidence.c1_ms == 2);
	measure.began_ms = 1000402;
	measure.ended_ms = 1000720;
	evidence_note(table, 1001, &measure, &evidence);
	cr_assert(evidence.connections == 0 && evidence.quick_s == 1001);
	evidence_free(table);
}
