/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a frame to the IP packet in it, with a count of what had none. Pure. */
#ifndef SYNPRINT_INPUT_CAPTURE_PEEL_H
#define SYNPRINT_INPUT_CAPTURE_PEEL_H

#include "input/capture/frame.h"
#include "input/capture/layers.h"
#include "input/capture/tunnels.h"

#define PACKET_TUNNELS_MAX 4

struct packet {
	uint64_t now_ms, time_ns; /* when it was captured, Unix time */
	const uint8_t *data; /* from the IP header on; valid as long as the frame is */
	size_t len; /* bytes captured of it */
	unsigned tunnel_count; /* that it was taken out of */
	struct tunnel tunnels[PACKET_TUNNELS_MAX]; /* the outermost first */
};

struct peel_counts {
	uint64_t frames; /* all */
	uint64_t results[LAYERS_RESULT_COUNT];
	uint64_t tunnels; /* packets that carry another one, whether it was taken out or not */
	int unknown_link; /* the last link type that is not read */
};

struct peel {
	bool decaps; /* take packets out of tunnels */
	struct peel_counts counts;
};

/** peel_frame() - Return: true for a packet; false, counted, for a frame without one. */
bool peel_frame(struct peel *peel, const struct frame *frame, struct packet *ret_packet);

#endif
