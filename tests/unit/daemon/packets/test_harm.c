/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "daemon/packets/harm.h"

#define START_MS UINT64_C(5000000)

Test(harm, is_suspected_where_a_third_comes_again)
{
	static const struct {
		uint64_t syns, repeats;
		bool is_due;
	} cases[] = {
		{0, 0, false},  {7, 7, false},        {8, 8, true},       {24, 8, true},
		{25, 8, false}, {10000, 3333, false}, {9999, 3333, true},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct harm harm = {.since_ms = START_MS};

		cr_expect_eq(harm_watch(&harm, START_MS + 1000, cases[i].syns, cases[i].repeats),
			     cases[i].is_due, "%u", i);
	}
}

/* What was long ago does not count, and what was counted once does not count again. */
Test(harm, is_watched_in_stretches)
{
	struct harm harm = {.since_ms = START_MS};

	cr_expect_not(harm_watch(&harm, START_MS + 59000, 7, 7));
	cr_expect_not(harm_watch(&harm, START_MS + 60000, 7, 7));
	cr_expect_not(harm_watch(&harm, START_MS + 61000, 8, 8));
	cr_expect_not(harm_watch(&harm, START_MS + 62000, 1000, 15));
	cr_expect_not(harm_watch(&harm, START_MS + 63000, 1000, 22), "1,000 were counted");
	cr_expect(harm_watch(&harm, START_MS + 64000, 1000, 23));
}

Test(harm, a_trial_says)
{
	static const struct {
		struct rules_trial seen;
		bool is_harmful;
	} cases[] = {
		{{24, 24, 24, 0}, true}, /* through the queue all come again, by it none */
		{{24, 24, 24, 24}, false}, /* a policy drops everything */
		{{24, 0, 24, 0}, false},          {{24, 0, 24, 24}, false},
		{{500, 300, 500, 90}, true}, /* some of them scanners, that never send again */
		{{500, 300, 500, 150}, false},    {{24, 20, 24, 10}, false}, /* chance makes that */
		{{2400, 2000, 2400, 1000}, true}, {{24, 24, 2000, 1900}, false},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct harm harm = {.state = HARM_WATCHING};

		harm_begin(&harm, START_MS);
		cr_expect_eq(harm.state, HARM_TRYING);
		cr_expect_not(harm_try(&harm, START_MS + 3999, &cases[i].seen));
		cr_expect(harm_try(&harm, START_MS + 4000, &cases[i].seen), "%u", i);
		cr_expect_eq(harm.state, cases[i].is_harmful ? HARM_FOUND : HARM_WATCHING, "%u", i);
	}
}

Test(harm, a_trial_of_few_waits_longer_and_says_nothing_of_too_few)
{
	static const struct rules_trial few = {7, 7, 7, 0}, some = {8, 8, 8, 0};
	struct harm harm = {.state = HARM_WATCHING};

	harm_begin(&harm, START_MS);
	cr_expect_not(harm_try(&harm, START_MS + 29999, &some));
	cr_expect(harm_try(&harm, START_MS + 30000, &some));
	cr_expect_eq(harm.state, HARM_FOUND);
	harm_begin(&harm, START_MS);
	cr_expect(harm_try(&harm, START_MS + 30000, &few));
	cr_expect_eq(harm.state, HARM_WATCHING);
	cr_expect_eq(harm.trials, 2);
}

/* Whoever makes us suspicious again and again gets half of the SYNs unclassified four times a day. */
Test(harm, trials_become_rare)
{
	uint64_t now_ms = START_MS, again = 0;
	struct harm harm = {.since_ms = START_MS};
	unsigned first_day = 0, second_day = 0;

	for (unsigned s = 0; s < 2 * 86400; s++, now_ms += 1000) {
		again += 10;
		if (!harm_watch(&harm, now_ms, again, again))
			continue;
		harm_begin(&harm, now_ms);
		harm_give_up(&harm, now_ms);
		++*(s < 86400 ? &first_day : &second_day);
	}
	cr_expect_leq(first_day, 13);
	cr_expect_eq(second_day, 4);
}
