/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of layers share: a cursor that never passes the end. */
#ifndef SYNPRINT_INPUT_CAPTURE_LAYERS_IMPL_H
#define SYNPRINT_INPUT_CAPTURE_LAYERS_IMPL_H

#include "core/base/wire.h"
#include "input/capture/layers.h"

#define ETHER_LENGTH_MAX 1500 /* what is not more is a length (IEEE 802.3) */

static inline bool layers_has(const struct layers *layers, size_t bytes)
{
	return bytes <= layers->len - layers->at;
}

/* @at is relative to the layer; beyond the end it is 0. */
static inline uint8_t layers_u8(const struct layers *layers, size_t at)
{
	struct wire wire = {layers->data + layers->at, layers->len - layers->at};

	return wire_u8(&wire, at);
}

static inline uint16_t layers_u16(const struct layers *layers, size_t at)
{
	struct wire wire = {layers->data + layers->at, layers->len - layers->at};

	return wire_u16(&wire, at);
}

static inline uint32_t layers_u32(const struct layers *layers, size_t at)
{
	struct wire wire = {layers->data + layers->at, layers->len - layers->at};

	return wire_u32(&wire, at);
}

/** layers_pass() - go on behind @bytes; false: there are not so many, or nothing behind them. */
static inline bool layers_pass(struct layers *layers, size_t bytes)
{
	if (bytes >= layers->len - layers->at)
		return false;
	layers->at += bytes;
	return true;
}

enum layers_result layers_walk_llc(struct layers *layers);
enum layers_result layers_walk_pppoe(struct layers *layers);

/** layers_walk_wlan() - from an IEEE 802.11 header. @is_padded: to four bytes (radiotap says so) */
enum layers_result layers_walk_wlan(struct layers *layers, bool is_padded);

/** layers_walk_radiotap() - from a radiotap header (radiotap.org). */
enum layers_result layers_walk_radiotap(struct layers *layers);

#endif
