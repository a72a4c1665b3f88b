/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Totals of a capture: what was in it, by class, link, flag and MTU. Pure. */
#ifndef SYNPRINT_CLI_SUMMARY_H
#define SYNPRINT_CLI_SUMMARY_H

#include "core/learn/tally.h"
#include "core/report/report.h"
#include "input/capture/peel.h"

#define SUMMARY_UNKNOWN_MAX 256 /* shapes that are told apart */
#define SUMMARY_BYTES 131072 /* room for any of them as text */

struct summary {
	uint64_t results[SYN_RESULT_COUNT]; /* of IP packets; SYN_OK: SYNs and SYN+ACKs */
	uint64_t answers; /* SYN+ACKs among them */
	uint64_t classes[VOCAB_CLASSES_MAX];
	uint64_t server_classes[VOCAB_CLASSES_MAX];
	uint64_t links[VOCAB_LINKS_MAX + 1];
	uint64_t flags[VERDICT_FLAG_COUNT];
	uint32_t mtus[UINT16_MAX + 1]; /* of SYNs; 0: without MSS */
	const char *clocks; /* totals of the clocks, in the form that is printed; NULL: none */
	struct tally *unknown; /* shapes that nothing looks like; NULL: not counted */
};

void summary_count_packet(struct summary *summary, enum syn_result result);

/** summary_count_report() - of a SYN or SYN+ACK; it has its SYN, match and link. */
void summary_count_report(struct summary *summary, const struct report *report);

/**
 * summary_put() - append the totals, the largest first, as text or as one JSON object.
 * @frames: what was read, and what of it had no IP packet
 */
void summary_put(const struct summary *summary, const struct peel_counts *frames,
		 const struct vocab *vocab, bool json, struct text_buf *buf);

#endif
