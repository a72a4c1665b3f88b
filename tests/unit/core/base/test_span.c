/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pieces of a text: where they are cut, and what is trimmed off. */
#include <criterion/criterion.h>

#include "core/base/span.h"

static struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

Test(span, split)
{
	static const struct {
		const char *text, *head, *tail;
		bool is_split;
	} cases[] = {
		{"a=b", "a", "b", true}, {"a=b=c", "a", "b=c", true}, {"=b", "", "b", true},
		{"a=", "a", "", true},   {"=", "", "", true},         {"ab", "ab", "", false},
		{"", "", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span rest = span_of(cases[i].text), head;
		const char *end = rest.text + rest.len;

		cr_expect_eq(span_split(rest, '=', &head, &rest), cases[i].is_split, "%s",
			     cases[i].text);
		cr_expect(span_is(head, cases[i].head), "%s", cases[i].text);
		cr_expect(span_is(rest, cases[i].tail), "%s", cases[i].text);
		cr_expect_eq(rest.text + rest.len, end, "its end, also where nothing is left");
	}
}

Test(span, trim)
{
	static const struct {
		const char *text, *trimmed;
	} cases[] = {
		{"a", "a"}, {" a", "a"},   {"a ", "a"},    {"\t\r a b \r\t", "a b"},
		{"", ""},   {" \t\r", ""}, {"\na", "\na"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect(span_is(span_trim(span_of(cases[i].text)), cases[i].trimmed), "case %zu",
			  i);
	cr_expect_not(span_is(span_of("ab"), "a"));
	cr_expect_not(span_is(span_of("a"), "ab"));
	cr_expect(span_is(span_behind(span_of("abc"), 2), "c"));
}
