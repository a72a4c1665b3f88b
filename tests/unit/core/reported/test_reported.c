/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/reported/reported.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define VPN 1u
#define SCANNER 4u

static struct reported_word word(uint8_t last, const char *origin, uint32_t left_s)
{
	uint8_t bytes[4] = {192, 0, 2, last};
	struct reported_word report = {.addr = addr_from_v4(bytes),
				       .label = "Linux",
				       .flags = VPN,
				       .confidence_permille = 900,
				       .left_s = left_s};

	snprintf(report.origin, sizeof(report.origin), "%s", origin);
	return report;
}

static int put(struct reported *reported, uint64_t now_s, uint8_t last, const char *origin,
	       uint32_t left_s)
{
	struct reported_word report = word(last, origin, left_s);

	return reported_put(reported, now_s, &report);
}

static uint32_t left(struct reported *reported, uint64_t now_s, uint8_t last,
		     struct reported_rule rule)
{
	struct addr addr = word(last, "", 0).addr;

	return reported_left(reported, now_s, &addr, &rule);
}

Test(reported, a_network_is_forgotten)
{
	struct reported *reported = reported_new(16, 1);
	struct reported_rule any = {.origins = {"*"}, .origin_count = 1, .min_origins = 1};
	struct reported_stats stats;
	struct addr_net net;

	cr_assert_eq(addr_net_parse("192.0.2.0/30", &net), 0);
	for (uint8_t last = 1; last <= 6; last++)
		cr_assert_eq(put(reported, 0, last, "a", 60), 0);
	cr_assert_eq(put(reported, 0, 3, "b", 60), 0);
	cr_expect_eq(reported_forget(reported, &net), 4);
	cr_expect_eq(reported_forget(reported, &net), 0);
	for (uint8_t last = 1; last <= 6; last++)
		cr_expect_eq(left(reported, 0, last, any), last < 4 ? 0 : 60);
	reported_get_stats(reported, &stats);
	cr_expect_eq(stats.used, 3);
	cr_expect_eq(put(reported, 0, 1, "a", 60), 0);
	cr_expect_eq(left(reported, 0, 1, any), 60);
	reported_free(reported);
}

Test(reported, an_address_is_forgotten)
{
	struct reported *reported = reported_new(32, 1);
	struct reported_rule any = {.origins = {"*"}, .origin_count = 1, .min_origins = 1};
	struct addr_net net;

	for (uint8_t last = 1; last <= 20; last++)
		cr_assert_eq(put(reported, 0, last, "a", 60), 0);
	cr_assert_eq(put(reported, 0, 7, "b", 60), 0);
	cr_assert_eq(addr_net_parse("192.0.2.7", &net), 0);
	cr_expect_eq(reported_forget(reported, &net), 2);
	cr_expect_eq(reported_forget(reported, &net), 0);
	for (uint8_t last = 1; last <= 20; last++)
		cr_expect_eq(left(reported, 0, last, any), last == 7 ? 0 : 60, "%u", last);
	for (unsigned free = 32 - 19; free; free--)
		cr_expect_eq(put(reported, 0, (uint8_t)(20 + free), "a", 60), 0,
			     "its places are free");
	cr_expect_eq(put(reported, 0, 100, "a", 60), -ENOSPC);
	reported_free(reported);
}

Test(reported, rules)
{
	static const struct {
		struct reported_rule rule;
		uint32_t left_s;
	} cases[] = {
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 1}, 90},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 2}, 60},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 3}, 30},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 4}, 0},
		{{.origins = {"b"}, .origin_count = 1, .min_origins = 1}, 30},
		{{.origins = {"b"}, .origin_count = 1, .min_origins = 2}, 0},
		{{.origins = {"x", "a"}, .origin_count = 2, .min_origins = 1}, 60},
		{{.origins = {"x"}, .origin_count = 1, .min_origins = 1}, 0},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 1, .flags = VPN}, 90},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 1, .flags = SCANNER}, 0},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 1, .min_permille = 900}, 90},
		{{.origins = {"*"}, .origin_count = 1, .min_origins = 1, .min_permille = 901}, 0},
	};
	struct reported *reported = reported_new(16, 1);

	put(reported, 100, 1, "a", 60);
	put(reported, 100, 1, "b", 30);
	put(reported, 100, 1, "c", 90);
	put(reported, 100, 2, "x", 500);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(left(reported, 100, 1, cases[i].rule), cases[i].left_s, "case %zu", i);
	cr_expect_eq(left(reported, 130, 1, cases[2].rule), 0, "one of three has expired");
	cr_expect_eq(left(reported, 130, 1, cases[1].rule), 30);
	reported_free(reported);
}

Test(reported, a_word_is_replaced_and_taken_back)
{
	static const struct reported_rule any = {.origins = {"*"},
						 .origin_count = 1,
						 .min_origins = 1};
	struct reported *reported = reported_new(16, 1);
	struct reported_stats stats;

	put(reported, 100, 1, "a", 60);
	put(reported, 110, 1, "a", 60);
	cr_expect_eq(left(reported, 110, 1, any), 60);
	cr_expect_eq(put(reported, 111, 1, "b", 0), 0);
	cr_expect_eq(left(reported, 111, 1, any), 59, "another origin takes nothing back");
	cr_expect_eq(put(reported, 111, 1, "a", 0), 0);
	cr_expect_eq(left(reported, 111, 1, any), 0);
	reported_get_stats(reported, &stats);
	cr_expect_eq(stats.used, 0);
	reported_free(reported);
}

Test(reported, a_full_table_refuses_and_counts)
{
	struct reported *reported = reported_new(2, 1);
	struct reported_stats stats;

	cr_expect_eq(put(reported, 1, 1, "a", 10), 0);
	cr_expect_eq(put(reported, 1, 2, "a", 10), 0);
	cr_expect_eq(put(reported, 1, 3, "a", 10), -ENOSPC);
	cr_expect_eq(put(reported, 1, 2, "a", 20), 0, "what is there goes on");
	reported_get_stats(reported, &stats);
	cr_expect_eq(stats.refused, 1);
	reported_expire(reported, 11);
	cr_expect_eq(put(reported, 11, 3, "a", 10), 0);
	reported_get_stats(reported, &stats);
	cr_expect_eq(stats.used, 2);
	reported_free(reported);
}

Test(reported, an_address_has_so_many_origins)
{
	struct reported *reported = reported_new(200, 1);
	struct reported_word found[REPORTED_PER_ADDRESS + 1];
	struct addr addr = word(1, "", 0).addr;
	char origin[8];

	for (int i = 0; i < REPORTED_PER_ADDRESS; i++) {
		snprintf(origin, sizeof(origin), "g%d", i);
		cr_expect_eq(put(reported, 1, 1, origin, 10), 0);
	}
	cr_expect_eq(put(reported, 1, 1, "more", 10), -ENOSPC);
	cr_expect_eq(reported_get(reported, 1, &addr, found, REPORTED_PER_ADDRESS + 1),
		     REPORTED_PER_ADDRESS);
	cr_expect_eq(found[0].left_s, 10);
	reported_free(reported);
}

static void note(void *ctx, const struct addr *addr)
{
	*(unsigned *)ctx |= 1u << addr->bytes[15];
}

Test(reported, a_round_drops_what_was_not_told_again)
{
	struct reported *reported = reported_new(16, 1);
	struct reported_stats stats;
	unsigned dropped = 0;

	for (uint8_t last = 1; last <= 4; last++)
		put(reported, 1, last, "a", 100);
	reported_begin(reported);
	put(reported, 2, 2, "a", 100);
	put(reported, 2, 5, "a", 100);
	reported_end(reported, note, &dropped);
	cr_expect_eq(dropped, 1u << 1 | 1u << 3 | 1u << 4);
	reported_get_stats(reported, &stats);
	cr_expect_eq(stats.used, 2);
	reported_free(reported);
}

/* Some of these share a bucket, and none a word. */
Test(reported, addresses_are_told_apart)
{
	for (uint8_t other = 2; other < 32; other++) {
		struct reported *reported = reported_new(2, 1);
		struct reported_word found[2];
		struct addr addr = word(1, "", 0).addr;

		put(reported, 1, 1, "a", 10);
		put(reported, 1, other, "b", 10);
		cr_expect_eq(reported_get(reported, 1, &addr, found, 2), 1, "%u", other);
		cr_expect_str_eq(found[0].origin, "a");
		reported_free(reported);
	}
}

/* What expires now has expired, whoever asks. */
Test(reported, the_last_second)
{
	struct reported *reported = reported_new(16, 1);
	struct reported_word found;
	struct addr addr;
	uint64_t cursor = 0;

	put(reported, 1, 1, "a", 10);
	cr_expect_eq(reported_page(reported, 10, &cursor, &addr, 1), 1);
	cr_expect_eq(reported_get(reported, 10, &addr, &found, 1), 1);
	cursor = 0;
	cr_expect_eq(reported_page(reported, 11, &cursor, &addr, 1), 0);
	cr_expect_eq(reported_get(reported, 11, &addr, &found, 1), 0);
	reported_free(reported);
}

Test(reported, pages_show_every_live_address)
{
	struct reported *reported = reported_new(64, 1);
	struct addr addrs[7];
	uint64_t cursor = 0, seen = 0;

	for (uint8_t last = 0; last < 40; last++)
		put(reported, 1, last, "a", last % 2 ? 10 : 100);
	do {
		unsigned count = reported_page(reported, 50, &cursor, addrs, 7);

		for (unsigned i = 0; i < count; i++)
			seen |= UINT64_C(1) << addrs[i].bytes[15];
	} while (cursor);
	cr_expect_eq(seen, UINT64_C(0x5555555555), "%llx", (unsigned long long)seen);
	reported_free(reported);
}
