/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The facts that speak for and against a verdict, as codes: programs test them, `explain`
 * prints them in words. At most 37 fit into struct verdict.
 */
#ifndef SYNPRINT_CORE_BASE_REASON_H
#define SYNPRINT_CORE_BASE_REASON_H

#include <stdint.h>

enum reason {
	/* Operating system: how the signature was found. */
	REASON_SIG_SPECIFIC, /* a signature of one system matched whole */
	REASON_SIG_GENERIC, /* only a signature that covers many systems matched */
	REASON_SIG_FUZZY, /* matched but for what the path may change */
	REASON_SIG_UNKNOWN, /* nothing in the database looks like it */
	REASON_CLASSES_SHARE, /* several classes send this shape */
	/* Operating system: what the path, or somebody, changed. */
	REASON_TTL_FAR, /* more than 30 hops from the nearest initial TTL */
	REASON_TTL_OTHER, /* initial TTL is not the signature's */
	REASON_DF_CHANGED,
	REASON_ID_CHANGED,
	REASON_TS_STRIPPED,
	REASON_WSCALE_CHANGED,
	REASON_WIN_CHANGED,
	REASON_ECN_CHANGED,
	REASON_OPTS_CHANGED, /* options reordered, or replaced by NOPs */
	/* Flags. */
	REASON_TOOL, /* a scanner's own signature */
	REASON_SEQ_IS_DST, /* sequence number equals the destination address (Mirai) */
	REASON_CONTRADICTION, /* fields that no known stack sends together */
	REASON_OPT_MALFORMED,
	REASON_UA_LIE, /* the User-Agent claims another system */
	/* Link. */
	REASON_MSS_ABSENT,
	REASON_MTU_ETHERNET,
	REASON_MTU_ACCESS, /* an ordinary access network has this MTU */
	REASON_MTU_AMBIGUOUS, /* access networks and tunnels both have it */
	REASON_MTU_TUNNEL,
	REASON_MTU_VPN,
	REASON_MTU_UNLISTED, /* no row of the table explains it */
	REASON_WIN_OWN_MSS, /* the window is a multiple of the MSS we see */
	REASON_WIN_CLAMPED, /* the window belongs to another MSS: rewritten on the path */
	REASON_WIN_NO_EVIDENCE, /* a window that says nothing about the MSS */
	REASON_LOCAL_CLAMP, /* the configured clamp in front of us explains it */
	REASON_SEVERAL_MTUS, /* the same system here showed Ethernet's MTU and another just now */
	REASON_BASELINE_NORMAL, /* usual for the client's network */
	REASON_BASELINE_RARE,
	/* Client. */
	REASON_SEVERAL_STACKS, /* this address shows several systems */
	REASON_PAIR_SAME, /* only in answers about two addresses: IPv4 and IPv6 have one MTU or MSS */
	REASON_PAIR_DIFFERS, /* likewise: what is on the path carries only one of them */
	REASON_CLOCKS, /* in each of several connections the data and the answers waited */
	REASON_COUNT
};

/** reason_name() - the code in replies, such as "ttl_far". */
const char *reason_name(enum reason reason);

/** reason_text() - the same in words, one clause without a full stop. */
const char *reason_text(enum reason reason);

static inline uint64_t reason_bit(enum reason reason)
{
	return UINT64_C(1) << reason;
}

#endif
