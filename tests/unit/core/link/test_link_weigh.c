/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other connections, the network and the other address add to a SYN; as tables. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "core/link/link_weigh.h"
#include "core/link/shipped_links.h"
#include "core/verdict/verdict.h"

#define BIT(name) (UINT64_C(1) << REASON_##name)
#define NORMAL BIT(BASELINE_NORMAL)
#define RARE BIT(BASELINE_RARE)
#define SEVERAL BIT(SEVERAL_MTUS)
#define VPN BIT(MTU_VPN)

Test(link_weigh, grades)
{
	static const struct {
		const char *name;
		uint64_t reasons;
		enum link_grade grades[4]; /* of what was judged none, access, possible, likely */
	} cases[] = {
		{"nothing more is known",
		 BIT(WIN_OWN_MSS),
		 {LINK_NONE, LINK_ACCESS, LINK_POSSIBLE, LINK_LIKELY}},
		{"usual in its network",
		 NORMAL,
		 {LINK_NONE, LINK_ACCESS, LINK_ACCESS, LINK_POSSIBLE}},
		{"rare in its network",
		 RARE,
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"the line is no DSL line",
		 SEVERAL,
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"usual wins: a carrier's NAT shows everything",
		 NORMAL | SEVERAL | VPN,
		 {LINK_NONE, LINK_ACCESS, LINK_ACCESS, LINK_POSSIBLE}},
		{"rare, and next to Ethernet, but access networks have it too",
		 RARE | SEVERAL | BIT(MTU_AMBIGUOUS),
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"rare, and next to Ethernet, and only VPNs have it",
		 RARE | SEVERAL | VPN,
		 {LINK_NONE, LINK_POSSIBLE, LINK_LIKELY, LINK_LIKELY}},
		{"the same from a phone",
		 RARE | SEVERAL | VPN | BIT(WIN_NO_EVIDENCE),
		 {LINK_NONE, LINK_POSSIBLE, LINK_LIKELY, LINK_LIKELY}},
		{"but a router clamped it",
		 RARE | SEVERAL | VPN | BIT(WIN_CLAMPED),
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"a VPN's value, rare",
		 RARE | VPN,
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"a VPN's value, next to Ethernet",
		 SEVERAL | VPN,
		 {LINK_NONE, LINK_POSSIBLE, LINK_POSSIBLE, LINK_LIKELY}},
		{"our own clamp explains it",
		 RARE | SEVERAL | VPN | BIT(LOCAL_CLAMP),
		 {LINK_NONE, LINK_ACCESS, LINK_POSSIBLE, LINK_LIKELY}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int judged = LINK_NONE; judged <= LINK_LIKELY; judged++)
			cr_expect_eq(link_weigh((enum link_grade)judged, cases[i].reasons),
				     cases[i].grades[judged], "%s: %s", cases[i].name,
				     link_grade_name((enum link_grade)judged));
	}
}

Test(link_weigh, several_mtus)
{
	static const struct {
		const char *name;
		bool is_v6;
		uint16_t mss[4];
		bool is_several;
	} cases[] = {
		{"one MTU", false, {1460, 1460, 1460, 1460}, false},
		{"Ethernet and WireGuard", false, {1380, 1460, 0, 0}, true},
		{"the other way round", false, {1460, 1460, 1460, 1380}, true},
		{"two of no Ethernet", false, {1380, 1360, 1380, 1360}, false},
		{"none at all", false, {0, 0, 0, 0}, false},
		{"Ethernet and no option", false, {1460, 0, 0, 0}, false},
		{"IPv6", true, {1440, 1360, 0, 0}, true},
		{"1460 is no Ethernet over IPv6", true, {1460, 1360, 0, 0}, false},
		{"1440 is no Ethernet over IPv4", false, {1440, 1360, 0, 0}, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(link_several(cases[i].is_v6, cases[i].mss, 4),
			     cases[i].is_several ? SEVERAL : 0, "%s", cases[i].name);
	cr_expect_eq(link_several(false, cases[1].mss, 1), 0, "only as many as it is told");
}

Test(link_weigh, verdict_gets_grade_and_flags)
{
	static const struct {
		const char *name;
		uint64_t reasons;
		enum link_grade judged, threshold, grade;
		unsigned before, after;
	} cases[] = {
		{"a phone's VPN", RARE | SEVERAL | VPN, LINK_POSSIBLE, LINK_LIKELY, LINK_LIKELY,
		 VERDICT_SHARED, VERDICT_SHARED | VERDICT_VPN},
		{"usual here", NORMAL | VPN, LINK_LIKELY, LINK_LIKELY, LINK_POSSIBLE,
		 VERDICT_VPN | VERDICT_UNKNOWN, VERDICT_UNKNOWN},
		{"usual here, low threshold", NORMAL | BIT(MTU_TUNNEL), LINK_LIKELY, LINK_POSSIBLE,
		 LINK_POSSIBLE, VERDICT_TUNNEL, VERDICT_TUNNEL},
		{"access never flags", NORMAL | VPN, LINK_POSSIBLE, LINK_ACCESS, LINK_ACCESS,
		 VERDICT_VPN, 0},
		{"nothing known", VPN, LINK_LIKELY, LINK_LIKELY, LINK_LIKELY, VERDICT_VPN,
		 VERDICT_VPN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verdict verdict = {.reasons = cases[i].reasons & VERDICT_REASONS_MASK,
					  .grade = cases[i].judged & 3,
					  .flags = cases[i].before & VERDICT_FLAGS_MASK};

		verdict_weigh(&verdict, cases[i].threshold);
		cr_expect_eq(verdict.grade, cases[i].grade, "%s", cases[i].name);
		cr_expect_eq(verdict.flags, cases[i].after, "%s", cases[i].name);
	}
}

static struct link judge(uint8_t ip_version, uint16_t mss, uint16_t win)
{
	struct syn syn = {.ip_version = ip_version, .mss = mss, .has_mss = mss != 0, .win = win};
	struct link link;

	link_judge(db, &syn, 0, &link);
	return link;
}

Test(link_weigh, pairs, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name;
		uint16_t mss4, win4, mss6, win6;
		enum link_finding finding;
		enum link_grade grade;
		bool is_tunnel;
	} cases[] = {
		{"Ethernet", 1460, 64240, 1440, 64800, LINK_PAIR_ETHERNET, LINK_NONE, false},
		{"WireGuard on a phone", 1380, 65535, 1360, 65535, LINK_PAIR_SAME_MTU, LINK_LIKELY,
		 false},
		{"WireGuard on Linux", 1380, 64860, 1360, 65280, LINK_PAIR_SAME_MTU, LINK_LIKELY,
		 false},
		{"WireGuard on a router", 1380, 64240, 1360, 64800, LINK_PAIR_SAME_MTU,
		 LINK_POSSIBLE, false},
		{"Check Point's value, but a router's", 1310, 64240, 1290, 64800,
		 LINK_PAIR_SAME_MTU, LINK_POSSIBLE, false},
		{"VXLAN", 1410, 65535, 1390, 65535, LINK_PAIR_SAME_MTU, LINK_ACCESS, false},
		{"GRE", 1436, 65535, 1416, 65535, LINK_PAIR_SAME_MTU, LINK_LIKELY, true},
		{"PPPoE", 1452, 65535, 1432, 65535, LINK_PAIR_SAME_MTU, LINK_ACCESS, false},
		{"a phone's 1400", 1360, 65535, 1340, 65535, LINK_PAIR_SAME_MTU, LINK_ACCESS,
		 false},
		{"OpenVPN's mssfix for both", 1400, 64240, 1380, 64800, LINK_PAIR_SAME_MTU,
		 LINK_POSSIBLE, false},
		{"a clamp to 1380", 1380, 65535, 1380, 65535, LINK_PAIR_SAME_MSS, LINK_ACCESS,
		 false},
		{"a DSL router's clamp", 1412, 64240, 1412, 64800, LINK_PAIR_SAME_MSS, LINK_ACCESS,
		 false},
		{"6in4", 1460, 64240, 1420, 65320, LINK_PAIR_V6_IN_V4, LINK_POSSIBLE, true},
		{"6in4 over PPPoE", 1452, 65535, 1412, 65535, LINK_PAIR_V6_IN_V4, LINK_POSSIBLE,
		 true},
		{"a tunnel broker's 1280", 1460, 64240, 1220, 65535, LINK_PAIR_V6_SMALLER,
		 LINK_POSSIBLE, false},
		{"DS-Lite", 1420, 64240, 1440, 64800, LINK_PAIR_V4_IN_V6, LINK_ACCESS, false},
		{"DS-Lite over PPPoE", 1412, 65535, 1432, 65535, LINK_PAIR_V4_IN_V6, LINK_ACCESS,
		 false},
		{"464XLAT", 1432, 65535, 1440, 65535, LINK_PAIR_V4_IN_V6, LINK_ACCESS, false},
		{"MAP-T", 1440, 65535, 1440, 65535, LINK_PAIR_V4_IN_V6, LINK_ACCESS, false},
		{"a VPN that forgets IPv6, on Linux", 1380, 64860, 1440, 64800,
		 LINK_PAIR_V4_SMALLER, LINK_LIKELY, false},
		{"the same on a phone: a clamp of IPv4 alone shows it too", 1380, 65535, 1440,
		 65535, LINK_PAIR_V4_SMALLER, LINK_POSSIBLE, false},
		{"two tunnels", 1380, 65535, 1220, 65535, LINK_PAIR_DIFFERENT, LINK_POSSIBLE,
		 false},
		{"no MSS", 0, 64240, 1440, 64800, LINK_PAIR_NOTHING, LINK_NONE, false},
		{"a loopback", 65495, 65495, 1440, 64800, LINK_PAIR_NOTHING, LINK_NONE, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link v4 = judge(4, cases[i].mss4, cases[i].win4);
		struct link v6 = judge(6, cases[i].mss6, cases[i].win6);
		struct link_pair pair;

		link_pair(&v4, &v6, &pair);
		cr_expect_eq(pair.finding, cases[i].finding, "%s: %s", cases[i].name,
			     link_finding_name(pair.finding));
		cr_expect_eq(pair.grade, cases[i].grade, "%s: %s", cases[i].name,
			     link_grade_name(pair.grade));
		cr_expect_eq(pair.kind == LINK_TUNNEL, cases[i].is_tunnel, "%s", cases[i].name);
	}
}

Test(link_weigh, what_is_usual_raises_no_pair, .init = setup, .fini = teardown)
{
	struct link v4 = judge(4, 1380, 65535), v6 = judge(6, 1360, 65535);
	struct link_pair pair;

	v6.reasons |= NORMAL;
	link_pair(&v4, &v6, &pair);
	cr_expect_eq(pair.grade, LINK_POSSIBLE);
	v6.reasons &= ~NORMAL;
	v4.reasons |= BIT(LOCAL_CLAMP);
	link_pair(&v4, &v6, &pair);
	cr_expect_eq(pair.grade, LINK_POSSIBLE);
}

/* Of two with one grade, IPv4's stands for both; else the one with the higher grade does. */
Test(link_weigh, the_kind_is_that_of_the_higher_grade)
{
	struct link v4 = {.mtu = 1492, .mss = 1452, .kind = LINK_ACCESS_NET, .grade = LINK_ACCESS};
	struct link v6 = {.mtu = 1450, .mss = 1390, .kind = LINK_AMBIGUOUS, .grade = LINK_ACCESS};
	struct link_pair pair;

	link_pair(&v4, &v6, &pair);
	cr_assert_eq(pair.finding, LINK_PAIR_DIFFERENT);
	cr_expect_eq(pair.kind, LINK_ACCESS_NET);
	v6.grade = LINK_POSSIBLE;
	link_pair(&v4, &v6, &pair);
	cr_expect_eq(pair.kind, LINK_AMBIGUOUS);
	cr_expect_eq(pair.grade, LINK_POSSIBLE);
}

Test(link_weigh, findings_have_names_and_reasons)
{
	for (unsigned i = 0; i < LINK_FINDING_COUNT; i++) {
		cr_expect_gt(strlen(link_finding_name((enum link_finding)i)), 3);
		cr_expect_gt(strlen(link_finding_text((enum link_finding)i)), 10);
	}
}
