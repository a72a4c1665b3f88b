/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons as codes and in words. */
#include "core/base/reason.h"

#include <stddef.h>

struct words {
	const char *name, *text;
};

static const struct words reasons[REASON_COUNT] = {
	[REASON_SIG_SPECIFIC] = {"sig_specific", "a signature of one system matches whole"},
	[REASON_SIG_GENERIC] = {"sig_generic", "only a signature that covers many systems matches"},
	[REASON_SIG_FUZZY] = {"sig_fuzzy", "a signature matches but for what the path may change"},
	[REASON_SIG_UNKNOWN] = {"sig_unknown", "nothing in the database looks like it"},
	[REASON_CLASSES_SHARE] = {"classes_share", "several systems send this very shape"},
	[REASON_TTL_FAR] = {"ttl_far", "it seems more than 30 hops away"},
	[REASON_TTL_OTHER] = {"ttl_other", "the initial TTL is not the one of the signature"},
	[REASON_DF_CHANGED] = {"df_changed", "don't-fragment differs from the signature"},
	[REASON_ID_CHANGED] = {"id_changed", "the IP ID differs from the signature"},
	[REASON_TS_STRIPPED] = {"ts_stripped", "the timestamps that the signature has are missing"},
	[REASON_WSCALE_CHANGED] = {"wscale_changed", "the window scale differs from the signature"},
	[REASON_WIN_CHANGED] = {"win_changed", "the window differs from the signature"},
	[REASON_ECN_CHANGED] = {"ecn_changed", "ECN differs from the signature"},
	[REASON_OPTS_CHANGED] = {"opts_changed",
				 "options are in another order, or replaced by padding"},
	[REASON_TOOL] = {"tool", "a tool that makes its own packets sends this"},
	[REASON_SEQ_IS_DST] = {"seq_is_dst", "the sequence number equals the destination address"},
	[REASON_CONTRADICTION] = {"contradiction", "no known stack sends these fields together"},
	[REASON_OPT_MALFORMED] = {"opt_malformed", "the TCP options are malformed"},
	[REASON_UA_LIE] = {"ua_lie", "the User-Agent claims another system"},
	[REASON_MSS_ABSENT] = {"mss_absent", "there is no MSS option"},
	[REASON_MTU_ETHERNET] = {"mtu_ethernet", "the MTU is Ethernet's, or loopback's"},
	[REASON_MTU_ACCESS] = {"mtu_access", "an ordinary access network has this MTU"},
	[REASON_MTU_AMBIGUOUS] = {"mtu_ambiguous",
				  "access networks and tunnels both have this MTU"},
	[REASON_MTU_TUNNEL] = {"mtu_tunnel", "a tunnel between routers has this MTU"},
	[REASON_MTU_VPN] = {"mtu_vpn", "VPN software has this MTU"},
	[REASON_MTU_UNLISTED] = {"mtu_unlisted", "nothing in the link table has this MTU"},
	[REASON_WIN_OWN_MSS] = {"win_own_mss", "the window is made of the MSS that we see"},
	[REASON_WIN_CLAMPED] = {"win_clamped",
				"the window is made of another MSS: it was rewritten on the path"},
	[REASON_WIN_NO_EVIDENCE] = {"win_no_evidence", "the window says nothing about the MSS"},
	[REASON_LOCAL_CLAMP] = {"local_clamp",
				"the configured clamp in front of us explains the MSS"},
	[REASON_SEVERAL_MTUS] =
		{"several_mtus",
		 "the same system here showed Ethernet's MTU and another in a short time"},
	[REASON_BASELINE_NORMAL] = {"baseline_normal", "usual for the client's network"},
	[REASON_BASELINE_RARE] = {"baseline_rare", "rare in the client's network"},
	[REASON_SEVERAL_STACKS] = {"several_stacks", "this address shows several systems"},
	[REASON_PAIR_SAME] = {"pair_same", "IPv4 and IPv6 of this client are limited alike"},
	[REASON_PAIR_DIFFERS] = {"pair_differs",
				 "what is on the path carries only one of IPv4 and IPv6"},
	[REASON_CLOCKS] = {"clocks", "its data and its answers wait for somebody behind it"},
};

const char *reason_name(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].name : NULL;
}

const char *reason_text(enum reason reason)
{
	return reason < REASON_COUNT ? reasons[reason].text : NULL;
}
