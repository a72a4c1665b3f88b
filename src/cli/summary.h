/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Totals of a capture: what was in it, by class, link and flag. Pure. */
#ifndef SYNPRINT_CLI_SUMMARY_H
#define SYNPRINT_CLI_SUMMARY_H

#include "core/verdict/verdict.h"

struct summary {
	uint64_t packets;
	uint64_t results[SYN_RESULT_COUNT];
	uint64_t classes[VOCAB_CLASSES_MAX];
	uint64_t links[VOCAB_LINKS_MAX + 1];
	uint64_t flags[VERDICT_FLAG_COUNT];
};

void summary_count_packet(struct summary *summary, enum syn_result result);
void summary_count_verdict(struct summary *summary, const struct verdict *verdict);

/** summary_put() - append the totals, the largest first, as text or as one JSON object. */
void summary_put(const struct summary *summary, const struct vocab *vocab, bool json,
		 struct text_buf *buf);

#endif
