/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The baseline: who counts, what becomes usual or rare, what gives way, and its bytes. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/baseline/baseline.h"
#include "core/baseline/find_net.h"
#include "core/base/reason.h"

#define NOW 1700000000u
#define HALF_LIFE 86400u
#define NORMAL (UINT64_C(1) << REASON_BASELINE_NORMAL)
#define RARE (UINT64_C(1) << REASON_BASELINE_RARE)

static struct baseline *make(size_t prefixes)
{
	struct baseline_params params = {.prefixes = prefixes,
					 .v4_prefix_bits = 16,
					 .v6_prefix_bits = 32,
					 .half_life_s = HALF_LIFE,
					 .seed = 1};
	struct baseline *baseline = baseline_new(&params);

	cr_assert_not_null(baseline);
	return baseline;
}

static struct addr v4(unsigned a, unsigned b, unsigned client)
{
	return addr_from_v4(
		(uint8_t[]){(uint8_t)a, (uint8_t)b, (uint8_t)(client >> 8), (uint8_t)client});
}

static struct addr parse(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(text, &addr), 0);
	return addr;
}

/* Clients @from to @from + @count - 1 of 10.@net.0.0/16, each new once. */
static void note(struct baseline *baseline, unsigned net, unsigned from, unsigned count,
		 uint16_t mtu)
{
	for (unsigned i = 0; i < count; i++) {
		struct addr addr = v4(10, net, from + i);

		baseline_note(baseline, NULL, NOW, &addr, mtu);
	}
}

static uint64_t judge(struct baseline *baseline, unsigned net, uint16_t mtu, enum link_grade grade)
{
	struct addr addr = v4(10, net, 65000);

	return baseline_judge(baseline, NULL, NOW, &addr, mtu, grade);
}

static struct baseline_prefix get(struct baseline *baseline, unsigned net, uint32_t now_s)
{
	struct baseline_prefix prefix = {.clients = -1};
	struct addr addr = v4(10, net, 1);

	find_net(baseline, NULL, now_s, &addr, &prefix);
	return prefix;
}

Test(baseline, what_is_usual)
{
	static const struct {
		const char *name;
		unsigned ethernet, other; /* clients */
		uint64_t access, possible, likely;
	} cases[] = {
		{"nobody yet", 0, 0, 0, 0, 0},
		{"too few", 0, 31, 0, 0, 0},
		{"enough of them", 0, 32, NORMAL, NORMAL, 0},
		{"all of so many", 0, 64, NORMAL, NORMAL, NORMAL},
		{"half of them", 64, 64, NORMAL, NORMAL, NORMAL},
		{"less than half", 66, 64, NORMAL, NORMAL, 0},
		{"a fifth", 160, 40, NORMAL, NORMAL, 0},
		{"less than a fifth", 180, 40, 0, 0, 0},
		{"one in a hundred", 198, 2, RARE, RARE, RARE},
		{"two in a hundred", 196, 4, 0, 0, 0},
		{"a single one, perhaps itself", 63, 1, RARE, RARE, RARE},
		{"nobody, of few", 63, 0, 0, 0, 0},
		{"nobody, of many", 64, 0, RARE, RARE, RARE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct baseline *baseline = make(64);

		note(baseline, 1, 0, cases[i].ethernet, 1500);
		note(baseline, 1, 1000, cases[i].other, 1420);
		cr_expect_eq(judge(baseline, 1, 1420, LINK_ACCESS), cases[i].access, "%s",
			     cases[i].name);
		cr_expect_eq(judge(baseline, 1, 1420, LINK_POSSIBLE), cases[i].possible, "%s",
			     cases[i].name);
		cr_expect_eq(judge(baseline, 1, 1420, LINK_LIKELY), cases[i].likely, "%s",
			     cases[i].name);
		cr_expect_eq(judge(baseline, 2, 1420, LINK_ACCESS), 0, "%s", cases[i].name);
		baseline_free(baseline);
	}
}

/* One exit that is new a thousand times, such as after it was forgotten, makes nothing usual. */
Test(baseline, one_address_is_one_however_often_it_comes)
{
	struct baseline *baseline = make(64);
	struct addr v6 = parse("2001:db8:1:2::1");

	for (unsigned i = 0; i < 1000; i++)
		note(baseline, 1, 7, 1, 1420);
	cr_expect_eq(judge(baseline, 1, 1420, LINK_POSSIBLE), 0);
	cr_expect_eq(judge(baseline, 1, 1420, LINK_LIKELY), 0);
	for (unsigned i = 0; i < 1000; i++) {
		v6.bytes[14] = (uint8_t)(i >> 8);
		v6.bytes[15] = (uint8_t)i;
		baseline_note(baseline, NULL, NOW, &v6, 1420);
	}
	cr_expect_eq(baseline_judge(baseline, NULL, NOW, &v6, 1420, LINK_POSSIBLE), 0,
		     "whoever has a /64 has all of its addresses");
	for (unsigned i = 0; i < 100; i++) {
		v6.bytes[7] = (uint8_t)i;
		baseline_note(baseline, NULL, NOW, &v6, 1420);
	}
	cr_expect_eq(baseline_judge(baseline, NULL, NOW, &v6, 1420, LINK_LIKELY), NORMAL);
	baseline_free(baseline);
}

/* To the last place of 64: so many are what makes an MTU usual, or even a likely tunnel's. */
Test(baseline, so_many_addresses_make_it_usual)
{
	struct baseline *baseline = make(64);

	for (unsigned i = 0; i < 64; i++) {
		unsigned spread;

		for (unsigned k = 0; k < 64; k++)
			note(baseline, 1, i, 1, 1420);
		spread = get(baseline, 1, NOW).mtus[0].spread;
		cr_expect_eq(judge(baseline, 1, 1420, LINK_POSSIBLE),
			     spread >= BASELINE_NORMAL_SPREAD ? NORMAL : 0, "%u", spread);
		cr_expect_eq(judge(baseline, 1, 1420, LINK_LIKELY),
			     spread >= BASELINE_SETTLED_SPREAD ? NORMAL : 0, "%u", spread);
	}
	baseline_free(baseline);
}

Test(baseline, prefixes_are_apart)
{
	struct baseline *baseline = make(64);
	struct addr near = parse("2001:db8:ffff::1"), far = parse("2001:db9::1");
	struct baseline_prefix prefix;

	note(baseline, 1, 0, 10, 1492);
	note(baseline, 2, 0, 5, 1400);
	baseline_note(baseline, NULL, NOW, &near, 1280);
	prefix = get(baseline, 1, NOW);
	cr_expect(prefix.clients == 10 && prefix.bits == 16 && prefix.mtu_count == 1);
	cr_expect(prefix.mtus[0].mtu == 1492 && prefix.last_seen_s == NOW && !prefix.name[0]);
	cr_expect(get(baseline, 2, NOW).clients == 5);
	cr_expect(get(baseline, 3, NOW).clients == -1, "nobody came from there");
	cr_expect_eq(find_net(baseline, NULL, NOW, &near, &prefix), 0);
	cr_expect_eq(prefix.bits, 32);
	cr_expect_eq(find_net(baseline, NULL, NOW, &far, &prefix), -ENOENT);
	baseline_free(baseline);
}

Test(baseline, weights_halve)
{
	struct baseline *baseline = make(64);

	note(baseline, 1, 0, 64, 1492);
	cr_expect_float_eq(get(baseline, 1, NOW + HALF_LIFE).clients, 32, 0.1);
	cr_expect_float_eq(get(baseline, 1, NOW + HALF_LIFE).mtus[0].clients, 32, 0.1);
	for (unsigned i = HALF_LIFE; i <= 2 * HALF_LIFE; i += 60)
		get(baseline, 1, NOW + i);
	cr_expect_float_eq(get(baseline, 1, NOW + 2 * HALF_LIFE).clients, 16, 0.3,
			   "whoever looks changes nothing");
	cr_expect_float_eq(get(baseline, 1, NOW).clients, 16, 0.3, "a clock that was set back");
	cr_expect(get(baseline, 1, NOW + 20 * HALF_LIFE).clients == -1, "gone");
	note(baseline, 1, 0, 1, 1492);
	cr_expect(get(baseline, 1, NOW).clients == 1, "and back");
	baseline_free(baseline);
}

Test(baseline, rarest_mtu_gives_way)
{
	struct baseline *baseline = make(64);
	struct baseline_prefix prefix;

	for (uint16_t i = 0; i < BASELINE_MTUS; i++)
		note(baseline, 1, 100u * i, i == 5 ? 1 : 2u + i, (uint16_t)(1400 + i));
	note(baseline, 1, 5000, 1, 1300);
	prefix = get(baseline, 1, NOW);
	cr_assert_eq(prefix.mtu_count, BASELINE_MTUS);
	cr_expect(prefix.clients == 147, "%g", (double)prefix.clients);
	cr_expect(prefix.mtus[0].mtu == 1415 && prefix.mtus[BASELINE_MTUS - 1].mtu == 1300);
	for (unsigned i = 0; i < BASELINE_MTUS; i++)
		cr_expect(prefix.mtus[i].mtu != 1405);
	for (unsigned i = 1; i < BASELINE_MTUS; i++)
		cr_expect(prefix.mtus[i - 1].clients >= prefix.mtus[i].clients);
	baseline_free(baseline);
}

/* Spoofed sources from everywhere take no heavy network's place. */
Test(baseline, lightest_network_gives_way)
{
	struct baseline *baseline = make(64);
	struct baseline_stats stats;

	for (unsigned net = 0; net < 3; net++)
		note(baseline, net, 0, 50, 1492);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr addr = v4(20 + i % 200, i / 200, 1);

		baseline_note(baseline, NULL, NOW, &addr, 1500);
	}
	baseline_get_stats(baseline, &stats);
	cr_expect(stats.capacity == 64 && stats.used == 64 && stats.evicted >= 19900);
	cr_expect_lt(stats.memory_bytes, 64 * 336 + 8192);
	for (unsigned net = 0; net < 3; net++)
		cr_expect(get(baseline, net, NOW).clients == 50, "%u", net);
	baseline_free(baseline);
}

Test(baseline, a_name_is_one_network)
{
	static const char text[] = "10.1.0.0/16 AS64500\n10.2.0.0/17 AS64500\n10.1.9.0/24 AS64501\n"
				   "2001:db8::/32 AS64500\n";
	struct baseline *baseline = make(64);
	struct netnames *names = netnames_new();
	struct addr addr = parse("2001:db8::1");
	struct baseline_prefix prefix;

	cr_assert_eq(netnames_load(names, text, strlen(text), NULL), 0);
	baseline_note(baseline, names, NOW, &addr, 1480);
	for (unsigned i = 0; i < 40; i++) {
		addr = v4(10, 1 + i % 2, i);
		baseline_note(baseline, names, NOW, &addr, 1492);
	}
	addr = v4(10, 1, 9 << 8);
	baseline_note(baseline, names, NOW, &addr, 1500);
	cr_assert_eq(find_net(baseline, names, NOW, &addr, &prefix), 0);
	cr_expect(prefix.clients == 1 && strcmp(prefix.name, "AS64501") == 0);
	addr = v4(10, 2, 7);
	cr_assert_eq(find_net(baseline, names, NOW, &addr, &prefix), 0);
	cr_expect(prefix.clients == 41 && strcmp(prefix.name, "AS64500") == 0 && !prefix.bits);
	cr_expect_eq(baseline_judge(baseline, names, NOW, &addr, 1492, LINK_ACCESS), NORMAL);
	addr = v4(10, 2, 0x8000);
	cr_expect_eq(find_net(baseline, names, NOW, &addr, &prefix), -ENOENT);
	netnames_free(names);
	baseline_free(baseline);
}

Test(baseline, pages_show_each_network_once)
{
	struct baseline *baseline = make(256);
	struct baseline_prefix page[7];
	unsigned seen[100] = {0}, total = 0;
	uint64_t cursor = 0;

	for (unsigned net = 0; net < 100; net++)
		note(baseline, net, 0, 1 + net, 1500);
	do {
		size_t n = baseline_page(baseline, NOW, cursor, 7, page, &cursor);

		for (size_t i = 0; i < n; i++, total++) {
			seen[page[i].net.bytes[13]]++;
			cr_expect(page[i].clients == (float)page[i].net.bytes[13] + 1);
		}
	} while (cursor);
	cr_expect_eq(total, 100);
	for (unsigned net = 0; net < 100; net++)
		cr_expect_eq(seen[net], 1, "%u", net);
	baseline_free(baseline);
}

/* Who asks for an address of a named network means all that is of this name. */
Test(baseline, forgets_what_has_the_name)
{
	static const char text[] = "10.1.0.0/16 one\n10.2.0.0/16 two\n10.3.0.0/16 one\n";
	struct baseline *baseline = make(64);
	struct netnames *names = netnames_new();
	struct addr a = v4(10, 1, 1), b = v4(10, 2, 1), elsewhere = v4(10, 9, 1);
	struct addr_net net;

	cr_assert_eq(netnames_load(names, text, strlen(text), NULL), 0);
	baseline_note(baseline, names, NOW, &a, 1500);
	baseline_note(baseline, names, NOW, &b, 1500);
	baseline_note(baseline, names, NOW, &elsewhere, 1500);
	cr_assert_eq(addr_net_parse("10.3.7.0/24", &net), 0);
	cr_expect_eq(baseline_forget(baseline, NULL, &net), 0, "without names nothing has one");
	cr_expect_eq(baseline_forget(baseline, names, &net), 1);
	cr_expect_eq(baseline_judge(baseline, names, NOW, &b, 1400, LINK_ACCESS), 0);
	cr_assert_eq(addr_net_parse("10.2.0.0/16", &net), 0);
	cr_expect_eq(baseline_forget(baseline, names, &net), 1, "the other name is there");
	cr_assert_eq(addr_net_parse("10.9.0.0/16", &net), 0);
	cr_expect_eq(baseline_forget(baseline, names, &net), 1, "and what has none");
	netnames_free(names);
	baseline_free(baseline);
}

/* All that was seen of a part of the network goes, and nothing else. */
Test(baseline, forgets_what_is_in_a_network)
{
	struct baseline *baseline = make(64);
	struct addr_net some, all, host;
	struct baseline_stats stats;

	cr_assert_eq(addr_net_parse("10.0.0.0/13", &some), 0);
	cr_assert_eq(addr_net_parse("0.0.0.0/0", &all), 0);
	cr_assert_eq(addr_net_parse("10.9.1.1", &host), 0);
	for (unsigned net = 0; net < 32; net++)
		note(baseline, net, 0, 1 + net, 1500);
	baseline_get_stats(baseline, &stats);
	cr_expect_eq(baseline_forget(baseline, NULL, &some), 8);
	cr_expect_lt(get(baseline, 7, NOW).clients, 0);
	cr_expect_eq(get(baseline, 8, NOW).clients, 9);
	cr_expect_eq(baseline_forget(baseline, NULL, &host), 1, "a network that holds it goes");
	cr_expect_eq(baseline_forget(baseline, NULL, &host), 0);
	cr_expect_eq(baseline_forget(baseline, NULL, &all), stats.used - 9);
	baseline_get_stats(baseline, &stats);
	cr_expect_eq(stats.used, 0);
	baseline_free(baseline);
}

static struct baseline *filled(void)
{
	struct baseline *baseline = make(64);
	struct netnames *names = netnames_new();
	struct addr addr = parse("2001:db8::1");

	cr_assert_eq(netnames_load(names, "11.0.0.0/8 a carrier", 20, NULL), 0);
	note(baseline, 1, 0, 70, 1492);
	note(baseline, 1, 100, 7, 1500);
	note(baseline, 2, 0, 3, 1400);
	baseline_note(baseline, NULL, NOW, &addr, 1280);
	addr = v4(11, 1, 1);
	baseline_note(baseline, names, NOW, &addr, 1430);
	netnames_free(names);
	return baseline;
}

static size_t used(struct baseline *baseline)
{
	struct baseline_stats stats;

	baseline_get_stats(baseline, &stats);
	return stats.used;
}

Test(baseline, comes_back_from_bytes)
{
	struct baseline *baseline = filled(), *again = make(128);
	struct baseline_prefix before, after;
	uint8_t *bytes, *bytes2;
	size_t len, len2;

	cr_assert_eq(baseline_export(baseline, 0, &bytes, &len), 0);
	cr_assert_eq(baseline_import(again, NOW, bytes, len), 0);
	cr_expect_eq(used(again), 4);
	before = get(baseline, 1, NOW);
	after = get(again, 1, NOW);
	cr_expect_eq(memcmp(&before, &after, sizeof(before)), 0);
	cr_expect_eq(judge(again, 1, 1492, LINK_LIKELY), NORMAL);
	cr_assert_eq(baseline_import(again, NOW, bytes, len), 0);
	cr_expect(get(again, 1, NOW).clients == 77, "nothing counts twice");
	cr_assert_eq(baseline_export(again, 0, &bytes2, &len2), 0);
	cr_expect_eq(len, len2);
	free(bytes);
	free(bytes2);
	baseline_free(baseline);
	baseline_free(again);
}

Test(baseline, bytes_of_the_future_count_as_of_now)
{
	struct baseline *baseline = filled(), *again = make(64);
	uint8_t *bytes;
	size_t len;

	cr_assert_eq(baseline_export(baseline, 0, &bytes, &len), 0);
	cr_assert_eq(baseline_import(again, NOW - 1000, bytes, len), 0);
	cr_expect_eq(get(again, 1, NOW - 1000).last_seen_s, NOW - 1000);
	cr_expect_float_eq(get(again, 1, NOW - 1000 + HALF_LIFE).clients, 38.5, 0.1);
	free(bytes);
	baseline_free(baseline);
	baseline_free(again);
}

Test(baseline, other_prefix_lengths_are_left_out)
{
	struct baseline_params params = {.prefixes = 64,
					 .v4_prefix_bits = 24,
					 .v6_prefix_bits = 32,
					 .half_life_s = 1};
	struct baseline *baseline = filled(), *again = baseline_new(&params);
	uint8_t *bytes;
	size_t len;

	cr_assert_eq(baseline_export(baseline, 0, &bytes, &len), 0);
	cr_assert_eq(baseline_import(again, NOW, bytes, len), 0);
	cr_expect_eq(used(again), 2, "IPv6 and the name");
	free(bytes);
	baseline_free(baseline);
	baseline_free(again);
}

/* Every end and every flipped bit: refused with nothing added, or taken whole. */
Test(baseline, damaged_bytes_are_refused_whole)
{
	struct baseline *baseline = filled();
	unsigned refused = 0;
	uint8_t *bytes;
	size_t len;

	cr_assert_eq(baseline_export(baseline, 0, &bytes, &len), 0);
	for (size_t end = 0; end < len; end++) {
		struct baseline *again = make(64);
		uint8_t *copy = malloc(end + 1);

		memcpy(copy, bytes, end);
		cr_expect_eq(baseline_import(again, NOW, copy, end), -EINVAL, "%zu", end);
		cr_expect_eq(used(again), 0);
		free(copy);
		baseline_free(again);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct baseline *again = make(64);
		bool is_bad;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		is_bad = baseline_import(again, NOW, bytes, len) < 0;
		refused += is_bad;
		cr_expect(!is_bad || used(again) == 0, "bit %zu", bit);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		baseline_free(again);
	}
	cr_expect_gt(refused, 64 + 4 * 32, "version, counts and kinds at the least");
	free(bytes);
	baseline_free(baseline);
}

static void *note_many(void *baseline)
{
	for (unsigned i = 0; i < 200; i++) {
		note(baseline, i % 4, i, 1, 1492);
		judge(baseline, i % 4, 1492, LINK_ACCESS);
	}
	return NULL;
}

Test(baseline, threads_lose_nothing)
{
	struct baseline *baseline = make(64);
	pthread_t threads[3];

	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, note_many, baseline), 0);
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (unsigned net = 0; net < 4; net++)
		cr_expect(get(baseline, net, NOW).clients == 150);
	baseline_free(baseline);
}

Test(baseline, bad_parameters_are_refused)
{
	static const struct baseline_params bad[] = {
		{63, 16, 32, 1, 0}, {16385, 16, 32, 1, 0}, {64, 7, 32, 1, 0},  {64, 33, 32, 1, 0},
		{64, 16, 15, 1, 0}, {64, 16, 65, 1, 0},    {64, 16, 32, 0, 0},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_null(baseline_new(&bad[i]), "%zu", i);
	baseline_free(NULL);
}

Test(baseline, parameters_at_their_limits)
{
	static const struct {
		struct baseline_params params;
		size_t capacity; /* whole sets of eight */
	} good[] = {
		{{64, 8, 16, 1, 0}, 64},  {{16384, 32, 64, UINT32_MAX, 0}, 16384},
		{{65, 16, 32, 1, 0}, 72}, {{71, 16, 32, 1, 0}, 72},
		{{72, 16, 32, 1, 0}, 72},
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct baseline *baseline = baseline_new(&good[i].params);
		struct baseline_stats stats;

		cr_assert_not_null(baseline, "%zu", i);
		baseline_get_stats(baseline, &stats);
		cr_expect_eq(stats.capacity, good[i].capacity, "%zu", i);
		baseline_free(baseline);
	}
}

/* Whoever has an IPv6 subnet has all of its addresses: one client, and not its neighbour's. */
Test(baseline, an_ipv6_subnet_is_one_client)
{
	static const struct {
		const char *other;
		unsigned spread;
	} cases[] = {{"2001:db8:1:2:8000::1", 1}, {"2001:db8:1:3::1", 2}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr first = parse("2001:db8:1:2::1"), other = parse(cases[i].other);
		struct baseline *baseline = make(64);
		struct baseline_prefix prefix = {.clients = 0};

		baseline_note(baseline, NULL, NOW, &first, 1500);
		baseline_note(baseline, NULL, NOW, &other, 1500);
		cr_assert_eq(find_net(baseline, NULL, NOW, &first, &prefix), 0);
		cr_expect_eq(prefix.mtus[0].spread, cases[i].spread, "%s", cases[i].other);
		baseline_free(baseline);
	}
}

/* Wherever the rarest stands among the MTUs. */
Test(baseline, each_mtu_can_be_the_rarest)
{
	for (uint16_t rarest = 0; rarest < BASELINE_MTUS; rarest++) {
		struct baseline *baseline = make(64);
		struct baseline_prefix prefix = {.clients = 0};

		for (uint16_t mtu = 0; mtu < BASELINE_MTUS; mtu++)
			note(baseline, 1, mtu * 10, mtu == rarest ? 1 : 2, (uint16_t)(1400 + mtu));
		note(baseline, 1, 1000, 1, 1500);
		prefix = get(baseline, 1, NOW);
		cr_expect_eq(prefix.mtu_count, BASELINE_MTUS);
		for (unsigned i = 0; i < prefix.mtu_count; i++)
			cr_expect_neq(prefix.mtus[i].mtu, 1400 + rarest);
		baseline_free(baseline);
	}
}

/* Weights are brought up to date in steps of a 64th of a half-life, and each says what was left. */
Test(baseline, weights_go_in_steps)
{
	struct baseline *baseline = make(64);

	note(baseline, 1, 0, 100, 1500);
	cr_expect_eq(get(baseline, 1, NOW + HALF_LIFE / 64).clients, 100);
	cr_expect_float_eq(get(baseline, 1, NOW + HALF_LIFE / 64 + 1).clients, 98.92f, 0.01f);
	cr_expect_float_eq(get(baseline, 1, NOW + HALF_LIFE).clients, 50, 0.01f);
	cr_expect_float_eq(get(baseline, 1, NOW).clients, 50, 0.01f, "the clock was set back");
	cr_expect_float_eq(get(baseline, 1, NOW + HALF_LIFE).clients, 25, 0.01f);
	cr_expect_float_eq(get(baseline, 1, NOW + 9 * HALF_LIFE).clients, 0.0977f, 0.001f);
	cr_expect_eq(get(baseline, 1, NOW + 10 * HALF_LIFE).clients, -1, "gone");
	baseline_free(baseline);
}
