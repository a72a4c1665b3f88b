/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the IP header of a frame begins, whatever it was captured on: link layers, tags, labels
 * and sessions. Pure. What is carried inside IP is tunnels.h's business.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_LAYERS_H
#define SYNPRINT_INPUT_CAPTURE_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a frame has no IP packet for us. Each is counted by its name. */
enum layers_result {
	LAYERS_IP,
	LAYERS_NOT_IP, /* another protocol, such as ARP */
	LAYERS_CUT, /* it ends before the IP header begins */
	LAYERS_NO_DATA, /* IEEE 802.11 management and control */
	LAYERS_ENCRYPTED, /* IEEE 802.11 under a key */
	LAYERS_DEPTH, /* more tags and labels than anybody uses */
	LAYERS_UNKNOWN_LINK, /* a link type that is not read */
	LAYERS_RESULT_COUNT
};

/* A frame on its way through its layers. */
struct layers {
	const uint8_t *data;
	size_t len, at; /* the next layer begins at @at */
	unsigned depth; /* layers so far */
};

/**
 * layers_find_ip() - walk from the link layer to the IP header.
 * @link_type: LINKTYPE_ of pcap-linktype(7), or the DLT_ of a live capture
 * @ret_at: offset of the IP header, below @len; untouched unless LAYERS_IP
 */
enum layers_result layers_find_ip(int link_type, const uint8_t *data, size_t len, size_t *ret_at);

/** layers_walk_ethernet() - the same from an Ethernet header at layers->at on, as tunnels carry it. */
enum layers_result layers_walk_ethernet(struct layers *layers);

/** layers_walk_type() - the same from what an EtherType announces at layers->at. */
enum layers_result layers_walk_type(struct layers *layers, unsigned ether_type);

/** layers_walk_ppp() - the same from a PPP header (RFC 1661), with or without its address. */
enum layers_result layers_walk_ppp(struct layers *layers);

/** layers_walk_bare() - an IP header without anything before it: its version says so. */
enum layers_result layers_walk_bare(struct layers *layers);

/** layers_result_name() - the counter's name of a result, such as "not_ip". */
const char *layers_result_name(enum layers_result result);

#endif
