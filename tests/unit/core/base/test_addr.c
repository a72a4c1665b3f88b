/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct addr must_parse(const char *text)
{
	struct addr addr = {{0}};

	cr_assert_eq(addr_parse(text, &addr), 0, "%s", text);
	return addr;
}

static void expect_text(const struct addr *addr, const char *text, const char *name)
{
	char buf[ADDR_TEXT_MAX];

	cr_expect_eq(addr_format(addr, buf), strlen(text), "%s", name);
	cr_expect_str_eq(buf, text, "%s", name);
}

Test(addr, text_both_ways)
{
	static const struct {
		const char *text, *canonical;
		bool is_v4;
	} cases[] = {
		{"0.0.0.0", "0.0.0.0", true},
		{"255.255.255.255", "255.255.255.255", true},
		{"192.0.2.1", "192.0.2.1", true},
		{"::ffff:192.0.2.1", "192.0.2.1", true},
		{"::FFFF:c000:0201", "192.0.2.1", true},
		{"::", "::", false},
		{"::1", "::1", false},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1", false},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", false},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1", false},
		{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false},
		{"64:ff9b::192.0.2.1", "64:ff9b::c000:201", false},
		{"::192.0.2.1", "::192.0.2.1", false},
		{"1::", "1::", false},
		{"0:0:3:4:5:6:0:0", "::3:4:5:6:0:0", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = must_parse(cases[i].text);

		cr_expect_eq(addr_is_v4(&addr), cases[i].is_v4, "%s", cases[i].text);
		expect_text(&addr, cases[i].canonical, cases[i].text);
	}
}

/* The address of which bit i says whether group i is zero; the others get digits of every length. */
static struct addr sparse(unsigned zeros, unsigned digits)
{
	static const uint16_t values[] = {0x1,   0xf,    0x10,   0xff,  0x100,
					  0xfff, 0x1000, 0xf00d, 0xabc, 0x20};
	uint8_t bytes[16] = {0};

	for (unsigned i = 0; i < 8; i++) {
		unsigned value = zeros >> i & 1 ? 0 : values[(i + digits) % COUNT(values)];

		bytes[2 * i] = (uint8_t)(value >> 8);
		bytes[2 * i + 1] = (uint8_t)value;
	}
	return addr_from_v6(bytes);
}

Test(addr, format_agrees_with_inet_ntop)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned zeros = 0; zeros < 256; zeros++)
		for (unsigned digits = 0; digits < 10; digits++) {
			struct addr addr = sparse(zeros, digits);

			inet_ntop(AF_INET6, addr.bytes, text, sizeof(text));
			expect_text(&addr, text, text);
		}
	for (unsigned value = 0; value < 256; value++) {
		const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)~value, 0, (uint8_t)value};
		struct addr addr = addr_from_v4(bytes);

		inet_ntop(AF_INET, bytes, text, sizeof(text));
		expect_text(&addr, text, text);
	}
}

Test(addr, refuses_what_is_no_address)
{
	static const char *const cases[] = {"",           " ",         "1.2.3",        "1.2.3.4.5",
					    "1.2.3.256",  "01.2.3.4",  "1.2.3.4 ",     "1.2.3.4/32",
					    ":",          ":::",       "1::2::3",      "12345::",
					    "fe80::1%lo", "localhost", "::ffff:1.2.3", "g::1"};
	const struct addr before = must_parse("203.0.113.7");

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = before;

		cr_expect_eq(addr_parse(cases[i], &addr), -EINVAL, "'%s'", cases[i]);
		cr_expect(addr_equal(&addr, &before), "'%s' changed the output", cases[i]);
	}
}

Test(addr, from_bytes)
{
	const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1};
	struct addr plain = addr_from_v4(mapped + 12), long_form = addr_from_v6(mapped);

	cr_expect(addr_equal(&plain, &long_form));
	cr_expect(addr_is_v4(&long_form));
	expect_text(&plain, "192.0.2.1", "plain");
}

Test(addr, equal_looks_at_every_byte)
{
	const struct addr a = must_parse("2001:db8:1:2:3:4:5:6");

	for (unsigned i = 0; i < 16; i++) {
		struct addr b = a;

		b.bytes[i] ^= 1;
		cr_expect_not(addr_equal(&a, &b), "byte %u", i);
	}
}

Test(addr, mask)
{
	static const struct {
		const char *text;
		unsigned bits;
		const char *masked;
	} cases[] = {
		{"203.0.113.255", 32, "203.0.113.255"},
		{"203.0.113.255", 31, "203.0.113.254"},
		{"203.0.113.255", 24, "203.0.113.0"},
		{"203.0.113.255", 17, "203.0.0.0"},
		{"203.0.113.255", 1, "128.0.0.0"},
		{"203.0.113.255", 0, "0.0.0.0"},
		{"203.0.113.255", 33, "203.0.113.255"},
		{"203.0.113.255", UINT_MAX, "203.0.113.255"},
		{"203.0.113.255", UINT_MAX - 95, "203.0.113.255"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 128, "2001:db8:1:2:ffff:ffff:ffff:ffff"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 127, "2001:db8:1:2:ffff:ffff:ffff:fffe"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 65, "2001:db8:1:2:8000::"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 64, "2001:db8:1:2::"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 3, "2000::"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 0, "::"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", 129, "2001:db8:1:2:ffff:ffff:ffff:ffff"},
		{"2001:db8:1:2:ffff:ffff:ffff:ffff", UINT_MAX, "2001:db8:1:2:ffff:ffff:ffff:ffff"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = must_parse(cases[i].text);
		struct addr masked = addr_mask(&addr, cases[i].bits);

		expect_text(&masked, cases[i].masked, cases[i].masked);
	}
}

Test(addr, network)
{
	static const char *const cases[][2] = {{"203.0.113.255", "203.0.113.0"},
					       {"2001:db8:ffff:ffff:1::1", "2001:db8:ffff::"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct addr addr = must_parse(cases[i][0]), network = addr_network(&addr);

		expect_text(&network, cases[i][1], cases[i][0]);
	}
}

Test(addr, those_that_are_nobodys)
{
	static const struct {
		const char *text;
		bool is_nobodys;
	} cases[] = {{"0.0.0.0", true},
		     {"0.255.255.255", true},
		     {"1.0.0.0", false},
		     {"126.255.255.255", false},
		     {"127.0.0.1", true},
		     {"127.255.255.255", true},
		     {"128.0.0.1", false},
		     {"223.255.255.255", false},
		     {"224.0.0.1", true},
		     {"239.255.255.255", true},
		     {"240.0.0.1", false},
		     {"255.255.255.254", false},
		     {"255.255.255.255", true},
		     {"::", true},
		     {"::1", true},
		     {"::2", false},
		     {"::1:0:1", false},
		     {"fe80::1", false},
		     {"feff::1", false},
		     {"ff02::1", true},
		     {"2001:db8::1", false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr addr;

		cr_assert_eq(addr_parse(cases[i].text, &addr), 0, "%s", cases[i].text);
		cr_expect_eq(addr_is_nobodys(&addr), cases[i].is_nobodys, "%s", cases[i].text);
	}
}

Test(addr, networks)
{
	static const struct {
		const char *net, *inside, *outside;
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
		{"192.0.2.77/24", "192.0.2.1", "192.0.3.1"},
		{"198.51.100.7", "198.51.100.7", "198.51.100.6"},
		{"0.0.0.0/0", "255.255.255.255", "::"},
		{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
		{"::/0", "ffff::1", "192.0.2.1"},
		{"2001:db8::1/128", "2001:db8::1", "2001:db8::2"},
	};
	static const char *const bad[] = {"",
					  "/24",
					  "192.0.2.0/",
					  "192.0.2.0/33",
					  "::/129",
					  "192.0.2/24",
					  "192.0.2.0/-1",
					  "192.0.2.0/ 8",
					  "1.2.3.4/8x",
					  "1.2.3.4/18446744073709551617"};
	struct addr_net net = {.bits = 77};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr inside, outside;

		cr_assert_eq(addr_net_parse(cases[i].net, &net), 0, "%s", cases[i].net);
		cr_assert(addr_parse(cases[i].inside, &inside) == 0 &&
			  addr_parse(cases[i].outside, &outside) == 0);
		cr_expect(addr_net_holds(&net, &inside), "%s: %s", cases[i].net, cases[i].inside);
		cr_expect_not(addr_net_holds(&net, &outside), "%s: %s", cases[i].net,
			      cases[i].outside);
	}
	net.bits = 77;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(addr_net_parse(bad[i], &net), -EINVAL, "%s", bad[i]);
	cr_expect_eq(net.bits, 77, "untouched on failure");
}
