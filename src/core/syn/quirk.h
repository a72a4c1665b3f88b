/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is odd about a SYN: a bit each, with p0f's names. */
#ifndef SYNPRINT_CORE_SYN_QUIRK_H
#define SYNPRINT_CORE_SYN_QUIRK_H

/* p0f v3's quirks, in the order in which p0f writes them, and ours. Names: syn_quirk_name(). */
enum syn_quirk {
	QUIRK_DF = 1u << 0, /* df: don't fragment is set (IPv4) */
	QUIRK_ID_NONZERO = 1u << 1, /* id+: DF set, yet the IP ID is not zero */
	QUIRK_ID_ZERO = 1u << 2, /* id-: DF clear, yet the IP ID is zero */
	QUIRK_ECN = 1u << 3, /* ecn: ECT or CE in the IP header, or ECE, CWR or NS in TCP */
	QUIRK_RESERVED = 1u << 4, /* 0+: the must-be-zero bit of the IPv4 flags is set */
	QUIRK_FLOW = 1u << 5, /* flow: IPv6 flow label is not zero */
	QUIRK_SEQ_ZERO = 1u << 6, /* seq-: sequence number zero */
	QUIRK_ACK_NONZERO = 1u << 7, /* ack+: acknowledgement number set without ACK */
	QUIRK_ACK_ZERO = 1u << 8, /* ack-: ACK with a zero number; only in a SYN+ACK */
	QUIRK_URG_PTR = 1u << 9, /* uptr+: urgent pointer set without URG */
	QUIRK_URG_FLAG = 1u << 10, /* urgf+: URG is set */
	QUIRK_PUSH = 1u << 11, /* pushf+: PSH is set */
	QUIRK_TS_ZERO = 1u << 12, /* ts1-: own timestamp zero */
	QUIRK_TS_ECHO = 1u << 13, /* ts2+: timestamp echo set in a SYN; a SYN+ACK has to */
	QUIRK_OPT_TRAILING = 1u << 14, /* opt+: non-zero bytes behind end-of-options */
	QUIRK_WSCALE_BIG = 1u << 15, /* exws: window scale over 14 (RFC 7323 section 2.3) */
	QUIRK_OPT_BAD = 1u << 16, /* bad: options malformed */
	QUIRK_AE = 1u << 17, /* ae: AE, CWR and ECE ask for AccECN (RFC 9768); ours, beside ecn */
	QUIRK_COUNT = 18
};

/** syn_quirk_name() - p0f's name of one quirk bit, such as "id+"; NULL for no such bit. */
const char *syn_quirk_name(enum syn_quirk quirk);

#endif
