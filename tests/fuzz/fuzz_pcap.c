/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a capture file: each packet lies within what was read, and the end is reached. */
#include "input/replay.h"
#include "memory_file.h"
#include "core/syn/syn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_error error;
	struct replay *replay;
	struct replay_packet packet;
	unsigned sum = 0;

	if (replay_open(memory_file(data, size), &error, &replay) < 0)
		return 0;
	while (replay_next(replay, &error, &packet) == 1) {
		struct syn syn;
		int progress = replay_progress(replay);

		if (progress < -1 || progress > 100)
			abort();
		for (size_t i = 0; i < packet.len; i++)
			sum += packet.data[i];
		sum += (unsigned)syn_parse(packet.data, packet.len, &syn);
	}
	replay_close(replay);
	return sum == UINT32_MAX ? -1 : 0;
}
