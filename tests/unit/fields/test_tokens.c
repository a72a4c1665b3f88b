/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a libconfig file, and which numbers it keeps. */
#include "fields/tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void read_all(const char *text, char *ret_said, size_t size)
{
	static const char kinds[] = "N#(). ";
	struct tokens tokens = {text, 1};
	struct token token;
	size_t len = 0;

	*ret_said = '\0';
	while (tokens_next(&tokens, &token))
		len += (size_t)snprintf(ret_said + len, size - len, "%s%c%u%.*s", len ? " " : "",
					kinds[token.kind], token.line, (int)token.len, token.text);
}

Test(tokens, are_told_with_their_lines)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{"", ""},
		{"a = 1;", "N1a .1= #11 .1;"},
		{"# a = 1\na-b*c_: -2L", "N2a-b*c_ .2: #2-2L"},
		{"// x\n/* 1\n2 */ a", "N3a"},
		{"/* without an end 5", ""},
		{"a: { b = [ 1, +2 ]; }", "N1a .1: (1{ N1b .1= (1[ #11 .1, #1+2 )1] .1; )1}"},
		{"\"5 \\\" 6\n\" 7", ".1\"5 \\\" 6\n\" #27"},
		{"\"without an end 5\\", ".1\"without an end 5\\"},
		{"1.5e-3 .5 -0x1F 0xe+1", "#11.5e-3 #1.5 #1-0x1F #10xe #1+1"},
		{"@include \"x 9\"\n3", ".1@ N1include .1\"x 9\" #23"},
		{"- 5 . x", ".1- #15 .1. N1x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char said[256];

		read_all(cases[i].text, said, sizeof(said));
		cr_expect_str_eq(said, cases[i].expected, "%s", cases[i].text);
	}
}

Test(tokens, numbers_that_fit)
{
	static const struct {
		const char *text;
		bool fits;
	} cases[] = {
		{"0", true},
		{"4294967295", true},
		{"4294967296", false},
		{"99999999999999999999", false},
		{"-2147483648", true},
		{"-2147483649", false},
		{"+4294967295", true},
		{"0xffffffff", true},
		{"0x100000000", false},
		{"0xfffffffffffffffffffff", false},
		{"0xeE", true},
		{"0xffffffffffffffffL", true},
		{"0x1ffffffffffffffffL", false},
		{"9223372036854775807L", true},
		{"9223372036854775808L", false},
		{"-9223372036854775808LL", true},
		{"-9223372036854775809L", false},
		{"99999999999999999999.5", true},
		{"1e30", true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tokens tokens = {cases[i].text, 1};
		struct token token;

		cr_assert(tokens_next(&tokens, &token), "%s", cases[i].text);
		cr_expect_eq(token.kind, TOKEN_NUMBER, "%s", cases[i].text);
		cr_expect_eq(token_fits(&token), cases[i].fits, "%s", cases[i].text);
		cr_expect_not(tokens_next(&tokens, &token), "%s", cases[i].text);
	}
}
