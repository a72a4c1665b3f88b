/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a packet to a verdict, as the daemon's workers go, and for SYN+ACKs as well. */
#ifndef SYNPRINT_CLI_CLASSIFY_JUDGE_H
#define SYNPRINT_CLI_CLASSIFY_JUDGE_H

#include "cli/classify/handshakes.h"
#include "core/clocks/evidence.h"
#include "core/report/report.h"
#include "input/capture/peel.h"
#include "knowledge/knowledge.h"

struct judge_params {
	const struct knowledge *knowledge; /* its servers are NULL where SYN+ACKs are not wanted */
	uint16_t local_clamp, community_seed;
	enum link_grade threshold;
	bool is_any; /* what is forwarded comes twice */
};

struct judge;

/* One SYN or SYN+ACK, judged. */
struct judgement {
	struct syn syn;
	struct link link;
	struct report report; /* points into this, and at what the judge owns */
	const struct packet *packet; /* as it was given */
	bool has_evidence;
	struct evidence evidence; /* has_evidence: of the client's clocks before it */
	const struct handshake *answered; /* of a SYN+ACK: its SYN, the first time; else NULL */
};

/** judge_new() - NULL: no memory. */
struct judge *judge_new(const struct judge_params *params);
void judge_free(struct judge *judge);

/**
 * judge_packet() - judge what is a SYN or, where servers are known, a SYN+ACK.
 * @ret_judgement: filled for SYN_OK; valid until the next call
 * Return: why it is none; SYN_RESULT_COUNT for one that was seen just before.
 */
enum syn_result judge_packet(struct judge *judge, const struct packet *packet,
			     struct judgement *ret_judgement);

/** judge_syn() - judge a SYN that was parsed before, such as that of a handshake. */
void judge_syn(struct judge *judge, const struct syn *syn, uint64_t now_ms,
	       struct judgement *ret_judgement);

#endif
