/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of networks: the longest prefix decides, and bad lines are refused with their place. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "core/baseline/netnames.h"

static const char *find(const struct netnames *names, const char *text)
{
	struct addr addr;
	const char *name;

	cr_assert_eq(addr_parse(text, &addr), 0, "%s", text);
	name = netnames_find(names, &addr);
	return name ? name : "-";
}

static struct netnames *load(const char *text)
{
	struct netnames *names = netnames_new();
	struct text_error err = {0};

	cr_assert_not_null(names);
	cr_assert_eq(netnames_load(names, text, strlen(text), &err), 0, "%u:%u: %s", err.line,
		     err.column, err.what);
	return names;
}

Test(netnames, longest_prefix_decides)
{
	struct netnames *names = load("# comment\n; another\n\n"
				      "198.51.0.0/16 AS64500\n"
				      "  198.51.100.0/24\tAS64501 Example Net \r\n"
				      "198.51.100.64/26 AS64500\n"
				      "203.0.113.77/24 AS64503\n"
				      "::/0 rest\n2001:db8::/32 AS64500\n2001:db8:1::/48 AS64504\n"
				      "192.0.2.1/32 host");
	static const struct {
		const char *addr, *name;
	} cases[] = {
		{"198.51.100.1", "AS64501 Example Net"},
		{"198.51.100.63", "AS64501 Example Net"},
		{"198.51.100.64", "AS64500"},
		{"198.51.100.127", "AS64500"},
		{"198.51.100.128", "AS64501 Example Net"},
		{"198.51.101.0", "AS64500"},
		{"198.51.0.0", "AS64500"},
		{"198.50.255.255", "-"},
		{"198.52.0.0", "-"},
		{"203.0.113.1", "AS64503"},
		{"192.0.2.1", "host"},
		{"192.0.2.0", "-"},
		{"0.0.0.0", "-"},
		{"255.255.255.255", "-"},
		{"2001:db8::1", "AS64500"},
		{"2001:db8:1::1", "AS64504"},
		{"2001:db8:2::1", "AS64500"},
		{"2001:db9::", "rest"},
		{"::", "rest"},
		{"ffff::", "rest"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_str_eq(find(names, cases[i].addr), cases[i].name, "%s: %s", cases[i].addr,
				 find(names, cases[i].addr));
	netnames_free(names);
}

/* Against a search through all prefixes, one by one. */
Test(netnames, agrees_with_a_plain_search)
{
	enum { COUNT = 400 };
	static struct addr nets[COUNT];
	static unsigned bits[COUNT];
	static char text[COUNT * 64];
	struct netnames *names;
	struct text_buf buf;
	unsigned seed = 1, count = 0;

	text_buf_init(&buf, text, sizeof(text));
	for (unsigned i = 0; i < COUNT; i++) {
		struct addr addr = addr_from_v4(
			(uint8_t[]){10, (uint8_t)(seed >> 16 & 3), (uint8_t)(seed >> 20), 0});
		unsigned len = 8 + (seed >> 8) % 17;
		char ip[ADDR_TEXT_MAX];
		bool is_there = false;

		seed = seed * 1103515245u + 12345u;
		addr = addr_mask(&addr, len);
		for (unsigned k = 0; k < count; k++)
			is_there |= bits[k] == len && addr_equal(&nets[k], &addr);
		if (is_there)
			continue;
		addr_format(&addr, ip);
		text_putf(&buf, "%s/%u n%u\n", ip, len, count);
		nets[count] = addr;
		bits[count++] = len;
	}
	cr_assert_gt(count, 50);
	names = load(text);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr addr = addr_from_v4(
			(uint8_t[]){10, (uint8_t)(seed >> 16 & 3), (uint8_t)(seed >> 20), 1});
		const char *found = netnames_find(names, &addr);
		char best[16] = "-";
		unsigned longest = 0;

		seed = seed * 1103515245u + 12345u;
		for (unsigned k = 0; k < count; k++) {
			struct addr masked = addr_mask(&addr, bits[k]);

			if (bits[k] < longest || !addr_equal(&masked, &nets[k]))
				continue;
			longest = bits[k];
			snprintf(best, sizeof(best), "n%u", k);
		}
		cr_assert_str_eq(found ? found : "-", best);
	}
	netnames_free(names);
}

#define PREFIX "not a prefix such as 198.51.100.0/24 or 2001:db8::/32"

Test(netnames, bad_lines_are_refused_with_their_place)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *what;
	} cases[] = {
		{"198.51.100.0 AS1\n", 1, 1, "the prefix needs a length, such as /24"},
		{"\n  198.51.100/24 AS1\n", 2, 3, PREFIX},
		{"198.51.100.0/33 AS1", 1, 1, PREFIX},
		{"198.51.100.0/ AS1", 1, 1, PREFIX},
		{"2001:db8::/129 AS1", 1, 1, PREFIX},
		{"2001:db8::/4x AS1", 1, 1, PREFIX},
		{"198.51.100.0/24", 1, 16, "the prefix needs a name of 1 to 31 bytes behind it"},
		{"198.51.100.0/24  \t", 1, 16,
		 "the prefix needs a name of 1 to 31 bytes behind it"},
		{"198.51.100.0/24 12345678901234567890123456789012", 1, 17,
		 "the prefix needs a name of 1 to 31 bytes behind it"},
		{"198.51.100.0/24 a\001b", 1, 18, "a control character"},
		{"1.0.0.0/8 a\n2.0.0.0/8 b\n1.2.3.4/8 c\n", 3, 1,
		 "this prefix is on line 1 already"},
		{"1234567890123456789012345678901234567890123456789012345/8 a", 1, 1,
		 "not a prefix such as 198.51.100.0/24"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct netnames *names = netnames_new();
		struct text_error err = {0};

		cr_expect_eq(netnames_load(names, cases[i].text, strlen(cases[i].text), &err),
			     -EINVAL, "%s", cases[i].text);
		cr_expect_eq(err.line, cases[i].line, "%s: line %u", cases[i].text, err.line);
		cr_expect_eq(err.column, cases[i].column, "%s: column %u", cases[i].text,
			     err.column);
		cr_expect_str_eq(err.what, cases[i].what, "%s: %s", cases[i].text, err.what);
		netnames_free(names);
	}
}

/* An address has at most 45 bytes, and what may stand in a prefix has no more than 49. */
Test(netnames, long_prefixes)
{
	static const char digits[] = "00000000000000000000000000000000000000000000000000000000";
	struct text_error err;
	char text[128];

	for (int len = 40; len < 56; len++) {
		struct netnames *names = netnames_new();

		snprintf(text, sizeof(text), "%.*s a", len, digits);
		err = (struct text_error){0};
		cr_expect_eq(netnames_load(names, text, strlen(text), &err), -EINVAL);
		cr_expect_not_null(strstr(err.what, len < 50 ? "needs a length" : "not a prefix"),
				   "%d: %s", len, err.what);
		netnames_free(names);
	}
}

Test(netnames, nothing_is_no_name)
{
	struct netnames *names = load("");

	cr_expect_str_eq(find(names, "192.0.2.1"), "-");
	netnames_free(names);
	netnames_free(NULL);
}
