/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The outer header by protocol or port, then what layers.c walks through as on a wire. */
#include "input/capture/tunnels.h"

#include "input/capture/layers_impl.h"

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_IPV4 = 4,
	PROTOCOL_UDP = 17,
	PROTOCOL_IPV6 = 41,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_GRE = 47,
	PROTOCOL_DESTINATION = 60,
	PROTOCOL_MPLS = 137,
};

#define EXTENSIONS_MAX 8

/* GRE's first two bytes (RFC 2784, RFC 2890, RFC 2637). */
#define GRE_CHECKSUM 0x8000
#define GRE_ROUTING 0x4000
#define GRE_KEY 0x2000
#define GRE_SEQUENCE 0x1000
#define GRE_ACK 0x0080
#define GRE_VERSION 0x0007

static bool open_ipv4(struct layers *layers, struct tunnel *tunnel, unsigned *ret_protocol)
{
	size_t header_len = (size_t)(layers_u8(layers, 0) & 0x0f) * 4;

	if (header_len < 20 || !layers_has(layers, 20) || layers_u16(layers, 6) & 0x1fff)
		return false;
	*ret_protocol = layers_u8(layers, 9);
	tunnel->ip_version = 4;
	tunnel->src = addr_from_v4(layers->data + layers->at + 12);
	tunnel->dst = addr_from_v4(layers->data + layers->at + 16);
	return layers_pass(layers, header_len);
}

/* Return: bytes of the extension header, 0 where there is none or a later fragment. */
static size_t extension_len(const struct layers *layers, unsigned protocol)
{
	switch (protocol) {
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_DESTINATION: return ((size_t)layers_u8(layers, 1) + 1) * 8;
	case PROTOCOL_FRAGMENT: return layers_u16(layers, 2) & 0xfff8 ? 0 : 8;
	default: return 0;
	}
}

static bool open_ipv6(struct layers *layers, struct tunnel *tunnel, unsigned *ret_protocol)
{
	unsigned protocol = layers_u8(layers, 6);
	size_t len;

	if (!layers_has(layers, 40))
		return false;
	tunnel->ip_version = 6;
	tunnel->src = addr_from_v6(layers->data + layers->at + 8);
	tunnel->dst = addr_from_v6(layers->data + layers->at + 24);
	if (!layers_pass(layers, 40))
		return false;
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		len = extension_len(layers, protocol);
		if (len == 0)
			break;
		protocol = layers_u8(layers, 0);
		if (!layers_pass(layers, len))
			return false;
	}
	*ret_protocol = protocol;
	return true;
}

/* Type I has no header; type II has one of 8 bytes, which GRE's sequence number announces. */
static enum layers_result walk_erspan(struct layers *layers, struct tunnel *tunnel, bool is_third,
				      bool has_header)
{
	size_t len = is_third ? 12 : has_header ? 8 : 0;

	tunnel->kind = TUNNEL_ERSPAN;
	if (len)
		tunnel->id = layers_u16(layers, 2) & 0x3ff;
	if (is_third && layers_u8(layers, 11) & 1)
		len += 8;
	return len && !layers_pass(layers, len) ? LAYERS_CUT : layers_walk_ethernet(layers);
}

static enum layers_result walk_gre(struct layers *layers, struct tunnel *tunnel)
{
	unsigned flags = layers_u16(layers, 0), type = layers_u16(layers, 2);
	size_t len = 4;

	tunnel->kind = TUNNEL_GRE;
	if (flags & GRE_ROUTING || (flags & GRE_VERSION) > 1)
		return LAYERS_NOT_IP;
	len += flags & GRE_CHECKSUM ? 4 : 0;
	if (flags & GRE_KEY) {
		tunnel->id =
			flags & GRE_VERSION ? layers_u16(layers, len + 2) : layers_u32(layers, len);
		len += 4;
	}
	len += flags & GRE_SEQUENCE ? 4 : 0;
	len += flags & GRE_VERSION && flags & GRE_ACK ? 4 : 0;
	if (!layers_pass(layers, len))
		return LAYERS_CUT;
	if (type == 0x88be || type == 0x22eb)
		return walk_erspan(layers, tunnel, type == 0x22eb, flags & GRE_SEQUENCE);
	return type > ETHER_LENGTH_MAX ? layers_walk_type(layers, type) : LAYERS_NOT_IP;
}

static enum layers_result walk_vxlan(struct layers *layers, struct tunnel *tunnel, bool is_gpe)
{
	unsigned flags = layers_u8(layers, 0), next = layers_u8(layers, 3);

	tunnel->kind = TUNNEL_VXLAN;
	tunnel->id = layers_u32(layers, 4) >> 8;
	if (!layers_pass(layers, 8))
		return LAYERS_CUT;
	if (is_gpe && flags & 4 && next != 3)
		return next == 1 || next == 2 ? layers_walk_bare(layers) : LAYERS_NOT_IP;
	return flags & 8 ? layers_walk_ethernet(layers) : LAYERS_NOT_IP;
}

static enum layers_result walk_geneve(struct layers *layers, struct tunnel *tunnel)
{
	size_t options_len = (size_t)(layers_u8(layers, 0) & 0x3f) * 4;
	unsigned type = layers_u16(layers, 2);

	tunnel->kind = TUNNEL_GENEVE;
	tunnel->id = layers_u32(layers, 4) >> 8;
	if (layers_u8(layers, 0) >> 6 != 0)
		return LAYERS_NOT_IP;
	if (!layers_pass(layers, 8 + options_len))
		return LAYERS_CUT;
	return type > ETHER_LENGTH_MAX ? layers_walk_type(layers, type) : LAYERS_NOT_IP;
}

/* Version 1, a G-PDU (type 255); extension headers are counted in words of four bytes. */
static enum layers_result walk_gtpu(struct layers *layers, struct tunnel *tunnel)
{
	unsigned flags = layers_u8(layers, 0), next = 0;

	tunnel->kind = TUNNEL_GTPU;
	tunnel->id = layers_u32(layers, 4);
	if (flags >> 4 != 3 || layers_u8(layers, 1) != 255)
		return LAYERS_NOT_IP;
	if (flags & 4)
		next = layers_u8(layers, 11);
	if (!layers_pass(layers, flags & 7 ? 12 : 8))
		return LAYERS_CUT;
	for (unsigned i = 0; next && i < EXTENSIONS_MAX; i++) {
		size_t len = (size_t)layers_u8(layers, 0) * 4;

		next = layers_u8(layers, len ? len - 1 : 0);
		if (len == 0 || !layers_pass(layers, len))
			return LAYERS_CUT;
	}
	return layers_walk_bare(layers);
}

static enum layers_result walk_mpls(struct layers *layers, struct tunnel *tunnel)
{
	tunnel->kind = TUNNEL_MPLS;
	tunnel->id = layers_u32(layers, 0) >> 12;
	return layers_walk_type(layers, 0x8847);
}

/* Ports of RFC 7348 (8472 is Linux's older one), RFC 8926, 3GPP TS 29.281, RFC 7510. */
static enum layers_result walk_udp(struct layers *layers, struct tunnel *tunnel)
{
	unsigned port = layers_u16(layers, 2);

	if (!layers_pass(layers, 8))
		return LAYERS_CUT;
	switch (port) {
	case 4789:
	case 8472: return walk_vxlan(layers, tunnel, false);
	case 4790: return walk_vxlan(layers, tunnel, true);
	case 6081: return walk_geneve(layers, tunnel);
	case 2152: return walk_gtpu(layers, tunnel);
	case 6635: return walk_mpls(layers, tunnel);
	default: return LAYERS_NOT_IP;
	}
}

static enum layers_result walk_inside(struct layers *layers, unsigned protocol,
				      struct tunnel *tunnel)
{
	switch (protocol) {
	case PROTOCOL_IPV4:
	case PROTOCOL_IPV6: tunnel->kind = TUNNEL_IPIP; return layers_walk_bare(layers);
	case PROTOCOL_GRE: return walk_gre(layers, tunnel);
	case PROTOCOL_UDP: return walk_udp(layers, tunnel);
	case PROTOCOL_MPLS: return walk_mpls(layers, tunnel);
	default: return LAYERS_NOT_IP;
	}
}

bool tunnels_open(const uint8_t *data, size_t len, struct tunnel *ret_tunnel)
{
	struct layers layers = {.data = data, .len = len};
	struct tunnel tunnel = {.kind = TUNNEL_NONE};
	unsigned protocol = 0;
	bool is_open;

	switch (layers_u8(&layers, 0) >> 4) {
	case 4: is_open = open_ipv4(&layers, &tunnel, &protocol); break;
	case 6: is_open = open_ipv6(&layers, &tunnel, &protocol); break;
	default: return false;
	}
	if (!is_open || walk_inside(&layers, protocol, &tunnel) != LAYERS_IP)
		return false;
	tunnel.inner_at = layers.at;
	*ret_tunnel = tunnel;
	return true;
}

const char *tunnels_name(enum tunnel_kind kind)
{
	static const char *const names[TUNNEL_KIND_COUNT] = {
		"none", "ipip", "gre", "erspan", "vxlan", "geneve", "gtp-u", "mpls",
	};

	return kind < TUNNEL_KIND_COUNT ? names[kind] : NULL;
}
