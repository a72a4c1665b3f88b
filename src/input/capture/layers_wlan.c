/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IEEE 802.11 data frames, bare and behind a radiotap header. */
#include "input/capture/layers_impl.h"

#define RADIOTAP_EXTENDED 0x80000000u /* one more word of present bits follows */
#define RADIOTAP_TSFT 1u /* present bits: the fields come in their order */
#define RADIOTAP_FLAGS 2u
#define FLAG_PADDED 0x20

/* Frame control, first byte: type and subtype (IEEE 802.11 section 9.2.4.1). */
#define TYPE_MASK 0x0c
#define TYPE_DATA 0x08
#define SUBTYPE_NULL 0x40
#define SUBTYPE_QOS 0x80
/* Second byte. */
#define TO_DS 0x01
#define FROM_DS 0x02
#define PROTECTED 0x40
#define ORDER 0x80
#define QOS_AMSDU 0x80

#define SUBFRAME_HEADER 14 /* of an A-MSDU: two addresses and a length */

static size_t wlan_header_len(unsigned control, unsigned flags)
{
	size_t len = 24;

	if ((flags & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS))
		len += 6;
	if (control & SUBTYPE_QOS)
		len += flags & ORDER ? 6 : 2;
	return len;
}

enum layers_result layers_walk_wlan(struct layers *layers, bool is_padded)
{
	unsigned control = layers_u8(layers, 0), flags = layers_u8(layers, 1);
	size_t len = wlan_header_len(control, flags), qos = flags & ORDER ? len - 6 : len - 2;
	bool is_aggregate = control & SUBTYPE_QOS && layers_u8(layers, qos) & QOS_AMSDU;

	if (!layers_has(layers, 2))
		return LAYERS_CUT;
	if ((control & TYPE_MASK) != TYPE_DATA || control & SUBTYPE_NULL)
		return LAYERS_NO_DATA;
	if (flags & PROTECTED)
		return LAYERS_ENCRYPTED;
	if (is_padded)
		len = (len + 3) & ~(size_t)3;
	if (!layers_pass(layers, is_aggregate ? len + SUBFRAME_HEADER : len))
		return LAYERS_CUT;
	return layers_walk_llc(layers);
}

static uint32_t little_u32(const struct layers *layers, size_t at)
{
	return __builtin_bswap32(layers_u32(layers, at));
}

/* Behind the words of present bits comes a time, at a multiple of eight, then the flags. */
static bool radiotap_is_padded(const struct layers *layers, size_t len)
{
	uint32_t present = little_u32(layers, 4);
	size_t at = 8;

	for (uint32_t word = present; word & RADIOTAP_EXTENDED && at + 4 <= len; at += 4)
		word = little_u32(layers, at);
	if (!(present & RADIOTAP_FLAGS))
		return false;
	if (present & RADIOTAP_TSFT)
		at = ((at + 7) & ~(size_t)7) + 8;
	return at < len && layers_u8(layers, at) & FLAG_PADDED;
}

enum layers_result layers_walk_radiotap(struct layers *layers)
{
	size_t len = __builtin_bswap16(layers_u16(layers, 2));
	bool is_padded;

	if (!layers_has(layers, 8) || len < 8)
		return LAYERS_CUT;
	is_padded = radiotap_is_padded(layers, len);
	return layers_pass(layers, len) ? layers_walk_wlan(layers, is_padded) : LAYERS_CUT;
}
