/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a baseline, written by hand: what they must look like, and what makes no sense. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "packet.h"
#include "core/baseline/baseline.h"
#include "core/baseline/find_net.h"

#define NOW_S 1000000u

/* 1 network: {bits, length of the name, MTUs, 0}, net or name, clients, decayed at, seen at. */
#define ONE "01000000 01000000"
#define V4_192_0 "00000000 00000000 0000ffff c0000000"
#define V6_2001_DB8 "20010db8 00000000 00000000 00000000"
#define TIMES "40420f00 40420f00"
#define NET(bits, mtus, net, clients) bits "00" mtus "00" net clients TIMES
#define V4(mtus, clients) NET("10", mtus, V4_192_0, clients)
#define MTU(mtu, clients) mtu "0000" clients "0100000000000080"

#define F_0 "00000000"
#define F_HALF "0000003f"
#define F_1 "0000803f"
#define F_50 "00004842"
#define F_51 "00004c42"
#define F_52 "00005042"
#define F_100 "0000c842"
#define F_MINUS "000080bf"
#define F_NAN "0000c07f"
#define F_INFINITE "0000807f"
#define F_1E9 "286b6e4e"
#define F_ABOVE_1E9 "296b6e4e"

#define EIGHT_MTUS(first)                                                                          \
	MTU(first "0a", F_1)                                                                       \
	MTU(first "0b", F_1)                                                                       \
	MTU(first "0c", F_1)                                                                       \
	MTU(first "0d", F_1)                                                                       \
	MTU(first "0e", F_1) MTU(first "0f", F_1) MTU(first "10", F_1) MTU(first "11", F_1)
#define NAME_31 "61626364 65666768 696a6b6c 6d6e6f70 71727374 75767778 797a4142 434445"

static struct baseline *make(unsigned v4_bits, unsigned v6_bits)
{
	struct baseline_params params = {.prefixes = 64,
					 .v4_prefix_bits = v4_bits,
					 .v6_prefix_bits = v6_bits,
					 .half_life_s = 86400};
	struct baseline *baseline = baseline_new(&params);

	cr_assert_not_null(baseline);
	return baseline;
}

static size_t used(struct baseline *baseline)
{
	struct baseline_stats stats;

	baseline_get_stats(baseline, &stats);
	return stats.used;
}

static struct packet bytes_of(const char *hex)
{
	struct packet bytes = {.len = 0};

	packet_put(&bytes, hex);
	return bytes;
}

Test(baseline_bytes, what_makes_sense_and_what_not)
{
	static const struct {
		const char *name, *hex;
		bool is_good;
	} cases[] = {
		{"nothing", "01000000 00000000", true},
		{"version 0", "00000000 00000000", false},
		{"version 2", "02000000 00000000", false},
		{"more than it says", "01000000 00000000 00", false},
		{"less than it says", "01000000 02000000" V4("00", F_1), false},
		{"a network", ONE V4("01", F_1) MTU("dc05", F_1), true},
		{"an IPv6 network", ONE NET("20", "00", V6_2001_DB8, F_1), true},
		{"IPv4 of 32 bits", ONE NET("20", "00", V4_192_0, F_1), true},
		{"IPv4 of 33 bits", ONE NET("21", "00", V4_192_0, F_1), false},
		{"IPv6 of 64 bits", ONE NET("40", "00", V6_2001_DB8, F_1), true},
		{"IPv6 of 65 bits", ONE NET("41", "00", V6_2001_DB8, F_1), false},
		{"IPv6 of 1 bit", ONE NET("01", "00", "80000000 00000000 00000000 00000000", F_1),
		 true},
		{"0 bits", ONE NET("00", "00", "00000000 00000000 00000000 00000000", F_1), false},
		{"bits behind the prefix",
		 ONE NET("08", "00", "00000000 00000000 0000ffff c0010000", F_1), false},
		{"something in the zero", ONE "10 00 00 01" V4_192_0 F_1 TIMES, false},
		{"a name", ONE "00 01 00 00 61" F_1 TIMES, true},
		{"a name with a blank", ONE "00 03 00 00 612061" F_1 TIMES, true},
		{"a name of 31 bytes", ONE "00 1f 00 00" NAME_31 F_1 TIMES, true},
		{"a name of 32 bytes", ONE "00 20 00 00" NAME_31 "46" F_1 TIMES, false},
		{"a name with a control character", ONE "00 02 00 00 611f" F_1 TIMES, false},
		{"a name with a delete", ONE "00 02 00 00 7f61" F_1 TIMES, false},
		{"a name with a zero", ONE "00 02 00 00 6100" F_1 TIMES, false},
		{"a name and bits", ONE "01 01 00 00 61" F_1 TIMES, false},
		{"nobody in it", ONE V4("00", F_0), true},
		{"half a client", ONE V4("00", F_HALF), true},
		{"the most clients", ONE V4("00", F_1E9), true},
		{"more than that", ONE V4("00", F_ABOVE_1E9), false},
		{"less than nobody", ONE V4("00", F_MINUS), false},
		{"no number of clients", ONE V4("00", F_NAN), false},
		{"infinite clients", ONE V4("00", F_INFINITE), false},
		{"16 MTUs", ONE V4("10", F_100) EIGHT_MTUS("01") EIGHT_MTUS("02"), true},
		{"17 MTUs", ONE V4("11", F_100) EIGHT_MTUS("01") EIGHT_MTUS("02") MTU("dc05", F_1),
		 false},
		{"MTU 0", ONE V4("01", F_1) MTU("0000", F_1), false},
		{"the same MTU twice", ONE V4("02", F_100) MTU("dc05", F_1) MTU("dc05", F_1),
		 false},
		{"two MTUs", ONE V4("02", F_100) MTU("dc05", F_1) MTU("dd05", F_1), true},
		{"something in the MTU's zero",
		 ONE V4("01", F_1) "dc05 0100" F_1 "0100000000000000", false},
		{"an MTU without clients", ONE V4("01", F_1) MTU("dc05", F_0), true},
		{"an MTU of less than nobody", ONE V4("01", F_1) MTU("dc05", F_MINUS), false},
		{"an MTU of no number", ONE V4("01", F_1) MTU("dc05", F_NAN), false},
		{"MTUs of a bit more clients than there are",
		 ONE V4("02", F_100) MTU("dc05", F_50) MTU("dd05", F_52), true},
		{"MTUs of more clients than there are",
		 ONE V4("02", F_100) MTU("dc05", F_51) MTU("dd05", F_52), false},
		{"as many MTUs as clients, and one",
		 ONE V4("02", F_1) MTU("dc05", F_1) MTU("dd05", F_1), true},
		{"and two", ONE V4("03", F_1) MTU("dc05", F_1) MTU("dd05", F_1) MTU("de05", F_1),
		 false},
		{"a bad one behind a good one",
		 "01000000 02000000" V4("00", F_1) NET("00", "00", V4_192_0, F_1), false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct baseline *baseline = make(16, 32);
		struct packet bytes = bytes_of(cases[i].hex);

		cr_expect_eq(baseline_import(baseline, NOW_S, bytes.bytes, bytes.len),
			     cases[i].is_good ? 0 : -EINVAL, "%s", cases[i].name);
		cr_expect(cases[i].is_good || used(baseline) == 0, "%s", cases[i].name);
		baseline_free(baseline);
	}
}

/* Which networks find their place: those of the configured length, and names. */
Test(baseline_bytes, prefix_lengths)
{
	static const struct {
		const char *name, *hex;
		unsigned v4_bits, v6_bits;
		size_t used;
	} cases[] = {
		{"IPv4", ONE NET("10", "00", V4_192_0, F_1), 16, 32, 1},
		{"IPv4, another length", ONE NET("10", "00", V4_192_0, F_1), 17, 16, 0},
		{"IPv6", ONE NET("20", "00", V6_2001_DB8, F_1), 16, 32, 1},
		{"IPv6, another length", ONE NET("20", "00", V6_2001_DB8, F_1), 32, 33, 0},
		{"a short name", ONE "00 01 00 00 61" F_1 TIMES, 16, 32, 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct baseline *baseline = make(cases[i].v4_bits, cases[i].v6_bits);
		struct packet bytes = bytes_of(cases[i].hex);

		cr_assert_eq(baseline_import(baseline, NOW_S, bytes.bytes, bytes.len), 0);
		cr_expect_eq(used(baseline), cases[i].used, "%s", cases[i].name);
		baseline_free(baseline);
	}
}

Test(baseline_bytes, every_member_comes_in)
{
	const struct packet bytes = bytes_of(
		ONE "10 00 02 00" V4_192_0 F_100
		    "40420f00 3f420f00" MTU("d405", F_50) "dc05 0000" F_1 "0f00000000000000");
	const struct addr addr = addr_from_v4((const uint8_t[]){192, 0, 2, 1});
	struct baseline *baseline = make(16, 32);
	struct baseline_prefix prefix;

	cr_assert_eq(baseline_import(baseline, NOW_S, bytes.bytes, bytes.len), 0);
	cr_assert_eq(find_net(baseline, NULL, NOW_S, &addr, &prefix), 0);
	cr_expect_eq(prefix.bits, 16);
	cr_expect_eq(prefix.clients, 100);
	cr_expect_eq(prefix.last_seen_s, NOW_S - 1);
	cr_assert_eq(prefix.mtu_count, 2);
	cr_expect_eq(prefix.mtus[0].mtu, 1492);
	cr_expect_eq(prefix.mtus[0].clients, 50);
	cr_expect_eq(prefix.mtus[0].spread, 2);
	cr_expect_eq(prefix.mtus[1].mtu, 1500);
	cr_expect_eq(prefix.mtus[1].clients, 1);
	cr_expect_eq(prefix.mtus[1].spread, 4);
	baseline_free(baseline);
}

/* Byte for byte, and back: what was written by one version is to be read by the next. */
Test(baseline_bytes, export)
{
	static const char *const texts[] = {
		ONE V4("02", F_100) MTU("d405", F_50) MTU("dc05", F_1),
		ONE NET("20", "01", V6_2001_DB8, F_1) MTU("0005", F_HALF),
		ONE "00 1f 10 00" NAME_31 F_100 TIMES EIGHT_MTUS("01") EIGHT_MTUS("02"),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct baseline *baseline = make(16, 32);
		struct packet bytes = bytes_of(texts[i]);
		uint8_t *written = NULL;
		size_t len = 0;

		cr_assert_eq(baseline_import(baseline, NOW_S, bytes.bytes, bytes.len), 0);
		cr_assert_eq(baseline_export(baseline, 0, &written, &len), 0);
		cr_assert_eq(len, bytes.len);
		cr_expect_arr_eq(written, bytes.bytes, len, "%s", texts[i]);
		free(written);
		baseline_free(baseline);
	}
}

/* A full table of networks as large as they can be: the room that is made for them is enough. */
Test(baseline_bytes, export_of_a_full_table)
{
	struct baseline *baseline = make(16, 32), *again = make(16, 32);
	uint8_t *written = NULL;
	size_t len = 0;

	for (unsigned name = 0; name < 400; name++) {
		struct packet bytes = bytes_of(
			ONE "00 1f 10 00" NAME_31 F_100 TIMES EIGHT_MTUS("01") EIGHT_MTUS("02"));

		bytes.bytes[12] = (uint8_t)('a' + name % 20);
		bytes.bytes[13] = (uint8_t)('a' + name / 20);
		cr_assert_eq(baseline_import(baseline, NOW_S, bytes.bytes, bytes.len), 0);
	}
	cr_expect_eq(used(baseline), 64);
	cr_assert_eq(baseline_export(baseline, 0, &written, &len), 0);
	cr_expect_eq(len, 8 + 64 * (16 + 31 + 16 * 16));
	cr_expect_eq(baseline_import(again, NOW_S, written, len), 0);
	cr_expect_eq(used(again), 64);
	free(written);
	baseline_free(baseline);
	baseline_free(again);
}

Test(baseline_bytes, out_of_memory)
{
	struct baseline_params params = {.prefixes = 64,
					 .v4_prefix_bits = 16,
					 .v6_prefix_bits = 32,
					 .half_life_s = 1};
	struct baseline *baseline = make(16, 32);
	uint8_t *written = NULL;
	size_t len = 0;

	alloc_fail_after(0);
	cr_expect_eq(baseline_export(baseline, 0, &written, &len), -ENOMEM);
	cr_expect(alloc_has_failed());
	cr_expect_null(written);
	alloc_fail_after(1); /* to give back what is too much */
	cr_expect_eq(baseline_export(baseline, 0, &written, &len), 0);
	cr_expect(alloc_has_failed());
	cr_expect_eq(len, 8);
	free(written);
	baseline_free(baseline);
	for (unsigned i = 0; i < 2; i++) {
		alloc_fail_after(i);
		cr_expect_null(baseline_new(&params));
		cr_expect(alloc_has_failed());
	}
}
