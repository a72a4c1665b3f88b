/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a capture file, compressed or not: each frame lies within what was read, the end is
 * reached, and what is peeled off and taken out of tunnels lies within the frame.
 */
#include "core/syn/syn.h"
#include "input/capture/peel.h"
#include "input/capture/replay.h"
#include "memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned sum_packet(const struct packet *packet)
{
	struct syn syn;
	unsigned sum = 0;

	for (size_t i = 0; i < packet->len; i++)
		sum += packet->data[i];
	return sum + (unsigned)syn_parse(packet->data, packet->len, &syn) +
	       (unsigned)syn_parse_answer(packet->data, packet->len, &syn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *path = memory_file(data, size);
	struct replay_params params = {.paths = &path, .count = 1};
	struct peel peel = {.decaps = size & 1};
	struct replay_error error;
	struct replay *replay;
	struct frame frame;
	struct packet packet;
	unsigned sum = 0;

	if (replay_open(&params, &error, &replay) < 0)
		return 0;
	while (replay_next(replay, &error, &frame) == 1) {
		int progress = replay_progress(replay);

		if (progress < -1 || progress > 100 || frame.len > FRAME_BYTES_MAX)
			abort();
		for (size_t i = 0; i < frame.len; i++)
			sum += frame.data[i];
		if (!peel_frame(&peel, &frame, &packet))
			continue;
		if (packet.data < frame.data || packet.data + packet.len != frame.data + frame.len)
			abort();
		sum += sum_packet(&packet);
	}
	replay_close(replay);
	return sum == UINT32_MAX ? -1 : 0;
}
