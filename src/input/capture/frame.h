/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every source of packets hands on: one captured frame, with the link type that its bytes
 * begin with. And what the readers of file formats have in common: each is a pure step over the
 * bytes that are there.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_FRAME_H
#define SYNPRINT_INPUT_CAPTURE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

#define FRAME_BYTES_MAX 262144 /* libpcap's MAXIMUM_SNAPLEN: what no capture program exceeds */

struct frame {
	uint64_t time_ns; /* Unix time; 0 where the file has none */
	int link_type; /* LINKTYPE_ of pcap-linktype(7) */
	const uint8_t *data;
	size_t len; /* bytes captured, at most FRAME_BYTES_MAX */
};

enum format_result {
	FORMAT_MORE, /* the bytes end within what comes next */
	FORMAT_FRAME,
	FORMAT_OTHER, /* something that is no frame was passed */
	FORMAT_BAD, /* damaged: an error was set */
};

/* One step of a reader. */
struct format_step {
	size_t used; /* bytes to pass before the next step; may be more than there were */
	size_t need; /* FORMAT_MORE: bytes that have to be there */
	struct frame frame; /* FORMAT_FRAME: points into the bytes that were given */
};

#endif
