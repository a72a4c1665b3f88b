/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first layer, by link type. Numbers are those of pcap-linktype(7): files have them, and
 * libpcap's live captures have the same, but for raw IP.
 */
#include "input/capture/layers_impl.h"

enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_PPP = 9,
	LINK_RAW_BSD = 12, /* DLT_RAW, and what it is on OpenBSD: live, and in careless files */
	LINK_RAW_OPENBSD = 14,
	LINK_PPP_HDLC = 50,
	LINK_PPP_ETHER = 51,
	LINK_ATM_RFC1483 = 100,
	LINK_RAW = 101,
	LINK_C_HDLC = 104,
	LINK_IEEE802_11 = 105,
	LINK_LOOP = 108,
	LINK_ENC = 109,
	LINK_SLL = 113,
	LINK_PFLOG = 117,
	LINK_PRISM = 119,
	LINK_RADIOTAP = 127,
	LINK_APPLE_1394 = 138,
	LINK_AVS = 163,
	LINK_PPI = 192,
	LINK_PPP_WITH_DIR = 204,
	LINK_MPLS = 219,
	LINK_IPNET = 226,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_NFLOG = 239,
	LINK_NETANALYZER = 240,
	LINK_PKTAP = 258,
	LINK_MPACKET = 274,
	LINK_SLL2 = 276,
	LINK_BRCM_TAG = 281,
	LINK_BRCM_PREPEND = 282,
	LINK_DSA = 284,
	LINK_EDSA = 285,
};

#define ARPHRD_WLAN 801
#define ARPHRD_RADIOTAP 803
#define NFLOG_PAYLOAD 9 /* nfnetlink_log.h: NFULA_PAYLOAD */
#define TLVS_MAX 64

static uint32_t little_u32(const struct layers *layers, size_t at)
{
	return __builtin_bswap32(layers_u32(layers, at));
}

static uint16_t little_u16(const struct layers *layers, size_t at)
{
	return __builtin_bswap16(layers_u16(layers, at));
}

static enum layers_result walk_bare_behind(struct layers *layers, size_t bytes)
{
	return layers_pass(layers, bytes) ? layers_walk_bare(layers) : LAYERS_CUT;
}

/* LINKTYPE_LINUX_SLL and _SLL2: an EtherType, or by its device's kind another header. */
static enum layers_result walk_cooked(struct layers *layers, size_t len, unsigned hardware,
				      unsigned type)
{
	if (!layers_pass(layers, len))
		return LAYERS_CUT;
	switch (hardware) {
	case ARPHRD_WLAN: return layers_walk_wlan(layers, false);
	case ARPHRD_RADIOTAP: return layers_walk_radiotap(layers);
	default: break;
	}
	switch (type) {
	case 0x0001: return LAYERS_NOT_IP; /* Novell's raw IEEE 802.3 */
	case 0x0004: return layers_walk_llc(layers);
	default: return type > ETHER_LENGTH_MAX ? layers_walk_type(layers, type) : LAYERS_NOT_IP;
	}
}

/* Its first byte is its length without padding to four bytes. */
static enum layers_result walk_pflog(struct layers *layers)
{
	size_t len = ((size_t)layers_u8(layers, 0) + 3) & ~(size_t)3;

	return len < 48 ? LAYERS_CUT : walk_bare_behind(layers, len);
}

/* Attributes in the byte order of who captured: what makes no sense in one is tried in the other. */
static enum layers_result walk_nflog(struct layers *layers, bool is_big)
{
	size_t at = 4;

	for (unsigned i = 0; i < TLVS_MAX && layers_has(layers, at + 4); i++) {
		unsigned len = is_big ? layers_u16(layers, at) : little_u16(layers, at);
		unsigned type = is_big ? layers_u16(layers, at + 2) : little_u16(layers, at + 2);

		if (len < 4)
			break;
		if ((type & 0x7fff) == NFLOG_PAYLOAD)
			return walk_bare_behind(layers, at + 4);
		at += (len + 3) & ~3u;
	}
	return is_big ? LAYERS_NOT_IP : walk_nflog(layers, true);
}

/* Apple's: the length of the header and the type of what is behind it, both of the host. */
static enum layers_result walk_pktap(struct layers *layers)
{
	uint32_t len = little_u32(layers, 0), link_type = little_u32(layers, 8);
	enum layers_result result;
	size_t at;

	if (!layers_has(layers, 12) || len < 12 || len >= layers->len - layers->at)
		return LAYERS_CUT;
	if (link_type == LINK_PKTAP || link_type > INT16_MAX)
		return LAYERS_UNKNOWN_LINK;
	layers->at += len;
	result = layers_find_ip((int)link_type, layers->data + layers->at, layers->len - layers->at,
				&at);
	if (result == LAYERS_IP)
		layers->at += at;
	return result;
}

/* CACE's: the same with smaller numbers; behind it are frames of wireless networks mostly. */
static enum layers_result walk_ppi(struct layers *layers)
{
	size_t len = little_u16(layers, 2);
	uint32_t link_type = little_u32(layers, 4);

	if (len < 8 || !layers_pass(layers, len))
		return LAYERS_CUT;
	switch (link_type) {
	case LINK_IEEE802_11: return layers_walk_wlan(layers, false);
	case LINK_ETHERNET: return layers_walk_ethernet(layers);
	default: return LAYERS_UNKNOWN_LINK;
	}
}

/* Monitors of older drivers; both say how long they are, or are 144 bytes. */
static enum layers_result walk_monitor(struct layers *layers)
{
	size_t len = 144;

	if (layers_u32(layers, 0) >> 12 == 0x80211) /* AVS */
		len = layers_u32(layers, 4);
	return layers_pass(layers, len) ? layers_walk_wlan(layers, false) : LAYERS_CUT;
}

/* Cisco's HDLC, and PPP in the same framing (RFC 1547). */
static enum layers_result walk_hdlc(struct layers *layers)
{
	unsigned address = layers_u8(layers, 0), type = layers_u16(layers, 2);

	if (address == 0xff)
		return layers_walk_ppp(layers);
	return layers_pass(layers, 4) ? layers_walk_type(layers, type) : LAYERS_CUT;
}

/* A tag of a switch between the addresses and the EtherType. */
static enum layers_result walk_tagged(struct layers *layers, size_t tag_bytes)
{
	unsigned type = layers_u16(layers, 12 + tag_bytes);

	return layers_pass(layers, 14 + tag_bytes) ? layers_walk_type(layers, type) : LAYERS_CUT;
}

/* What is before an Ethernet frame and says nothing about it. */
static enum layers_result walk_ethernet_behind(struct layers *layers, size_t bytes)
{
	return layers_pass(layers, bytes) ? layers_walk_ethernet(layers) : LAYERS_CUT;
}

static enum layers_result walk_wide_area(int link_type, struct layers *layers)
{
	switch (link_type) {
	case LINK_PPP: return layers_walk_ppp(layers);
	case LINK_PPP_HDLC:
	case LINK_C_HDLC: return walk_hdlc(layers);
	case LINK_PPP_ETHER: return layers_walk_pppoe(layers);
	case LINK_PPP_WITH_DIR:
		return layers_pass(layers, 1) ? layers_walk_ppp(layers) : LAYERS_CUT;
	case LINK_ATM_RFC1483: return layers_walk_llc(layers);
	case LINK_MPLS: return layers_walk_type(layers, 0x8847);
	default: return LAYERS_UNKNOWN_LINK;
	}
}

static enum layers_result walk_local(int link_type, struct layers *layers)
{
	switch (link_type) {
	case LINK_ETHERNET: return layers_walk_ethernet(layers);
	case LINK_SLL:
		return walk_cooked(layers, 16, layers_u16(layers, 2), layers_u16(layers, 14));
	case LINK_SLL2:
		return walk_cooked(layers, 20, layers_u16(layers, 8), layers_u16(layers, 0));
	case LINK_NETANALYZER:
	case LINK_BRCM_PREPEND: return walk_ethernet_behind(layers, 4);
	case LINK_MPACKET: return walk_ethernet_behind(layers, 8);
	case LINK_BRCM_TAG:
	case LINK_DSA: return walk_tagged(layers, 4);
	case LINK_EDSA: return walk_tagged(layers, 8);
	case LINK_IEEE802_11: return layers_walk_wlan(layers, false);
	case LINK_RADIOTAP: return layers_walk_radiotap(layers);
	case LINK_PRISM:
	case LINK_AVS: return walk_monitor(layers);
	case LINK_PPI: return walk_ppi(layers);
	case LINK_APPLE_1394: return walk_tagged(layers, 4); /* two addresses of 8 bytes, type */
	default: return walk_wide_area(link_type, layers);
	}
}

/* Headers of systems: behind them stands IP, whose version tells the rest. */
static enum layers_result walk_first(int link_type, struct layers *layers)
{
	switch (link_type) {
	case LINK_RAW:
	case LINK_RAW_BSD:
	case LINK_RAW_OPENBSD:
	case LINK_IPV4:
	case LINK_IPV6: return layers_walk_bare(layers);
	case LINK_NULL:
	case LINK_LOOP: return walk_bare_behind(layers, 4);
	case LINK_ENC: return walk_bare_behind(layers, 12);
	case LINK_IPNET: return walk_bare_behind(layers, 24);
	case LINK_PFLOG: return walk_pflog(layers);
	case LINK_NFLOG: return walk_nflog(layers, false);
	case LINK_PKTAP: return walk_pktap(layers);
	default: return walk_local(link_type, layers);
	}
}

enum layers_result layers_find_ip(int link_type, const uint8_t *data, size_t len, size_t *ret_at)
{
	struct layers layers = {.data = data, .len = len};
	enum layers_result result = walk_first(link_type, &layers);

	if (result == LAYERS_IP)
		*ret_at = layers.at;
	return result;
}
