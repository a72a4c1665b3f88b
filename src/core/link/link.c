/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Judging a SYN's path. The MSS names an MTU and the table says who has such an MTU; the
 * window says whether the sender chose this MSS itself. Only both together make a tunnel
 * likely: half of all ordinary visitors have an MSS other than Ethernet's.
 */
#include "core/link/linkdb.h"

#include <sys/param.h>
#include "core/base/reason.h"

#define MTU_ETHERNET 1500
#define MTU_MIN_V6 1280 /* RFC 8200 section 5 */

/* Initial windows of Linux before 4.20 in segments, each of the sender's own MSS
 * (net/ipv4/tcp_output.c): 20 since 3.10, 10 since 2.6.39, 4 before. */
static const uint8_t old_linux_segments[] = {20, 10, 4};
#define OLD_LINUX_COUNT (sizeof(old_linux_segments) / sizeof(old_linux_segments[0]))

struct mss_range {
	unsigned min, max;
};

unsigned link_window_origins(uint16_t win, uint16_t min_mss, uint16_t max_mss, uint16_t *ret_mss,
			     unsigned max)
{
	unsigned count = 0;

	for (uint32_t mss = min_mss ? min_mss : 1; mss <= max_mss; mss++) {
		if (UINT16_MAX / mss * mss != win)
			continue;
		if (count < max)
			ret_mss[count] = (uint16_t)mss;
		count++;
	}
	return count;
}

/* Buffer sizes and the full 16 bits, which stacks send whatever their MSS is. */
static bool window_is_constant(uint16_t win)
{
	return win == UINT16_MAX || __builtin_popcount(win) < 2;
}

/* Is @win the largest multiple of @mss that fits @space? */
static bool fills_space(uint16_t win, uint16_t mss, uint16_t space)
{
	return win <= space && win + mss > space && win % mss == 0;
}

static bool window_is_own(const struct linkdb *db, uint16_t win, uint16_t mss)
{
	if (fills_space(win, mss, db->win_64k.space) || fills_space(win, mss, db->win_43k.space))
		return true;
	for (size_t i = 0; i < OLD_LINUX_COUNT; i++) {
		if (win == old_linux_segments[i] * mss)
			return true;
	}
	return false;
}

static void add_origin(struct link *link, uint16_t mss, struct mss_range range)
{
	if (mss < range.min || mss > range.max)
		return;
	link->orig_mss_min = link->orig_mss_count ? MIN(link->orig_mss_min, mss) : mss;
	link->orig_mss_max = MAX(link->orig_mss_max, mss);
	link->orig_mss_count++;
}

static void add_space_origins(struct link *link, uint16_t win, const struct link_windows *windows,
			      struct mss_range range)
{
	unsigned below = (unsigned)windows->space - win;

	if (below >= LINK_MSS_MAX_V4)
		return;
	for (unsigned i = windows->first[below]; i < windows->first[below + 1]; i++)
		add_origin(link, windows->mss[i], range);
}

/* All MSS in the range whose senders would have chosen this window. */
static void find_origins(const struct linkdb *db, uint16_t win, struct mss_range range,
			 struct link *link)
{
	add_space_origins(link, win, &db->win_64k, range);
	add_space_origins(link, win, &db->win_43k, range);
	for (size_t i = 0; i < OLD_LINUX_COUNT; i++) {
		if (win % old_linux_segments[i] == 0)
			add_origin(link, (uint16_t)(win / old_linux_segments[i]), range);
	}
}

/*
 * The order matters: a window that a known rule makes of a larger MSS is not the sender's own
 * only because our MSS happens to divide it (1168 divides 64240, which is 44 * 1460).
 */
static void judge_window(const struct linkdb *db, uint16_t win, bool is_v6, struct link *link)
{
	struct mss_range above = {is_v6 ? LINK_MSS_MIN_V6 : LINK_MSS_MIN_V4,
				  is_v6 ? LINK_MSS_MAX_V6 : LINK_MSS_MAX_V4};
	uint16_t mss = link->mss;

	if (window_is_constant(win)) {
		link->reasons |= reason_bit(REASON_WIN_NO_EVIDENCE);
		return;
	}
	if (above.min <= mss)
		above.min = mss + 1u;
	find_origins(db, win, above, link);
	link->mss_own = window_is_own(db, win, mss) || (!link->orig_mss_count && win % mss == 0);
	link->mss_clamped = !link->mss_own && link->orig_mss_count;
	if (link->mss_own)
		add_origin(link, mss, (struct mss_range){mss, mss});
	if (link->mss_own)
		link->reasons |= reason_bit(REASON_WIN_OWN_MSS);
	else if (link->mss_clamped)
		link->reasons |= reason_bit(REASON_WIN_CLAMPED);
	else
		link->reasons |= reason_bit(REASON_WIN_NO_EVIDENCE);
}

static enum reason kind_reason(enum link_kind kind)
{
	switch (kind) {
	case LINK_UNKNOWN: break;
	case LINK_ETHERNET:
	case LINK_LOOPBACK: return REASON_MTU_ETHERNET;
	case LINK_ACCESS_NET: return REASON_MTU_ACCESS;
	case LINK_AMBIGUOUS: return REASON_MTU_AMBIGUOUS;
	case LINK_TUNNEL: return REASON_MTU_TUNNEL;
	case LINK_VPN: return REASON_MTU_VPN;
	}
	return REASON_MTU_UNLISTED;
}

/*
 * An MTU that the sender's own interface has and no access network: there is a tunnel on the
 * sender itself. A clamp proves only a router, and a phone's 65535 proves nothing: then it takes
 * an MTU that nothing but tunnels has to call one possible. What access networks have too is
 * possible where the sender knows it, for their routers clamp and hosts behind them do not know.
 */
static enum link_grade grade_of(const struct link *link, bool by_clamp)
{
	switch (link->kind) {
	case LINK_ETHERNET:
	case LINK_LOOPBACK: return LINK_NONE;
	case LINK_ACCESS_NET: return LINK_ACCESS;
	case LINK_AMBIGUOUS: return link->mss_own || by_clamp ? LINK_POSSIBLE : LINK_ACCESS;
	case LINK_TUNNEL:
	case LINK_VPN: return link->mss_own ? LINK_LIKELY : LINK_POSSIBLE;
	case LINK_UNKNOWN: break;
	}
	if (link->mtu < MTU_MIN_V6 || link->mtu >= MTU_ETHERNET)
		return LINK_NONE;
	return link->mss_own ? LINK_POSSIBLE : LINK_ACCESS;
}

/* The router in front of us makes this MSS of every larger one; only a window that no larger
 * MSS explains proves that the sender had it already. */
static bool local_clamp_explains(const struct link *link, uint16_t local_clamp_mss)
{
	return local_clamp_mss && link->mss == local_clamp_mss &&
	       !(link->mss_own && link->orig_mss_count == 1);
}

void link_judge(const struct linkdb *db, const struct syn *syn, uint16_t local_clamp_mss,
		struct link *ret_link)
{
	bool is_v6 = syn->ip_version == 6, by_clamp = false;
	unsigned mtu = syn->mss + (is_v6 ? LINK_HEADERS_V6 : LINK_HEADERS_V4);

	*ret_link = (struct link){.mss = syn->mss};
	if (syn->mss == 0) {
		ret_link->reasons = reason_bit(REASON_MSS_ABSENT);
		return;
	}
	ret_link->mtu = (uint16_t)MIN(mtu, UINT16_MAX);
	judge_window(db, syn->win, is_v6, ret_link);
	if (mtu <= LINKDB_MTU_MAX) {
		const struct linkdb_mtu *known = &db->mtus[is_v6][mtu][ret_link->mss_clamped];

		ret_link->label = known->label;
		ret_link->kind = (enum link_kind)known->kind;
		by_clamp = known->by_clamp;
	}
	ret_link->reasons |= reason_bit(kind_reason(ret_link->kind));
	ret_link->grade = grade_of(ret_link, by_clamp);
	if (local_clamp_explains(ret_link, local_clamp_mss)) {
		ret_link->reasons |= reason_bit(REASON_LOCAL_CLAMP);
		ret_link->grade = LINK_NONE;
	}
}

const char *link_grade_name(enum link_grade grade)
{
	switch (grade) {
	case LINK_NONE: return "none";
	case LINK_ACCESS: return "access";
	case LINK_POSSIBLE: return "possible";
	case LINK_LIKELY: return "likely";
	}
	return "none";
}

const char *link_kind_name(enum link_kind kind)
{
	switch (kind) {
	case LINK_UNKNOWN: return "unknown";
	case LINK_ETHERNET: return "ethernet";
	case LINK_ACCESS_NET: return "access";
	case LINK_AMBIGUOUS: return "ambiguous";
	case LINK_TUNNEL: return "tunnel";
	case LINK_VPN: return "vpn";
	case LINK_LOOPBACK: return "loopback";
	}
	return "unknown";
}

void link_judge_answer(const struct linkdb *db, const struct syn *syn, struct link *ret_link)
{
	struct syn silent = *syn;

	silent.win = UINT16_MAX;
	link_judge(db, &silent, 0, ret_link);
}
