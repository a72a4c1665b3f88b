/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of others, as nft and iptables make them in a real kernel, and what is seen of them. */
#include <unistd.h>

#include "input/foreign.h"
#include "kernel.h"

#define BITS 0x1c000000u

TestSuite(foreign, .init = kernel_enter);

static struct foreign look(void)
{
	struct foreign foreign = {.uses_conntrack = false};
	struct nl *nl;

	cr_assert_eq(nl_open(&nl), 0);
	cr_assert_eq(foreign_look(nl, BITS, &foreign), 0);
	nl_close(nl);
	return foreign;
}

static const struct {
	const char *rule; /* of nft, in a chain of prerouting */
	bool uses_conntrack, takes_mark;
} nft_rules[] = {
	{"meta mark 7 accept", false, false},
	{"tcp dport 22 counter", false, false},
	{"ct state established accept", true, false},
	{"ct status assured counter", true, false},
	/* The usual recipe for several providers: the provider's number is the connection's mark. */
	{"meta mark set ct mark", true, true},
	{"meta mark set ct mark and 0xff", true, false},
	{"meta mark set ct mark and 0x0c0000ff", true, true},
	{"ct mark set meta mark", true, true},
	{"ct mark set 7", true, true},
	{"ct mark set ct mark or 7", true, false},
	{"ct mark set ct mark and 0xffffff00", true, false},
	{"ct mark set ct mark and 0xff", true, true},
	{"ct mark set ct mark xor 0x04000000", true, true},
	{"ct mark 7 accept", true, true},
	{"ct mark != 0 accept", true, true},
	{"ct mark and 0xff == 7 accept", true, false},
	{"ct mark and 0x1c000000 != 0 counter", true, false},
	{"ct mark { 1, 2 } accept", true, true},
	{"ct mark and 0xff { 1, 2 } accept", true, false},
	{"ct mark 1-5 accept", true, true},
	{"meta mark set ct mark map { 1 : 2 }", true, true},
	{"tcp dport 22 ct mark 7 accept", true, true},
};

Test(foreign, rules_of_nft)
{
	for (size_t i = 0; i < sizeof(nft_rules) / sizeof(nft_rules[0]); i++) {
		char command[512];
		struct foreign foreign;

		snprintf(command, sizeof(command),
			 "nft flush ruleset && nft -f - <<'end'\ntable inet other { chain c { type "
			 "filter hook prerouting priority -150; %s; }; }\nend\n",
			 nft_rules[i].rule);
		kernel_run(command);
		foreign = look();
		cr_expect_eq(foreign.uses_conntrack, nft_rules[i].uses_conntrack, "%s",
			     nft_rules[i].rule);
		cr_expect_eq(foreign.takes_mark, nft_rules[i].takes_mark, "%s", nft_rules[i].rule);
		cr_expect_eq(strncmp(foreign.mark_where, "table inet other, chain c, rule ", 32) ==
				     0,
			     nft_rules[i].takes_mark, "%s: %s", nft_rules[i].rule,
			     foreign.mark_where);
	}
}

static const struct {
	const char *rule; /* of iptables, behind -t mangle -A PREROUTING */
	bool uses_conntrack, takes_mark;
} xt_rules[] = {
	{"-p tcp --dport 22 -j ACCEPT", false, false},
	{"-m conntrack --ctstate NEW -j ACCEPT", true, false},
	{"-j CONNMARK --restore-mark", true, true},
	{"-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff", true, false},
	{"-j CONNMARK --save-mark", true, true},
	{"-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff", true, false},
	{"-j CONNMARK --set-mark 7", true, true},
	{"-j CONNMARK --set-xmark 0x7/0xff", true, false},
	{"-m connmark --mark 7 -j ACCEPT", true, true},
	{"-m connmark --mark 7/0xff -j ACCEPT", true, false},
};

Test(foreign, rules_of_iptables)
{
	for (size_t i = 0; i < sizeof(xt_rules) / sizeof(xt_rules[0]); i++) {
		char command[512];
		struct foreign foreign;

		snprintf(command, sizeof(command),
			 "nft flush ruleset && iptables-nft -t mangle -A PREROUTING %s",
			 xt_rules[i].rule);
		kernel_run(command);
		foreign = look();
		cr_expect_eq(foreign.uses_conntrack, xt_rules[i].uses_conntrack, "%s",
			     xt_rules[i].rule);
		cr_expect_eq(foreign.takes_mark, xt_rules[i].takes_mark, "%s", xt_rules[i].rule);
	}
}

Test(foreign, nat_needs_conntrack)
{
	cr_expect(!look().uses_conntrack, "an empty namespace");
	kernel_run("nft -f - <<'end'\ntable ip nat { chain c { type nat hook postrouting priority "
		   "100; "
		   "masquerade; }; }\nend\n");
	cr_expect(look().uses_conntrack);
	kernel_run("nft flush ruleset && iptables-nft -t nat -A POSTROUTING -j MASQUERADE");
	cr_expect(look().uses_conntrack);
}

Test(foreign, our_own_rules_do_not_count)
{
	kernel_run("nft -f - <<'end'\ntable inet synprint { chain c { type filter hook prerouting "
		   "priority -149; ct mark 7 counter comment \"synprint confirms\"; }; }\nend\n");
	cr_expect(!look().uses_conntrack);
	kernel_run("nft add rule inet synprint c ct mark 7 counter");
	cr_expect(look().takes_mark, "somebody's rule in our table");
}
