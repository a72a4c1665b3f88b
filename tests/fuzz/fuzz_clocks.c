/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any segments in any order: a byte of time, a byte of length, and a packet from its IP header on.
 * The table must count each connection once, and hold no more than it has places for.
 */
#include <assert.h>
#include <stdint.h>

#include "core/clocks/evidence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAPACITY 16

static void check_counts(const struct clocks *clocks)
{
	struct clocks_stats stats;
	uint64_t sum = 0;

	clocks_get_stats(clocks, &stats);
	for (unsigned i = 0; i < CLOCKS_RESULT_COUNT; i++)
		sum += stats.results[i];
	assert(sum == stats.connections);
	assert(stats.results[CLOCKS_PENDING] <= CAPACITY);
}

static void note(struct evidence_table *table, const struct clocks_measure *measure)
{
	struct evidence evidence, list[EVIDENCE_SHAPES];
	char data[512];
	struct text_buf text;

	assert(measure->c1_ms <= CLOCKS_THINK_MS && measure->c2_ms <= CLOCKS_THINK_MS);
	evidence_note(table, 1000, measure, &evidence);
	text_buf_init(&text, data, sizeof(data));
	evidence_put_text(&evidence, &text);
	assert(!text.overflow);
	assert(evidence_list(table, 1000, &measure->client, list) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct clocks *clocks = clocks_new(
		&(struct clocks_params){.capacity = CAPACITY, .segments_max = 20, .seed = 1});
	struct evidence_table *table = evidence_new(
		&(struct evidence_params){.capacity = CAPACITY, .v6_prefix_bits = 128});
	uint64_t now_ns = 0;

	assert(clocks && table);
	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		struct clocks_measure measure;
		struct syn segment;

		now_ns += (uint64_t)data[0] * data[0] * 100000;
		if (syn_parse_segment(data + 2, len, &segment) == SYN_OK &&
		    clocks_feed(clocks, now_ns, &segment, &measure) == CLOCKS_MEASURED)
			note(table, &measure);
		check_counts(clocks);
		data += 2 + len;
		size -= 2 + len;
	}
	clocks_expire(clocks, UINT64_MAX / 2);
	check_counts(clocks);
	clocks_free(clocks);
	evidence_free(table);
	return 0;
}
