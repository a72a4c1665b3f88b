/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two bytes of a link type, then a frame: what is found lies within it, however deep. */
#include <stdlib.h>

#include "input/capture/peel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peel peel = {.decaps = true};
	struct frame frame;
	struct packet packet;

	if (size < 2)
		return 0;
	frame = (struct frame){.link_type = data[0] | (data[1] & 1) << 8,
			       .data = data + 2,
			       .len = size - 2};
	if (!peel_frame(&peel, &frame, &packet))
		return 0;
	if (packet.len == 0 || packet.data + packet.len != data + size ||
	    packet.tunnel_count > PACKET_TUNNELS_MAX)
		abort();
	return 0;
}
