/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known beyond one SYN, put together with what the SYN says: the client's network, its
 * other connections, and its other address.
 *
 * A SYN's own grade is the rule. Other evidence moves it by one step at the most, and up to
 * `likely` only where two proofs that do not depend on each other meet, so that neither spoofed
 * SYNs nor a carrier's NAT can flag an honest visitor.
 */
#ifndef SYNPRINT_CORE_LINK_LINK_WEIGH_H
#define SYNPRINT_CORE_LINK_LINK_WEIGH_H

#include "core/link/link.h"
#include "core/base/reason.h"

/**
 * link_weigh() - the grade of a SYN's link once everything is known.
 *
 * Usual in its network (REASON_BASELINE_NORMAL): one grade less, but not below `access`.
 * Rare there, or Ethernet's MTU from the same system at this address a moment ago
 * (REASON_SEVERAL_MTUS, so the line is no DSL line): `access` becomes `possible`.
 * Both, and nothing but VPNs has this MTU, and the window does not say that the MSS was
 * rewritten: `possible` becomes `likely`. So it does where the MTU is rare and in the table, and
 * the window is made of the MSS that we see.
 * Everything else, and whatever a configured clamp explains, stays as it is.
 *
 * @judged: what link_judge() said
 * @reasons: bits of enum reason: its reasons, those of baseline_judge() and link_several()
 */
enum link_grade link_weigh(enum link_grade judged, uint64_t reasons);

/**
 * link_several() - do connections of one system show Ethernet's MTU and another one?
 * @mss: of its connections within a short time, 0 for none; @count: how many
 * Return: the bit of REASON_SEVERAL_MTUS, or 0.
 */
uint64_t link_several(bool is_v6, const uint16_t *mss, unsigned count);

/* What IPv4 and IPv6 of one client show of each other. */
enum link_finding {
	LINK_PAIR_NOTHING, /* one of them has no MSS, or they are unrelated */
	LINK_PAIR_ETHERNET, /* both show Ethernet: no tunnel that changes the MTU */
	LINK_PAIR_SAME_MTU, /* one interface or tunnel carries both */
	LINK_PAIR_SAME_MSS, /* a clamp to a fixed MSS: no interface has it */
	LINK_PAIR_V4_IN_V6, /* IPv4 is 40, 28 or 20 smaller: DS-Lite, MAP, 464XLAT */
	LINK_PAIR_V4_SMALLER, /* IPv6 is Ethernet's, IPv4 goes through something */
	LINK_PAIR_V6_IN_V4, /* IPv6 is 20 smaller: it is carried in IPv4 */
	LINK_PAIR_V6_SMALLER, /* IPv4 is Ethernet's, IPv6 goes through something */
	LINK_PAIR_DIFFERENT, /* each goes through something else */
	LINK_FINDING_COUNT
};

struct link_pair {
	enum link_finding finding;
	enum link_grade grade; /* of both together */
	enum link_kind kind; /* of what they show */
	uint64_t
		reasons; /* bits of enum reason: REASON_PAIR_SAME or REASON_PAIR_DIFFERS, or none */
};

/**
 * link_pair() - what two links of one client prove together.
 * @v4, @v6: as link_judge() judged them, of about the same time
 */
void link_pair(const struct link *v4, const struct link *v6, struct link_pair *ret_pair);

/** link_finding_name() - the code in replies, such as "same_mtu". */
const char *link_finding_name(enum link_finding finding);

/** link_finding_text() - the same in words. */
const char *link_finding_text(enum link_finding finding);

#endif
