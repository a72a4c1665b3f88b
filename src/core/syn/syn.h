/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was observed: one TCP SYN, or the SYN+ACK that answers it, taken apart into host byte
 * order. Parsing reads the bytes once, allocates nothing and keeps no pointer into them. It judges
 * nothing: a SYN with malformed options is still a SYN, with QUIRK_OPT_BAD.
 */
#ifndef SYNPRINT_CORE_SYN_SYN_H
#define SYNPRINT_CORE_SYN_SYN_H

#include "core/base/addr.h"
#include "core/syn/quirk.h"

#define SYN_OPTS_MAX 40 /* bytes of TCP options at the most (RFC 9293 section 3.1) */

/* Why a packet is, or is not, a SYN that can be fingerprinted. Each is counted by its name. */
enum syn_result {
	SYN_OK,
	SYN_TRUNCATED, /* the bytes end before the TCP header does */
	SYN_NOT_IP, /* neither version 4 nor version 6 */
	SYN_BAD_IP, /* lengths contradict themselves, or an address is IPv4-mapped */
	SYN_FRAGMENT, /* not the first fragment: no TCP header in it */
	SYN_BAD_EXT, /* IPv6 extension headers that never end or do not fit */
	SYN_NOT_TCP,
	SYN_BAD_TCP, /* data offset under 5 words, or beyond the packet */
	SYN_NOT_SYN, /* another segment than was asked for, or SYN along with FIN or RST */
	SYN_BAD_SUM, /* its receiver drops it: never from syn_parse(); syn_has_good_sum() tells */
	SYN_RESULT_COUNT
};

/* TCP flag bits as they stand in bytes 12 and 13 of the header (RFC 9293, RFC 3168, RFC 3540). */
enum syn_tcp_flag {
	SYN_TCP_FIN = 0x001,
	SYN_TCP_SYN = 0x002,
	SYN_TCP_RST = 0x004,
	SYN_TCP_PSH = 0x008,
	SYN_TCP_ACK = 0x010,
	SYN_TCP_URG = 0x020,
	SYN_TCP_ECE = 0x040,
	SYN_TCP_CWR = 0x080,
	SYN_TCP_NS = 0x100,
	SYN_TCP_RESERVED = 0xe00,
};

enum syn_opt_kind {
	SYN_OPT_EOL = 0,
	SYN_OPT_NOP = 1,
	SYN_OPT_MSS = 2,
	SYN_OPT_WSCALE = 3,
	SYN_OPT_SACK_OK = 4,
	SYN_OPT_SACK = 5,
	SYN_OPT_TS = 8,
	SYN_OPT_FASTOPEN = 34,
};

/* What a SYN offers, and a SYN+ACK may carry for that alone. */
enum syn_offer {
	SYN_OFFER_WSCALE = 1u << 0,
	SYN_OFFER_SACK = 1u << 1,
	SYN_OFFER_TS = 1u << 2,
	SYN_OFFER_ECN = 1u << 3,
	SYN_OFFER_KNOWN = 1u << 7, /* the SYN was seen: what is not set was not offered */
};

struct syn {
	struct addr src, dst;
	uint32_t seq, ack;
	uint32_t flow_label; /* 20 bits, IPv6 only */
	uint32_t ts_val, ts_ecr;
	uint32_t quirks; /* enum syn_quirk, or-ed */
	uint16_t src_port, dst_port;
	uint16_t total_len; /* bytes of the whole IP packet, as its header says */
	uint16_t ip_header_len; /* bytes, with IPv4 options or IPv6 extension headers */
	uint16_t ip_id;
	uint16_t tcp_flags; /* 12 bits, enum syn_tcp_flag */
	uint16_t win; /* as sent, unscaled */
	uint16_t urg_ptr;
	uint16_t mss; /* 0 without has_mss */
	uint16_t payload_len; /* bytes behind the TCP header, by total_len */
	uint8_t ip_version; /* 4 or 6 */
	uint8_t ip_opt_len; /* p0f's olen: bytes of IPv4 options or IPv6 extension headers, <= 255 */
	uint8_t tos; /* DSCP and ECN, or the IPv6 traffic class */
	uint8_t ttl;
	uint8_t tcp_header_len; /* bytes, 20 to 60 */
	uint8_t wscale; /* 0 without has_wscale */
	bool df, mf,
		ip_reserved; /* the three IPv4 flag bits; mf also from an IPv6 fragment header */
	bool has_mss, has_wscale, has_ts, has_sack_ok;
	uint8_t offers; /* of a SYN+ACK: what its SYN offered (enum syn_offer); 0: not known */
	uint8_t opt_count; /* entries of opt_kinds */
	uint8_t opt_eol_pad; /* bytes behind the first EOL, 0 to 39 */
	uint8_t opt_kinds[SYN_OPTS_MAX]; /* in wire order; ends with EOL where there is one */
};

/**
 * syn_parse() - take a packet apart that begins with its IP header.
 * @buf, @len: the packet, or its first @len bytes; bytes behind the IP total length are ignored
 * @ret_syn: filled only for SYN_OK; untouched otherwise
 *
 * The whole TCP header must be there; the payload need not. A first fragment counts as a
 * packet. The option walk follows RFC 9293 section 3.1: an option that does not fit ends the
 * walk with QUIRK_OPT_BAD and stays in opt_kinds.
 * Return: SYN_OK, or why the packet is no SYN.
 */
enum syn_result syn_parse(const uint8_t *buf, size_t len, struct syn *ret_syn);

/**
 * syn_has_good_sum() - whether a SYN's TCP checksum is right (RFC 9293 section 3.1).
 * @buf, @len, @syn: as given to, and made by, syn_parse()
 * One whose bytes are not all there has none that is right. Behind an IPv6 routing header the
 * address that counts is not known here, and every checksum is.
 */
bool syn_has_good_sum(const uint8_t *buf, size_t len, const struct syn *syn);

/**
 * syn_parse_answer() - the same for a SYN+ACK, whose sender is the server.
 *
 * Of the SYN that it answers nothing is known: offers is 0.
 * Return: SYN_OK, or why the packet is no SYN+ACK.
 */
enum syn_result syn_parse_answer(const uint8_t *buf, size_t len, struct syn *ret_syn);

/**
 * syn_parse_segment() - the same for any TCP segment. Quirks are those that a SYN would have.
 *
 * Return: SYN_OK, or why the packet is no TCP segment; never SYN_NOT_SYN.
 */
enum syn_result syn_parse_segment(const uint8_t *buf, size_t len, struct syn *ret_syn);

/** syn_is_answer() - a SYN+ACK. */
static inline bool syn_is_answer(const struct syn *syn)
{
	return syn->tcp_flags & SYN_TCP_ACK;
}

/** syn_offers() - the options that a SYN or SYN+ACK has, as enum syn_offer, or-ed. */
uint8_t syn_offers(const struct syn *syn);

/** syn_result_name() - the counter's name of a result, such as "truncated". */
const char *syn_result_name(enum syn_result result);

#endif
