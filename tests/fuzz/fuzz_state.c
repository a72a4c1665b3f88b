/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State files. A checksum that is wrong would end nearly every input, so the harness first makes
 * the checksums right wherever the lengths allow it; what is then taken must export again.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/state/state_format.h"
#include "core/state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_checksums(uint8_t *bytes, size_t size)
{
	size_t at = STATE_HEADER_BYTES;

	while (size > at && size - at >= STATE_HEAD_BYTES + STATE_SUM_BYTES) {
		uint64_t len = state_get(bytes + at + STATE_NAME_BYTES + 4, 8);

		if (len > size - at - STATE_HEAD_BYTES - STATE_SUM_BYTES)
			return;
		state_put(bytes + at + STATE_HEAD_BYTES + len,
			  XXH3_64bits(bytes + at, STATE_HEAD_BYTES + len), STATE_SUM_BYTES);
		at += STATE_HEAD_BYTES + len + STATE_SUM_BYTES;
	}
}

static int discard(void *ctx, const void *bytes, size_t len)
{
	(void)bytes;
	*(size_t *)ctx += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vocab *vocab;
	struct clients_params params = {.capacity = 64,
					.recent = 64,
					.v6_prefix_bits = 128,
					.refresh_s = 60};
	struct baseline_params baseline_params = {.prefixes = 64,
						  .v4_prefix_bits = 16,
						  .v6_prefix_bits = 32,
						  .half_life_s = 3600};
	struct state_counts counts;
	struct text_error error;
	struct baseline *baseline;
	struct state_tables tables;
	struct clients *clients;
	uint8_t *copy = malloc(size ? size : 1);

	if (!vocab)
		vocab = vocab_new();
	params.vocab = vocab;
	clients = clients_new(&params);
	baseline = baseline_new(&baseline_params);
	assert(clients && baseline && copy);
	tables = (struct state_tables){clients, baseline, vocab, 0};
	memcpy(copy, data, size);
	mend_checksums(copy, size);
	if (state_import(&tables, 2000000000, copy, size, &error, &counts) == 0) {
		size_t written = 0;
		struct state_sink sink = {.write = discard, .ctx = &written};

		assert(state_export(&tables, &sink) == 0 && written > 0);
	}
	clients_free(clients);
	baseline_free(baseline);
	free(copy);
	return 0;
}
