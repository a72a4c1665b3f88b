/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Putting the evidence of several SYNs and of the network together; see the header for why. */
#include "core/link/link_weigh.h"

#include <stddef.h>
#include <sys/param.h>

#include "core/link/linkdb.h"

#define MTU_ETHERNET 1500u

/* What carries IPv6 in IPv4 takes an IPv4 header (RFC 4213), and the other way round an IPv6
 * header (RFC 6333, RFC 7597); translation makes the header larger, by a fragment header more
 * where the translator reckons with one (RFC 7915). */
#define V6_IN_V4 20
#define V4_IN_V6 40
#define V4_TRANSLATED 20
#define V4_TRANSLATED_FRAGMENT 28

static bool has(uint64_t reasons, enum reason reason)
{
	return reasons & reason_bit(reason);
}

enum link_grade link_weigh(enum link_grade judged, uint64_t reasons)
{
	bool is_rare = has(reasons, REASON_BASELINE_RARE);
	bool is_several = has(reasons, REASON_SEVERAL_MTUS);

	if (has(reasons, REASON_LOCAL_CLAMP))
		return judged;
	if (has(reasons, REASON_BASELINE_NORMAL))
		return judged > LINK_ACCESS ? judged - 1 : judged;
	if (judged == LINK_ACCESS && (is_rare || is_several))
		return LINK_POSSIBLE;
	if (judged == LINK_POSSIBLE && is_rare && is_several && has(reasons, REASON_MTU_VPN) &&
	    !has(reasons, REASON_WIN_CLAMPED))
		return LINK_LIKELY;
	if (judged == LINK_POSSIBLE && is_rare && has(reasons, REASON_WIN_OWN_MSS) &&
	    !has(reasons, REASON_MTU_UNLISTED))
		return LINK_LIKELY;
	return judged;
}

uint64_t link_several(bool is_v6, const uint16_t *mss, unsigned count)
{
	unsigned ethernet = MTU_ETHERNET - (is_v6 ? LINK_HEADERS_V6 : LINK_HEADERS_V4);
	bool has_ethernet = false, has_other = false;

	for (unsigned i = 0; i < count; i++) {
		has_ethernet |= mss[i] == ethernet;
		has_other |= mss[i] && mss[i] != ethernet;
	}
	return has_ethernet && has_other ? reason_bit(REASON_SEVERAL_MTUS) : 0;
}

static bool is_plain(const struct link *link)
{
	return link->kind == LINK_ETHERNET || link->kind == LINK_ACCESS_NET;
}

/* Without an MTU, or with one beyond Ethernet's, a link says nothing of the other one. */
static enum link_finding find(const struct link *v4, const struct link *v6)
{
	int smaller = v6->mtu - v4->mtu;

	if (!v4->mtu || !v6->mtu || v4->mtu > MTU_ETHERNET || v6->mtu > MTU_ETHERNET)
		return LINK_PAIR_NOTHING;
	if (v4->mtu == v6->mtu)
		return v4->mtu == MTU_ETHERNET ? LINK_PAIR_ETHERNET : LINK_PAIR_SAME_MTU;
	if (v4->mtu == v6->mtu + V6_IN_V4 && is_plain(v4))
		return LINK_PAIR_V6_IN_V4;
	if (is_plain(v6) &&
	    (smaller == V4_IN_V6 || smaller == V4_TRANSLATED || smaller == V4_TRANSLATED_FRAGMENT))
		return LINK_PAIR_V4_IN_V6;
	if (v4->mss == v6->mss)
		return LINK_PAIR_SAME_MSS;
	if (v6->mtu == MTU_ETHERNET)
		return LINK_PAIR_V4_SMALLER;
	return v4->mtu == MTU_ETHERNET ? LINK_PAIR_V6_SMALLER : LINK_PAIR_DIFFERENT;
}

static uint64_t finding_reason(enum link_finding finding)
{
	switch (finding) {
	case LINK_PAIR_SAME_MTU:
	case LINK_PAIR_SAME_MSS: return reason_bit(REASON_PAIR_SAME);
	case LINK_PAIR_V4_IN_V6:
	case LINK_PAIR_V4_SMALLER:
	case LINK_PAIR_V6_IN_V4:
	case LINK_PAIR_V6_SMALLER:
	case LINK_PAIR_DIFFERENT: return reason_bit(REASON_PAIR_DIFFERS);
	case LINK_PAIR_NOTHING:
	case LINK_PAIR_ETHERNET:
	case LINK_FINDING_COUNT: break;
	}
	return 0;
}

static enum link_grade lower(enum link_grade a, enum link_grade b)
{
	return MIN(a, b);
}

/* What an access network has for IPv4 as well it would not have for IPv6 alone. */
static enum link_grade at_least_possible(enum link_grade grade)
{
	return grade == LINK_ACCESS ? LINK_POSSIBLE : grade;
}

/* A clamp to a fixed MSS gives IPv4 and IPv6 different MTUs, so one MTU for both is that of an
 * interface, or of a route that a router clamps to; windows tell of the latter. */
static bool is_interface_of_tunnel(const struct link *v4, const struct link *v6)
{
	return (v4->kind == LINK_VPN || v4->kind == LINK_TUNNEL) && v6->kind == v4->kind &&
	       !v4->mss_clamped && !v6->mss_clamped &&
	       !has(v4->reasons | v6->reasons, REASON_BASELINE_NORMAL) &&
	       !has(v4->reasons | v6->reasons, REASON_LOCAL_CLAMP);
}

void link_pair(const struct link *v4, const struct link *v6, struct link_pair *ret_pair)
{
	enum link_finding finding = find(v4, v6);
	const struct link *higher = v6->grade > v4->grade ? v6 : v4;
	struct link_pair pair = {.finding = finding,
				 .grade = higher->grade,
				 .kind = higher->kind,
				 .reasons = finding_reason(finding)};

	switch (finding) {
	case LINK_PAIR_SAME_MTU:
		if (is_interface_of_tunnel(v4, v6))
			pair.grade = LINK_LIKELY;
		else if (v4->mss_clamped && v6->mss_clamped && v4->kind == LINK_AMBIGUOUS)
			pair.grade = at_least_possible(pair.grade);
		break;
	case LINK_PAIR_SAME_MSS:
		pair.grade = lower(lower(v4->grade, v6->grade), LINK_POSSIBLE);
		break;
	case LINK_PAIR_V4_IN_V6: pair.grade = lower(pair.grade, LINK_ACCESS); break;
	case LINK_PAIR_V6_IN_V4:
		pair.kind = LINK_TUNNEL;
		pair.grade = at_least_possible(pair.grade);
		break;
	case LINK_PAIR_V6_SMALLER: pair.grade = at_least_possible(pair.grade); break;
	case LINK_PAIR_NOTHING:
	case LINK_PAIR_ETHERNET:
	case LINK_PAIR_V4_SMALLER:
	case LINK_PAIR_DIFFERENT:
	case LINK_FINDING_COUNT: break;
	}
	*ret_pair = pair;
}

static const struct {
	const char *name, *text;
} findings[LINK_FINDING_COUNT] = {
	[LINK_PAIR_NOTHING] = {"nothing", "they say nothing of each other"},
	[LINK_PAIR_ETHERNET] = {"ethernet", "both show Ethernet's MTU"},
	[LINK_PAIR_SAME_MTU] = {"same_mtu", "one interface or tunnel of this MTU carries both"},
	[LINK_PAIR_SAME_MSS] = {"same_mss",
				"a clamp to a fixed MSS: no interface or tunnel has it"},
	[LINK_PAIR_V4_IN_V6] = {"ipv4_in_ipv6",
				"an access network carries IPv4 in IPv6, or translates it"},
	[LINK_PAIR_V4_SMALLER] = {"ipv4_smaller",
				  "IPv6 shows Ethernet's MTU; IPv4 goes through something else"},
	[LINK_PAIR_V6_IN_V4] = {"ipv6_in_ipv4", "IPv6 is carried in IPv4: 6in4 or 6rd"},
	[LINK_PAIR_V6_SMALLER] = {"ipv6_smaller",
				  "IPv4 shows Ethernet's MTU; IPv6 goes through something else"},
	[LINK_PAIR_DIFFERENT] = {"different", "each goes through something else"},
};

const char *link_finding_name(enum link_finding finding)
{
	return findings[finding].name;
}

const char *link_finding_text(enum link_finding finding)
{
	return findings[finding].text;
}
