/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes a packet apart. Lengths are checked against what the headers promise and against what
 * was captured: beyond the first the packet is bad, beyond the second it is truncated.
 */
#include "core/syn/syn.h"

#include <sys/param.h>

#include "core/base/wire.h"

#define IPV4_HEADER_MIN 20
#define IPV6_HEADER 40
#define TCP_HEADER_MIN 20
#define IPPROTO_TCP_NUMBER 6

/* IPv6 extension headers (IANA protocol numbers; RFC 8200 section 4, RFC 4302). */
enum ext_header {
	EXT_HOP_BY_HOP = 0,
	EXT_ROUTING = 43,
	EXT_FRAGMENT = 44,
	EXT_AUTHENTICATION = 51,
	EXT_DESTINATION = 60,
	EXT_MOBILITY = 135,
	EXT_HIP = 139,
	EXT_SHIM6 = 140,
};

static void add_quirk(struct syn *syn, uint32_t quirk, bool is_set)
{
	if (is_set)
		syn->quirks |= quirk;
}

static enum syn_result parse_ipv4(const struct wire *wire, struct syn *syn)
{
	size_t header_len = (size_t)(wire_u8(wire, 0) & 0x0f) * 4;
	uint16_t fragment = wire_u16(wire, 6);

	syn->total_len = wire_u16(wire, 2);
	if (wire->len < IPV4_HEADER_MIN)
		return SYN_TRUNCATED;
	if (header_len < IPV4_HEADER_MIN || syn->total_len < header_len)
		return SYN_BAD_IP;
	if (wire_u8(wire, 9) != IPPROTO_TCP_NUMBER)
		return SYN_NOT_TCP;
	if (fragment & 0x1fff)
		return SYN_FRAGMENT;
	syn->ip_version = 4;
	syn->ip_header_len = (uint16_t)header_len;
	syn->ip_opt_len = (uint8_t)(header_len - IPV4_HEADER_MIN);
	syn->tos = wire_u8(wire, 1);
	syn->ip_id = wire_u16(wire, 4);
	syn->ip_reserved = fragment & 0x8000;
	syn->df = fragment & 0x4000;
	syn->mf = fragment & 0x2000;
	syn->ttl = wire_u8(wire, 8);
	syn->src = addr_from_v4(wire->bytes + 12);
	syn->dst = addr_from_v4(wire->bytes + 16);
	add_quirk(syn, QUIRK_DF, syn->df);
	add_quirk(syn, QUIRK_ID_NONZERO, syn->df && syn->ip_id);
	add_quirk(syn, QUIRK_ID_ZERO, !syn->df && !syn->ip_id);
	add_quirk(syn, QUIRK_RESERVED, syn->ip_reserved);
	return SYN_OK;
}

/* Bytes of the extension header at @at, or 0 where the protocol is none. */
static size_t ext_header_len(const struct wire *wire, uint8_t protocol, size_t at)
{
	switch (protocol) {
	case EXT_HOP_BY_HOP:
	case EXT_ROUTING:
	case EXT_DESTINATION:
	case EXT_MOBILITY:
	case EXT_HIP:
	case EXT_SHIM6: return ((size_t)wire_u8(wire, at + 1) + 1) * 8;
	case EXT_AUTHENTICATION: return ((size_t)wire_u8(wire, at + 1) + 2) * 4;
	case EXT_FRAGMENT: return 8;
	default: return 0;
	}
}

static enum syn_result parse_ext_headers(const struct wire *wire, struct syn *syn)
{
	uint8_t protocol = wire_u8(wire, 6);
	size_t at = IPV6_HEADER, len;

	while ((len = ext_header_len(wire, protocol, at)) != 0) {
		if (at + len > syn->total_len)
			return SYN_BAD_EXT;
		if (at + len > wire->len)
			return SYN_TRUNCATED;
		if (protocol == EXT_FRAGMENT) {
			uint16_t fragment = wire_u16(wire, at + 2);

			if (fragment & 0xfff8)
				return SYN_FRAGMENT;
			syn->mf |= fragment & 1;
		}
		protocol = wire_u8(wire, at);
		at += len;
	}
	if (protocol != IPPROTO_TCP_NUMBER)
		return SYN_NOT_TCP;
	syn->ip_header_len = (uint16_t)at;
	syn->ip_opt_len = (uint8_t)MIN(at - IPV6_HEADER, 255);
	return SYN_OK;
}

static enum syn_result parse_ipv6(const struct wire *wire, struct syn *syn)
{
	uint32_t first = wire_u32(wire, 0), total = (uint32_t)wire_u16(wire, 4) + IPV6_HEADER;

	if (wire->len < IPV6_HEADER)
		return SYN_TRUNCATED;
	syn->ip_version = 6;
	syn->total_len = (uint16_t)MIN(total, UINT16_MAX);
	syn->tos = (uint8_t)(first >> 20);
	syn->flow_label = first & 0xfffff;
	syn->ttl = wire_u8(wire, 7);
	syn->src = addr_from_v6(wire->bytes + 8);
	syn->dst = addr_from_v6(wire->bytes + 24);
	/* No host has an IPv4-mapped one on the wire (RFC 4942 section 2.2): it is an IPv4 client's here. */
	if (addr_is_v4(&syn->src) || addr_is_v4(&syn->dst))
		return SYN_BAD_IP;
	add_quirk(syn, QUIRK_FLOW, syn->flow_label != 0);
	return parse_ext_headers(wire, syn);
}

static void read_option(const struct wire *wire, struct syn *syn, uint8_t kind, size_t at)
{
	switch (kind) {
	case SYN_OPT_MSS:
		syn->has_mss = true;
		syn->mss = wire_u16(wire, at + 2);
		break;
	case SYN_OPT_WSCALE:
		syn->has_wscale = true;
		syn->wscale = wire_u8(wire, at + 2);
		add_quirk(syn, QUIRK_WSCALE_BIG, syn->wscale > 14);
		break;
	case SYN_OPT_SACK_OK: syn->has_sack_ok = true; break;
	case SYN_OPT_TS:
		syn->has_ts = true;
		syn->ts_val = wire_u32(wire, at + 2);
		syn->ts_ecr = wire_u32(wire, at + 6);
		add_quirk(syn, QUIRK_TS_ZERO, syn->ts_val == 0);
		add_quirk(syn, QUIRK_TS_ECHO, syn->ts_ecr != 0 && !syn_is_answer(syn));
		break;
	default: break;
	}
}

/* Lengths that RFC 9293 section 3.2, RFC 7323 and RFC 2018 give; other kinds have any from 2 on. */
static bool is_option_len(uint8_t kind, size_t len)
{
	switch (kind) {
	case SYN_OPT_MSS: return len == 4;
	case SYN_OPT_WSCALE: return len == 3;
	case SYN_OPT_SACK_OK: return len == 2;
	case SYN_OPT_SACK: return len >= 10 && len <= 34;
	case SYN_OPT_TS: return len == 10;
	default: return len >= 2;
	}
}

static void end_options(const struct wire *wire, struct syn *syn, size_t at, size_t end)
{
	syn->opt_eol_pad = (uint8_t)(end - at);
	for (; at < end; at++)
		add_quirk(syn, QUIRK_OPT_TRAILING, wire_u8(wire, at) != 0);
}

static void parse_options(const struct wire *wire, struct syn *syn, size_t at, size_t end)
{
	while (at < end) {
		uint8_t kind = wire_u8(wire, at);
		size_t len = at + 1 < end ? wire_u8(wire, at + 1) : 0;

		syn->opt_kinds[syn->opt_count++] = kind;
		if (kind == SYN_OPT_EOL) {
			end_options(wire, syn, at + 1, end);
			return;
		}
		if (kind == SYN_OPT_NOP) {
			at++;
			continue;
		}
		if (len < 2 || len > end - at) {
			syn->quirks |= QUIRK_OPT_BAD;
			return;
		}
		if (is_option_len(kind, len))
			read_option(wire, syn, kind, at);
		else
			syn->quirks |= QUIRK_OPT_BAD;
		at += len;
	}
}

static void read_tcp_quirks(struct syn *syn)
{
	const uint16_t ecn_flags = SYN_TCP_ECE | SYN_TCP_CWR | SYN_TCP_NS;

	if (syn->tos & 3 || syn->tcp_flags & ecn_flags) {
		add_quirk(syn, QUIRK_ECN, true);
		add_quirk(syn, QUIRK_AE, (syn->tcp_flags & ecn_flags) == ecn_flags);
	}
	add_quirk(syn, QUIRK_SEQ_ZERO, syn->seq == 0);
	if ((syn->ack != 0) != syn_is_answer(syn))
		add_quirk(syn, syn->ack ? QUIRK_ACK_NONZERO : QUIRK_ACK_ZERO, true);
	add_quirk(syn, QUIRK_URG_FLAG, syn->tcp_flags & SYN_TCP_URG);
	add_quirk(syn, QUIRK_URG_PTR, !(syn->tcp_flags & SYN_TCP_URG) && syn->urg_ptr);
	add_quirk(syn, QUIRK_PUSH, syn->tcp_flags & SYN_TCP_PSH);
}

#define ANY_SEGMENT UINT16_MAX

/* @wanted: of SYN, FIN, RST and ACK those that are set, or ANY_SEGMENT */
static enum syn_result parse_tcp(const struct wire *wire, uint16_t wanted, struct syn *syn)
{
	const uint16_t kind_flags = SYN_TCP_SYN | SYN_TCP_FIN | SYN_TCP_RST | SYN_TCP_ACK;
	size_t at = syn->ip_header_len, header_len = (size_t)(wire_u8(wire, at + 12) >> 4) * 4;

	if (at + TCP_HEADER_MIN > syn->total_len)
		return SYN_BAD_TCP;
	if (at + TCP_HEADER_MIN > wire->len)
		return SYN_TRUNCATED;
	syn->tcp_flags = wire_u16(wire, at + 12) & 0xfff;
	if (wanted != ANY_SEGMENT && (syn->tcp_flags & kind_flags) != wanted)
		return SYN_NOT_SYN;
	if (header_len < TCP_HEADER_MIN || at + header_len > syn->total_len)
		return SYN_BAD_TCP;
	if (at + header_len > wire->len)
		return SYN_TRUNCATED;
	syn->src_port = wire_u16(wire, at);
	syn->dst_port = wire_u16(wire, at + 2);
	syn->seq = wire_u32(wire, at + 4);
	syn->ack = wire_u32(wire, at + 8);
	syn->win = wire_u16(wire, at + 14);
	syn->urg_ptr = wire_u16(wire, at + 18);
	syn->tcp_header_len = (uint8_t)header_len;
	syn->payload_len = (uint16_t)(syn->total_len - at - header_len);
	read_tcp_quirks(syn);
	parse_options(wire, syn, at + TCP_HEADER_MIN, at + header_len);
	return SYN_OK;
}

static inline enum syn_result parse(const uint8_t *buf, size_t len, uint16_t wanted,
				    struct syn *ret_syn)
{
	struct wire wire = {.bytes = buf, .len = len};
	struct syn syn = {.quirks = 0};
	enum syn_result result;

	if (len == 0)
		return SYN_TRUNCATED;
	switch (buf[0] >> 4) {
	case 4: result = parse_ipv4(&wire, &syn); break;
	case 6: result = parse_ipv6(&wire, &syn); break;
	default: return SYN_NOT_IP;
	}
	if (result == SYN_OK)
		result = parse_tcp(&wire, wanted, &syn);
	if (result == SYN_OK)
		*ret_syn = syn;
	return result;
}

enum syn_result syn_parse(const uint8_t *buf, size_t len, struct syn *ret_syn)
{
	return parse(buf, len, SYN_TCP_SYN, ret_syn);
}

enum syn_result syn_parse_answer(const uint8_t *buf, size_t len, struct syn *ret_syn)
{
	return parse(buf, len, SYN_TCP_SYN | SYN_TCP_ACK, ret_syn);
}

enum syn_result syn_parse_segment(const uint8_t *buf, size_t len, struct syn *ret_syn)
{
	return parse(buf, len, ANY_SEGMENT, ret_syn);
}

/* ECN is offered by both flags, and accepted by ECE alone (RFC 3168 section 6.1.1). */
uint8_t syn_offers(const struct syn *syn)
{
	unsigned ecn = syn->tcp_flags & (SYN_TCP_ECE | (syn_is_answer(syn) ? 0 : SYN_TCP_CWR));

	return (uint8_t)((syn->has_wscale ? SYN_OFFER_WSCALE : 0) |
			 (syn->has_sack_ok ? SYN_OFFER_SACK : 0) |
			 (syn->has_ts ? SYN_OFFER_TS : 0) |
			 (ecn == (syn_is_answer(syn) ? SYN_TCP_ECE : SYN_TCP_ECE | SYN_TCP_CWR)
				  ? SYN_OFFER_ECN
				  : 0));
}

/* RFC 1071, before its folding; 64 KiB do not overflow it. */
static uint32_t sum_words(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (; len > 1; len -= 2, bytes += 2)
		sum += (uint32_t)(bytes[0] << 8 | bytes[1]);
	return len ? sum + (uint32_t)(bytes[0] << 8) : sum;
}

static bool has_routing_header(const uint8_t *buf, const struct syn *syn)
{
	uint8_t protocol = buf[6];
	size_t at = IPV6_HEADER;

	while (at < syn->ip_header_len && protocol != EXT_ROUTING) {
		const struct wire wire = {.bytes = buf, .len = syn->ip_header_len};
		size_t len = ext_header_len(&wire, protocol, at);

		protocol = wire_u8(&wire, at);
		at += len;
	}
	return at < syn->ip_header_len;
}

bool syn_has_good_sum(const uint8_t *buf, size_t len, const struct syn *syn)
{
	bool is_v4 = syn->ip_version == 4;
	uint32_t tcp_len = (uint32_t)syn->total_len - syn->ip_header_len, sum;

	if (len < syn->total_len)
		return false;
	if (!is_v4 && has_routing_header(buf, syn))
		return true;
	/* The pseudo-header: addresses, protocol, length. */
	sum = sum_words(buf + (is_v4 ? 12 : 8), is_v4 ? 8 : 32) + IPPROTO_TCP_NUMBER + tcp_len;
	sum += sum_words(buf + syn->ip_header_len, tcp_len);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

const char *syn_result_name(enum syn_result result)
{
	static const char *const names[SYN_RESULT_COUNT] = {
		[SYN_OK] = "syn",
		[SYN_TRUNCATED] = "truncated",
		[SYN_NOT_IP] = "not_ip",
		[SYN_BAD_IP] = "bad_ip",
		[SYN_FRAGMENT] = "fragment",
		[SYN_BAD_EXT] = "bad_ext",
		[SYN_NOT_TCP] = "not_tcp",
		[SYN_BAD_TCP] = "bad_tcp",
		[SYN_NOT_SYN] = "not_syn",
		[SYN_BAD_SUM] = "bad_checksum",
	};

	return result < SYN_RESULT_COUNT ? names[result] : NULL;
}

const char *syn_quirk_name(enum syn_quirk quirk)
{
	static const char *const names[QUIRK_COUNT] = {
		"df",    "id+",   "id-",    "ecn",  "0+",   "flow", "seq-", "ack+", "ack-",
		"uptr+", "urgf+", "pushf+", "ts1-", "ts2+", "opt+", "exws", "bad",  "ae",
	};

	for (unsigned i = 0; i < QUIRK_COUNT; i++)
		if (quirk == 1u << i)
			return names[i];
	return NULL;
}
