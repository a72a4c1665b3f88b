/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "core/verdict/verdict.h"

static struct verdict decide(const struct syn *syn, const struct match *match,
			     const struct link *link)
{
	return verdict_decide(syn, match, link, LINK_LIKELY);
}

Test(verdict, carries_what_was_found)
{
	struct syn syn = {.mss = 1380, .has_mss = true};
	struct match match = {.reasons = reason_bit(REASON_SIG_SPECIFIC),
			      .kind = MATCH_SPECIFIC,
			      .class_id = 3,
			      .label = 4711,
			      .dist_hops = 12,
			      .confidence = 0.9854f};
	struct link link = {.reasons =
				    reason_bit(REASON_MTU_VPN) | reason_bit(REASON_BASELINE_RARE),
			    .label = 7,
			    .kind = LINK_VPN,
			    .grade = LINK_POSSIBLE};
	struct verdict verdict = decide(&syn, &match, &link);

	cr_expect_eq(verdict.reasons, match.reasons | link.reasons);
	cr_expect_eq(verdict.match, MATCH_SPECIFIC);
	cr_expect_eq(verdict.grade, LINK_POSSIBLE);
	cr_expect_eq(verdict.dist_hops, 12);
	cr_expect_eq(verdict.label, 4711);
	cr_expect_eq(verdict.mss, 1380);
	cr_expect_eq(verdict.confidence_permille, 985);
	cr_expect_eq(verdict.class_id, 3);
	cr_expect_eq(verdict.link, 7);
	cr_expect_eq(verdict.flags, 0);
}

/* What a verdict has fewer bits for than others comes through whole. */
Test(verdict, keeps_every_bit)
{
	struct syn syn = {0};
	struct match match = {.kind = MATCH_FUZZY,
			      .class_id = 63,
			      .dist_hops = 127,
			      .confidence = 0.999f,
			      .family_confidence = 0.999f};
	struct link link = {.kind = LINK_VPN, .grade = LINK_POSSIBLE, .label = 255};
	struct verdict verdict = decide(&syn, &match, &link);

	cr_expect_eq(verdict.match, match.kind);
	cr_expect_eq(verdict.class_id, 63);
	cr_expect_eq(verdict.dist_hops, 127);
	cr_expect_eq(verdict.confidence_permille, 999);
	cr_expect_eq(verdict.family_permille, 999);
	cr_expect_eq(verdict.link, 255);
	verdict.grade = LINK_POSSIBLE;
	verdict.reasons = reason_bit(REASON_BASELINE_RARE) | reason_bit(REASON_WIN_OWN_MSS);
	verdict_weigh(&verdict, LINK_LIKELY);
	cr_expect_eq(verdict.grade, LINK_LIKELY);
}

Test(verdict, confidence_stays_in_range)
{
	static const struct {
		float confidence;
		unsigned permille;
	} cases[] = {{0, 0},    {0.0004f, 0}, {0.0006f, 1}, {0.9996f, 1000},
		     {1, 1000}, {1.5f, 1000}, {-0.1f, 0},   {__builtin_nanf(""), 0}};
	struct syn syn = {0};
	struct link link = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct match match = {.kind = MATCH_FUZZY, .confidence = cases[i].confidence};

		cr_expect_eq(decide(&syn, &match, &link).confidence_permille, cases[i].permille,
			     "%f", (double)cases[i].confidence);
	}
}

/* What subscribers hear of, and what makes an element be published anew. */
Test(verdict, is_the_same_where_nothing_that_is_told_differs)
{
	const struct verdict one = {.class_id = 3, .label = 5, .flags = 2, .grade = 1, .link = 7};
	struct verdict others[] = {one, one, one, one, one}, same = one;

	others[0].class_id = 4;
	others[1].label = 6;
	others[2].flags = 3;
	others[3].grade = 2;
	others[4].link = 8;
	for (unsigned i = 0; i < 5; i++)
		cr_expect_not(verdict_is_same(&one, &others[i]), "%u", i);
	same.confidence_permille = 900;
	same.dist_hops = 3;
	same.mss = 1460;
	cr_expect(verdict_is_same(&one, &same));
}

Test(verdict, unknown_distance_fits)
{
	struct syn syn = {0};
	struct match match = {.dist_hops = VERDICT_DIST_UNKNOWN};
	struct link link = {0};

	cr_expect_eq(decide(&syn, &match, &link).dist_hops, VERDICT_DIST_UNKNOWN);
}

Test(verdict, link_flags)
{
	static const struct {
		enum link_kind kind;
		enum link_grade grade, threshold;
		unsigned flags;
	} cases[] = {
		{LINK_VPN, LINK_LIKELY, LINK_LIKELY, VERDICT_VPN},
		{LINK_TUNNEL, LINK_LIKELY, LINK_LIKELY, VERDICT_TUNNEL},
		{LINK_VPN, LINK_POSSIBLE, LINK_LIKELY, 0},
		{LINK_VPN, LINK_POSSIBLE, LINK_POSSIBLE, VERDICT_VPN},
		{LINK_TUNNEL, LINK_POSSIBLE, LINK_POSSIBLE, VERDICT_TUNNEL},
		{LINK_AMBIGUOUS, LINK_POSSIBLE, LINK_POSSIBLE, VERDICT_VPN},
		{LINK_ACCESS_NET, LINK_ACCESS, LINK_ACCESS, 0},
		{LINK_ACCESS_NET, LINK_ACCESS, LINK_NONE, 0},
		{LINK_ETHERNET, LINK_NONE, LINK_NONE, 0},
		{LINK_VPN, LINK_NONE, LINK_NONE, 0},
	};
	struct syn syn = {0};
	struct match match = {.kind = MATCH_SPECIFIC};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link link = {.kind = cases[i].kind, .grade = cases[i].grade};
		struct verdict verdict = verdict_decide(&syn, &match, &link, cases[i].threshold);

		cr_expect_eq(verdict.flags, cases[i].flags, "%s at %s, threshold %s",
			     link_kind_name(cases[i].kind), link_grade_name(cases[i].grade),
			     link_grade_name(cases[i].threshold));
	}
}

Test(verdict, whose_window_says_something_of_the_mss)
{
	static const struct {
		const char *name;
		bool sizes_window, phone;
		enum link_kind kind;
		enum link_grade judged, grade;
		bool is_own;
	} cases[] = {
		{"Linux", true, false, LINK_VPN, LINK_LIKELY, LINK_LIKELY, true},
		{"a phone, whose carrier may have it", true, true, LINK_VPN, LINK_LIKELY,
		 LINK_POSSIBLE, true},
		{"lwIP's constant", false, false, LINK_TUNNEL, LINK_LIKELY, LINK_POSSIBLE, false},
		{"a load balancer's copy", false, false, LINK_AMBIGUOUS, LINK_POSSIBLE, LINK_ACCESS,
		 false},
		{"an access network stays one", false, false, LINK_ACCESS_NET, LINK_ACCESS,
		 LINK_ACCESS, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = {.quirks = 0};
		struct match match = {.sizes_window = cases[i].sizes_window,
				      .doubts_window = !cases[i].sizes_window || cases[i].phone};
		struct link link = {.kind = cases[i].kind,
				    .grade = cases[i].judged,
				    .mss_own = true,
				    .reasons = reason_bit(REASON_WIN_OWN_MSS)};
		struct verdict verdict = decide(&syn, &match, &link);
		bool is_own = verdict.reasons & reason_bit(REASON_WIN_OWN_MSS);

		cr_expect_eq(verdict.grade, cases[i].grade, "%s", cases[i].name);
		cr_expect_eq(is_own, cases[i].is_own, "%s", cases[i].name);
		cr_expect_eq((verdict.flags & VERDICT_VPN) != 0, cases[i].grade == LINK_LIKELY,
			     "%s", cases[i].name);
	}
}

Test(verdict, other_flags)
{
	static const struct {
		const char *name;
		uint32_t quirks;
		enum match_kind match;
		bool tool, inconsistent, mss_clamped, local_clamp, unknown;
		unsigned flags;
	} cases[] = {
		{"nothing", QUIRK_DF | QUIRK_ECN, MATCH_FUZZY, false, false, false, false, false,
		 0},
		{"tool", 0, MATCH_SPECIFIC, true, false, false, false, false, VERDICT_SCANNER},
		{"contradiction", 0, MATCH_FUZZY, false, true, false, false, false,
		 VERDICT_INCONSISTENT},
		{"no match", 0, MATCH_NONE, false, false, false, false, true, VERDICT_UNKNOWN},
		{"only the nearest", 0, MATCH_FUZZY, false, false, false, false, true,
		 VERDICT_UNKNOWN},
		{"bad options", QUIRK_OPT_BAD, MATCH_FUZZY, false, false, false, false, false,
		 VERDICT_MALFORMED},
		{"clamped", 0, MATCH_FUZZY, false, false, true, false, false, VERDICT_MSS_CLAMPED},
		{"clamped by our own router", 0, MATCH_FUZZY, false, false, true, true, false, 0},
		{"several", QUIRK_OPT_BAD, MATCH_NONE, false, true, false, false, true,
		 VERDICT_MALFORMED | VERDICT_UNKNOWN | VERDICT_INCONSISTENT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = {.quirks = cases[i].quirks};
		struct match match = {.kind = cases[i].match,
				      .tool = cases[i].tool,
				      .unknown = cases[i].unknown,
				      .inconsistent = cases[i].inconsistent};
		struct link link = {.mss_clamped = cases[i].mss_clamped};
		struct verdict verdict;

		if (cases[i].local_clamp)
			link.reasons = reason_bit(REASON_LOCAL_CLAMP);
		verdict = decide(&syn, &match, &link);
		cr_expect_eq(verdict.flags, cases[i].flags, "%s", cases[i].name);
		cr_expect_eq((verdict.reasons & reason_bit(REASON_OPT_MALFORMED)) != 0,
			     (cases[i].flags & VERDICT_MALFORMED) != 0, "%s", cases[i].name);
	}
}

Test(verdict, flag_names_both_ways)
{
	static const char *const names[VERDICT_FLAG_COUNT] = {"vpn",          "tunnel",
							      "scanner",      "os_mismatch",
							      "inconsistent", "shared",
							      "mss_clamped",  "unknown",
							      "malformed",    "proxy"};

	for (unsigned i = 0; i < VERDICT_FLAG_COUNT; i++) {
		const char *name = verdict_flag_name((enum verdict_flag)(1u << i));

		cr_assert_not_null(name);
		cr_expect_str_eq(name, names[i]);
		cr_expect_eq(verdict_flag_parse(name, strlen(name)), 1u << i);
		cr_expect_eq(verdict_flag_parse(name, strlen(name) - 1), 0);
	}
	cr_expect_null(verdict_flag_name((enum verdict_flag)0));
	cr_expect_null(verdict_flag_name((enum verdict_flag)3));
	cr_expect_null(verdict_flag_name((enum verdict_flag)(1u << VERDICT_FLAG_COUNT)));
	cr_expect_eq(verdict_flag_parse("", 0), 0);
	cr_expect_eq(verdict_flag_parse("VPN", 3), 0);
}
