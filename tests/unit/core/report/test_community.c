/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values are those of the specification's own test files; the last one is computed as it says. */
#include <criterion/criterion.h>

#include "core/report/community.h"

static struct syn syn_of(const char *src, unsigned src_port, const char *dst, unsigned dst_port)
{
	struct syn syn = {.src_port = (uint16_t)src_port, .dst_port = (uint16_t)dst_port};

	cr_assert_eq(addr_parse(src, &syn.src), 0);
	cr_assert_eq(addr_parse(dst, &syn.dst), 0);
	syn.ip_version = addr_is_v4(&syn.src) ? 4 : 6;
	return syn;
}

Test(community, is_what_others_compute)
{
	static const struct {
		const char *src;
		unsigned src_port;
		const char *dst;
		unsigned dst_port;
		uint16_t seed;
		const char *id;
	} cases[] = {
		{"128.232.110.120", 34855, "66.35.250.204", 80, 0,
		 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"128.232.110.120", 34855, "66.35.250.204", 80, 1,
		 "1:3V71V58M3Ksw/yuFALMcW0LAHvc="},
		{"66.35.250.204", 80, "128.232.110.120", 34855, 0,
		 "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{"192.0.2.1", 40000, "192.0.2.1", 443, 0, "1:kav54h2mFjmSPhCvuJGuJJ7FY8c="},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn =
			syn_of(cases[i].src, cases[i].src_port, cases[i].dst, cases[i].dst_port);
		char id[COMMUNITY_TEXT_MAX];

		community_format(cases[i].seed, &syn, id);
		cr_expect_str_eq(id, cases[i].id, "%s", id);
	}
}

/* Whoever of both is seen first, and of one address the lower port. */
Test(community, is_the_same_in_both_directions)
{
	static const char *const pairs[][2] = {{"2001:db8::1", "2001:db8::2"},
					       {"192.0.2.1", "192.0.2.1"}};

	for (unsigned i = 0; i < 2; i++) {
		struct syn there = syn_of(pairs[i][0], 40000, pairs[i][1], 443);
		struct syn back = syn_of(pairs[i][1], 443, pairs[i][0], 40000);
		char a[COMMUNITY_TEXT_MAX], b[COMMUNITY_TEXT_MAX];

		community_format(0, &there, a);
		community_format(0, &back, b);
		cr_expect_str_eq(a, b);
		back.src_port++;
		community_format(0, &back, b);
		cr_expect_str_neq(a, b);
	}
}
