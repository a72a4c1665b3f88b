/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judging MSS and window, with the shipped table; every MSS and every clamp below it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/link/shipped_links.h"
#include "core/base/reason.h"

static struct link judge(unsigned ip_version, unsigned mss, unsigned win, unsigned local_clamp_mss)
{
	struct syn syn = {.ip_version = (uint8_t)ip_version,
			  .mss = (uint16_t)mss,
			  .has_mss = mss != 0,
			  .win = (uint16_t)win};
	struct link link;

	link_judge(db, &syn, (uint16_t)local_clamp_mss, &link);
	return link;
}

Test(link, window_evidence, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name;
		unsigned ip_version, mss, win;
		bool own, clamped;
		unsigned orig_min, orig_max, orig_count;
	} cases[] = {
		{"Linux on Ethernet", 4, 1460, 64240, true, false, 1460, 1460, 1},
		{"Linux on Ethernet, IPv6", 6, 1440, 64800, true, false, 1440, 1440, 1},
		{"interface of 1420, or 1450 clamped", 4, 1380, 64860, true, false, 1380, 1410, 2},
		{"interface of 1400", 4, 1360, 65280, true, false, 1360, 1360, 1},
		{"interface of 1400, IPv6", 6, 1340, 64320, true, false, 1340, 1340, 1},
		{"interface of 1280", 4, 1240, 64480, true, false, 1240, 1240, 1},
		{"interface of 1280, IPv6", 6, 1220, 64660, true, false, 1220, 1220, 1},
		{"Ethernet clamped to 1412", 4, 1412, 64240, false, true, 1460, 1460, 1},
		{"a divisor of the window is no owner", 4, 1168, 64240, false, true, 1460, 1460, 1},
		{"1380 or 1410 clamped", 4, 1360, 64860, false, true, 1380, 1410, 2},
		{"only 1410 is above the clamp", 4, 1400, 64860, false, true, 1410, 1410, 1},
		{"IPv6 clamped", 6, 1360, 64800, false, true, 1440, 1440, 1},
		{"Linux 3.10 to 4.19", 4, 1460, 29200, true, false, 1460, 1460, 1},
		{"Linux 3.10 to 4.19 clamped", 4, 1400, 29200, false, true, 1460, 1460, 1},
		{"Linux 2.6.39 clamped", 4, 1400, 14600, false, true, 1460, 1460, 1},
		{"Linux 2.6 clamped", 4, 1400, 5840, false, true, 1460, 1460, 1},
		{"tcp_rmem of 87380", 4, 1460, 42340, true, false, 1460, 1460, 1},
		{"tcp_rmem of 87380 clamped", 4, 1412, 42340, false, true, 1460, 1460, 1},
		{"all of tcp_rmem", 4, 1285, 43690, true, false, 1285, 1285, 1},
		{"all of tcp_rmem, with more than one MSS", 4, 514, 43690, true, false, 514, 1285,
		 2},
		{"more than tcp_rmem", 4, 1285, 44975, true, false, 1285, 1285, 1},
		{"four segments", 4, 1000, 4000, true, false, 1000, 1000, 1},
		{"ten of 536", 4, 536, 5360, true, false, 536, 1340, 2},
		{"any multiple is the sender's own", 4, 1240, 32240, true, false, 1240, 1240, 1},
		{"the largest MSS was not clamped", 4, 65535, 64240, false, false, 0, 0, 0},
		{"jumbo", 4, 8961, 62727, true, false, 8961, 8961, 1},
		{"Windows with 1024", 4, 1024, 64512, true, false, 1024, 1344, 3},
		{"Linux with 1024 has no multiple below 65536", 4, 1024, 65535, false, false, 0, 0,
		 0},
		{"Apple and Android", 4, 1360, 65535, false, false, 0, 0, 0},
		{"65535 is no evidence for 1285 either", 4, 1285, 65535, false, false, 0, 0, 0},
		{"Windows 7", 4, 1460, 8192, false, false, 0, 0, 0},
		{"a buffer size that the MSS divides", 4, 512, 8192, false, false, 0, 0, 0},
		{"no MSS has this window", 4, 1400, 65000, false, false, 0, 0, 0},
		{"no window", 4, 1400, 0, false, false, 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link link = judge(cases[i].ip_version, cases[i].mss, cases[i].win, 0);
		enum reason reason = cases[i].own       ? REASON_WIN_OWN_MSS
				     : cases[i].clamped ? REASON_WIN_CLAMPED
							: REASON_WIN_NO_EVIDENCE;
		uint64_t windows = reason_bit(REASON_WIN_OWN_MSS) | reason_bit(REASON_WIN_CLAMPED) |
				   reason_bit(REASON_WIN_NO_EVIDENCE);

		cr_expect_eq(link.mss_own, cases[i].own, "%s", cases[i].name);
		cr_expect_eq(link.mss_clamped, cases[i].clamped, "%s", cases[i].name);
		cr_expect_eq(link.orig_mss_min, cases[i].orig_min, "%s: %u", cases[i].name,
			     link.orig_mss_min);
		cr_expect_eq(link.orig_mss_max, cases[i].orig_max, "%s: %u", cases[i].name,
			     link.orig_mss_max);
		cr_expect_eq(link.orig_mss_count, cases[i].orig_count, "%s: %u", cases[i].name,
			     link.orig_mss_count);
		cr_expect_eq(link.reasons & windows, reason_bit(reason), "%s", cases[i].name);
	}
}

Test(link, grades, .init = setup, .fini = teardown)
{
	static const struct {
		const char *name;
		unsigned ip_version, mss, win, local_clamp;
		const char *label;
		enum link_kind kind;
		enum link_grade grade;
		enum reason reason;
	} cases[] = {
		{"no MSS option", 4, 0, 64240, 0, "unknown", LINK_UNKNOWN, LINK_NONE,
		 REASON_MSS_ABSENT},
		{"Ethernet", 4, 1460, 64240, 0, "Ethernet or modem", LINK_ETHERNET, LINK_NONE,
		 REASON_MTU_ETHERNET},
		{"loopback", 4, 65495, 65495, 0, "loopback", LINK_LOOPBACK, LINK_NONE,
		 REASON_MTU_ETHERNET},
		{"loopback, IPv6", 6, 65476, 65476, 0, "loopback", LINK_LOOPBACK, LINK_NONE,
		 REASON_MTU_ETHERNET},
		{"more than any MTU", 6, 65535, 65535, 0, "unknown", LINK_UNKNOWN, LINK_NONE,
		 REASON_MTU_UNLISTED},
		{"PPPoE", 4, 1452, 63888, 0, "DSL", LINK_ACCESS_NET, LINK_ACCESS,
		 REASON_MTU_ACCESS},
		{"a DSL router's clamp", 4, 1412, 64240, 0, "DSL", LINK_ACCESS_NET, LINK_ACCESS,
		 REASON_WIN_CLAMPED},
		{"a router's clamp", 4, 1360, 64240, 0, "mobile or tunnel", LINK_AMBIGUOUS,
		 LINK_ACCESS, REASON_WIN_CLAMPED},
		{"a phone", 4, 1360, 65535, 0, "mobile or tunnel", LINK_AMBIGUOUS, LINK_ACCESS,
		 REASON_WIN_NO_EVIDENCE},
		{"an interface of 1400", 4, 1360, 65280, 0, "mobile or tunnel", LINK_AMBIGUOUS,
		 LINK_POSSIBLE, REASON_MTU_AMBIGUOUS},
		{"advmss 1340", 4, 1340, 64320, 0, "mobile or tunnel", LINK_AMBIGUOUS,
		 LINK_POSSIBLE, REASON_WIN_OWN_MSS},
		{"WireGuard", 4, 1380, 64860, 0, "WireGuard", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"WireGuard, IPv6", 6, 1360, 65280, 0, "WireGuard", LINK_VPN, LINK_LIKELY,
		 REASON_WIN_OWN_MSS},
		{"WireGuard over PPPoE", 4, 1372, 64484, 0, "WireGuard", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"WireGuard over 1454, by arithmetic", 4, 1334, 65366, 0, "WireGuard", LINK_VPN,
		 LINK_LIKELY, REASON_MTU_VPN},
		{"WireGuard with the IPv6 minimum", 4, 1240, 64480, 0, "IPv6 minimum",
		 LINK_AMBIGUOUS, LINK_POSSIBLE, REASON_MTU_AMBIGUOUS},
		{"WireGuard on a phone", 4, 1380, 65535, 0, "WireGuard", LINK_VPN, LINK_POSSIBLE,
		 REASON_WIN_NO_EVIDENCE},
		{"Cisco ASA's clamp is no WireGuard", 4, 1380, 64240, 0, "WireGuard",
		 LINK_AMBIGUOUS, LINK_POSSIBLE, REASON_MTU_AMBIGUOUS},
		{"OpenVPN's mssfix", 4, 1386, 64240, 0, "OpenVPN", LINK_AMBIGUOUS, LINK_POSSIBLE,
		 REASON_WIN_CLAMPED},
		{"the same on an interface", 4, 1386, 65142, 0, "OpenConnect", LINK_VPN,
		 LINK_LIKELY, REASON_WIN_OWN_MSS},
		{"the same from a phone", 4, 1386, 65535, 0, "OpenConnect", LINK_VPN, LINK_POSSIBLE,
		 REASON_WIN_NO_EVIDENCE},
		{"a clamp comes before a listed tunnel", 4, 1394, 64240, 0, "GRE over IPsec",
		 LINK_AMBIGUOUS, LINK_POSSIBLE, REASON_WIN_CLAMPED},
		{"IPsec, clamped", 4, 1398, 64240, 0, "IPsec ESP", LINK_AMBIGUOUS, LINK_POSSIBLE,
		 REASON_MTU_AMBIGUOUS},
		{"VXLAN, or a host set to 1450", 4, 1410, 64860, 0, "mobile or VXLAN",
		 LINK_AMBIGUOUS, LINK_POSSIBLE, REASON_MTU_AMBIGUOUS},
		{"a phone's 1450", 4, 1410, 65535, 0, "mobile or VXLAN", LINK_AMBIGUOUS,
		 LINK_ACCESS, REASON_MTU_AMBIGUOUS},
		{"a VPN that several set", 4, 1310, 65500, 0, "VPN set to 1350", LINK_VPN,
		 LINK_LIKELY, REASON_MTU_VPN},
		{"Proton's phones", 4, 1335, 65415, 0, "Proton VPN", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"a window of 65535 proves nothing", 4, 1335, 65535, 0, "Proton VPN", LINK_VPN,
		 LINK_POSSIBLE, REASON_WIN_NO_EVIDENCE},
		{"Mullvad over IPv6", 4, 1320, 64680, 0, "Mullvad", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"Windscribe is no VXLAN", 4, 1350, 64800, 0, "Windscribe", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"PIA's adapter is no GRE", 4, 1408, 64768, 0, "OpenVPN", LINK_VPN, LINK_LIKELY,
		 REASON_MTU_VPN},
		{"OpenVPN 2.7's packet ids", 4, 1396, 64240, 0, "OpenVPN", LINK_AMBIGUOUS,
		 LINK_POSSIBLE, REASON_WIN_CLAMPED},
		{"GRE", 4, 1436, 64620, 0, "IPSec or GRE", LINK_TUNNEL, LINK_LIKELY,
		 REASON_MTU_TUNNEL},
		{"6in4, or 6rd", 6, 1420, 65320, 0, "IPIP or SIT", LINK_AMBIGUOUS, LINK_POSSIBLE,
		 REASON_MTU_AMBIGUOUS},
		{"nobody's MTU", 4, 1327, 65535, 0, "unknown", LINK_UNKNOWN, LINK_ACCESS,
		 REASON_MTU_UNLISTED},
		{"nobody's MTU, and the sender's own", 4, 1327, 65023, 0, "unknown", LINK_UNKNOWN,
		 LINK_POSSIBLE, REASON_MTU_UNLISTED},
		{"a scanner's MSS", 4, 265, 1024, 0, "unknown", LINK_UNKNOWN, LINK_NONE,
		 REASON_MTU_UNLISTED},
		{"our own router's clamp", 4, 1380, 64240, 1380, "WireGuard", LINK_AMBIGUOUS,
		 LINK_NONE, REASON_LOCAL_CLAMP},
		{"our own router's clamp of a phone", 4, 1380, 65535, 1380, "WireGuard", LINK_VPN,
		 LINK_NONE, REASON_LOCAL_CLAMP},
		{"1410 clamped by our own router explains it", 4, 1380, 64860, 1380, "WireGuard",
		 LINK_VPN, LINK_NONE, REASON_LOCAL_CLAMP},
		{"only this MSS has this window", 4, 1372, 64484, 1372, "WireGuard", LINK_VPN,
		 LINK_LIKELY, REASON_WIN_OWN_MSS},
		{"under our own router's clamp", 4, 1372, 64484, 1380, "WireGuard", LINK_VPN,
		 LINK_LIKELY, REASON_MTU_VPN},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link link = judge(cases[i].ip_version, cases[i].mss, cases[i].win,
					 cases[i].local_clamp);

		cr_expect_str_eq(vocab_text(vocab, VOCAB_LINK, link.label), cases[i].label, "%s",
				 cases[i].name);
		cr_expect_eq(link.kind, cases[i].kind, "%s: %s", cases[i].name,
			     link_kind_name(link.kind));
		cr_expect_eq(link.grade, cases[i].grade, "%s: %s", cases[i].name,
			     link_grade_name(link.grade));
		cr_expect(link.reasons & reason_bit(cases[i].reason), "%s: no %s", cases[i].name,
			  reason_name(cases[i].reason));
		cr_expect_eq((link.reasons & reason_bit(REASON_LOCAL_CLAMP)) != 0,
			     cases[i].reason == REASON_LOCAL_CLAMP, "%s", cases[i].name);
	}
}

Test(link, mtu_is_capped_at_16_bits, .init = setup, .fini = teardown)
{
	cr_expect_eq(judge(4, 1460, 64240, 0).mtu, 1500);
	cr_expect_eq(judge(6, 1440, 64800, 0).mtu, 1500);
	cr_expect_eq(judge(4, 65495, 65535, 0).mtu, 65535);
	cr_expect_eq(judge(6, 65535, 65535, 0).mtu, 65535);
	cr_expect_eq(judge(4, 0, 65535, 0).mtu, 0);
}

static unsigned window_of(unsigned mss)
{
	return 65535 / mss * mss;
}

/* Every original MSS under every clamp: the set holds the original and nothing that the window
 * excludes. The expected set is counted here, one by one, without the code under test. */
static void check_all_clamps(unsigned ip_version, unsigned min, unsigned max)
{
	for (unsigned orig = min; orig <= max; orig++) {
		unsigned win = window_of(orig), lowest = 0, highest = 0, count = 0;

		if (win == 65535)
			continue; /* 771 and 1285: what Apple and Android send with any MSS */
		for (unsigned mss = orig - 1; mss >= 48; mss--) {
			struct link link = judge(ip_version, mss, win, 0);

			if (mss == orig - 1) {
				for (unsigned i = orig; i <= max; i++) {
					if (window_of(i) != win)
						continue;
					lowest = lowest ? lowest : i;
					highest = i;
					count++;
				}
			} else if (mss + 1 >= min && window_of(mss + 1) == win) {
				lowest = mss + 1;
				count++;
			}
			if (window_of(mss) == win) {
				cr_assert(link.mss_own && !link.mss_clamped, "%u as %u", orig, mss);
				cr_assert_eq(link.orig_mss_min, mss, "%u as %u", orig, mss);
				cr_assert_eq(link.orig_mss_count, count + 1, "%u as %u", orig, mss);
			} else {
				cr_assert(link.mss_clamped && !link.mss_own, "%u as %u", orig, mss);
				cr_assert_eq(link.orig_mss_min, lowest, "%u as %u", orig, mss);
				cr_assert_eq(link.orig_mss_count, count, "%u as %u", orig, mss);
			}
			cr_assert_eq(link.orig_mss_max, highest, "%u as %u", orig, mss);
		}
	}
}

Test(link, candidates_hold_the_original_ipv4, .init = setup, .fini = teardown)
{
	check_all_clamps(4, 536, 1460);
}

Test(link, candidates_hold_the_original_ipv6, .init = setup, .fini = teardown)
{
	check_all_clamps(6, 1220, 1440);
}

Test(link, own_mss_is_never_clamped, .init = setup, .fini = teardown)
{
	for (unsigned mss = 536; mss <= 1460; mss++) {
		struct link link = judge(4, mss, window_of(mss), 0);

		if (window_of(mss) == 65535)
			continue;
		cr_expect(link.mss_own && !link.mss_clamped, "%u", mss);
		cr_expect_eq(link.orig_mss_min, mss, "%u", mss);
	}
}

Test(link, window_origins)
{
	uint16_t mss[4] = {0};
	unsigned shared = 0;

	cr_expect_eq(link_window_origins(64860, 1220, 1460, mss, 4), 2);
	cr_expect(mss[0] == 1380 && mss[1] == 1410);
	cr_expect_eq(link_window_origins(64860, 1381, 1410, mss, 4), 1);
	cr_expect_eq(mss[0], 1410);
	cr_expect_eq(link_window_origins(64860, 1380, 1409, mss, 4), 1);
	cr_expect_eq(mss[0], 1380);
	cr_expect_eq(link_window_origins(64860, 536, 1460, mss, 1), 6);
	cr_expect(mss[0] == 690 && mss[1] == 1410, "wrote more than one");
	cr_expect_eq(link_window_origins(64860, 536, 1460, NULL, 0), 6);
	cr_expect_eq(link_window_origins(64241, 536, 1460, mss, 4), 0);
	cr_expect_eq(link_window_origins(64240, 0, 1460, NULL, 0), 1);
	for (uint16_t i = 536; i <= 1460; i++)
		shared += link_window_origins((uint16_t)window_of(i), 536, 1460, NULL, 0) > 1;
	cr_expect_eq(shared, 618, "%u, and 618 of 925 were counted by hand", shared);
}

Test(link, names)
{
	static const char *const kinds[] = {"unknown", "ethernet", "access",  "ambiguous",
					    "tunnel",  "vpn",      "loopback"};

	cr_expect_str_eq(link_grade_name(LINK_NONE), "none");
	cr_expect_str_eq(link_grade_name(LINK_ACCESS), "access");
	cr_expect_str_eq(link_grade_name(LINK_POSSIBLE), "possible");
	cr_expect_str_eq(link_grade_name(LINK_LIKELY), "likely");
	cr_expect_str_eq(link_grade_name((enum link_grade)77), "none");
	for (unsigned kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)
		cr_expect_str_eq(link_kind_name((enum link_kind)kind), kinds[kind]);
}
