/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EtherTypes and what announces itself by one: tags, labels, sessions, IEEE 802.2. Every step
 * goes forward, and their number is bounded.
 */
#include "input/capture/layers.h"

#include "input/capture/layers_impl.h"

#define DEPTH_MAX 24

enum layers_result layers_walk_bare(struct layers *layers)
{
	if (!layers_has(layers, 1))
		return LAYERS_CUT;
	switch (layers_u8(layers, 0) >> 4) {
	case 4:
	case 6: return LAYERS_IP;
	default: return LAYERS_NOT_IP;
	}
}

enum layers_result layers_walk_ethernet(struct layers *layers)
{
	unsigned type = layers_u16(layers, 12);

	return layers_pass(layers, 14) ? layers_walk_type(layers, type) : LAYERS_CUT;
}

/* A control word (RFC 4385) begins with zeros; a MAC address may as well, but then no IP follows. */
static enum layers_result walk_pseudowire(struct layers *layers)
{
	if (layers_u8(layers, 0) >> 4 == 0 && !layers_pass(layers, 4))
		return LAYERS_CUT;
	return layers_walk_ethernet(layers);
}

/* RFC 3032: labels until the bottom of the stack; the payload's first bits tell what it is. */
static enum layers_result walk_mpls(struct layers *layers)
{
	bool is_bottom;

	do {
		is_bottom = layers_u8(layers, 2) & 1;
		if (!layers_pass(layers, 4))
			return LAYERS_CUT;
		if (++layers->depth > DEPTH_MAX)
			return LAYERS_DEPTH;
	} while (!is_bottom);
	if (layers_walk_bare(layers) != LAYERS_NOT_IP)
		return layers_walk_bare(layers);
	return walk_pseudowire(layers);
}

/* RFC 1661 section 2: a protocol of one byte is odd. RFC 1662: address and control may be left out. */
enum layers_result layers_walk_ppp(struct layers *layers)
{
	unsigned protocol;

	if (layers_u16(layers, 0) == 0xff03 && !layers_pass(layers, 2))
		return LAYERS_CUT;
	protocol = layers_u8(layers, 0);
	if (protocol & 1) {
		if (!layers_pass(layers, 1))
			return LAYERS_CUT;
	} else {
		protocol = layers_u16(layers, 0);
		if (!layers_pass(layers, 2))
			return LAYERS_CUT;
	}
	switch (protocol) {
	case 0x0021:
	case 0x0057: return layers_walk_bare(layers);
	case 0x0281:
	case 0x0283: return walk_mpls(layers);
	default: return LAYERS_NOT_IP;
	}
}

/* RFC 2516 section 4: version and type 1, code 0 in a session. */
enum layers_result layers_walk_pppoe(struct layers *layers)
{
	unsigned head = layers_u16(layers, 0);

	if (!layers_pass(layers, 6))
		return LAYERS_CUT;
	return head == 0x1100 ? layers_walk_ppp(layers) : LAYERS_NOT_IP;
}

/* IEEE 802.2 LLC, and SNAP behind it (RFC 1042). */
enum layers_result layers_walk_llc(struct layers *layers)
{
	unsigned saps = layers_u16(layers, 0), organization, type;

	if (saps == 0x0606)
		return layers_pass(layers, 3) ? layers_walk_bare(layers) : LAYERS_CUT;
	if (saps != 0xaaaa)
		return layers_has(layers, 3) ? LAYERS_NOT_IP : LAYERS_CUT;
	organization = (unsigned)layers_u8(layers, 3) << 16 | layers_u16(layers, 4);
	type = layers_u16(layers, 6);
	if (!layers_pass(layers, 8))
		return LAYERS_CUT;
	if (organization != 0 && organization != 0x0000f8) /* 0000f8: IEEE 802.1H */
		return LAYERS_NOT_IP;
	return type > ETHER_LENGTH_MAX ? layers_walk_type(layers, type) : LAYERS_NOT_IP;
}

/* IEEE 802.1ah: a tag of four bytes, then a whole Ethernet frame. */
static enum layers_result walk_backbone(struct layers *layers)
{
	return layers_pass(layers, 4) ? layers_walk_ethernet(layers) : LAYERS_CUT;
}

/* A tag that is followed by the next EtherType. */
static enum layers_result walk_tag(struct layers *layers, size_t tag_bytes)
{
	unsigned type = layers_u16(layers, tag_bytes);

	return layers_pass(layers, tag_bytes + 2) ? layers_walk_type(layers, type) : LAYERS_CUT;
}

enum layers_result layers_walk_type(struct layers *layers, unsigned ether_type)
{
	if (++layers->depth > DEPTH_MAX)
		return LAYERS_DEPTH;
	if (ether_type <= ETHER_LENGTH_MAX)
		return layers_walk_llc(layers);
	switch (ether_type) {
	case 0x0800: /* IPv4 */
	case 0x86dd: return layers_has(layers, 1) ? LAYERS_IP : LAYERS_CUT;
	case 0x8100: /* IEEE 802.1Q */
	case 0x88a8: /* IEEE 802.1ad */
	case 0x9100: /* what was used before it */
	case 0x9200:
	case 0x9300: return walk_tag(layers, 2);
	case 0x8926: /* VN-Tag */
	case 0x893f: return walk_tag(layers, ether_type == 0x8926 ? 4 : 6); /* IEEE 802.1BR */
	case 0x8909: return walk_tag(layers, 6); /* Cisco's metadata (TrustSec) */
	case 0x88e7: return walk_backbone(layers);
	case 0x8847:
	case 0x8848: return walk_mpls(layers);
	case 0x8864: return layers_walk_pppoe(layers);
	case 0x880b: return layers_walk_ppp(layers);
	case 0x8870: return layers_walk_llc(layers); /* LLC in jumbo frames */
	case 0x6558: return layers_walk_ethernet(layers); /* Ethernet within something */
	default: return LAYERS_NOT_IP;
	}
}

const char *layers_result_name(enum layers_result result)
{
	static const char *const names[LAYERS_RESULT_COUNT] = {
		[LAYERS_IP] = "ip",
		[LAYERS_NOT_IP] = "other_protocol",
		[LAYERS_CUT] = "cut_frame",
		[LAYERS_NO_DATA] = "wlan_no_data",
		[LAYERS_ENCRYPTED] = "wlan_encrypted",
		[LAYERS_DEPTH] = "too_many_layers",
		[LAYERS_UNKNOWN_LINK] = "unknown_link_type",
	};

	return result < LAYERS_RESULT_COUNT ? names[result] : NULL;
}
