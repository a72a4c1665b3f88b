/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP packets within IP packets: GRE, ERSPAN, VXLAN, Geneve, GTP-U, MPLS, and IP in IP. Pure, one
 * layer a call. Nothing here decrypts or puts fragments together.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_TUNNELS_H
#define SYNPRINT_INPUT_CAPTURE_TUNNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/addr.h"

enum tunnel_kind {
	TUNNEL_NONE,
	TUNNEL_IPIP, /* either version in either version (RFC 2003, RFC 2473, RFC 4213) */
	TUNNEL_GRE, /* RFC 2784, RFC 2890, and PPTP's (RFC 2637) */
	TUNNEL_ERSPAN, /* draft-foschiano-erspan, types I to III */
	TUNNEL_VXLAN, /* RFC 7348, and VXLAN-GPE */
	TUNNEL_GENEVE, /* RFC 8926 */
	TUNNEL_GTPU, /* 3GPP TS 29.281 */
	TUNNEL_MPLS, /* RFC 4023, RFC 7510 */
	TUNNEL_KIND_COUNT
};

struct tunnel {
	enum tunnel_kind kind;
	uint8_t ip_version; /* of the outer packet */
	uint32_t id; /* key, VNI, TEID or session; 0 where there is none */
	struct addr src, dst; /* the tunnel's ends */
	size_t inner_at; /* offset of the inner IP header */
};

/**
 * tunnels_open() - does an IP packet carry another one?
 * @data, @len: from the IP header on, as far as it was captured
 * @ret_tunnel: filled where it does; untouched otherwise
 */
bool tunnels_open(const uint8_t *data, size_t len, struct tunnel *ret_tunnel);

/** tunnels_name() - "gre", "vxlan", ... */
const char *tunnels_name(enum tunnel_kind kind);

#endif
