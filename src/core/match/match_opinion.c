/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sums of beliefs, and doubts that move them back towards the prior. What is believed is kept
 * sparse, as the index has it: extras beyond the prior, and how much of the prior is left.
 */
#include "core/match/match_opinion.h"

#include <stddef.h>
#include <string.h>
#include <sys/param.h>

/* How far a reason moves the answer towards the prior. One of them leaves a clear case clear; but
 * with other options than any known ones, nothing is certain. test_match_path.c holds them to it. */
static const float doubts[REASON_COUNT] = {
	[REASON_TTL_FAR] = 0.02f,        [REASON_TTL_OTHER] = 0.05f,
	[REASON_DF_CHANGED] = 0.03f,     [REASON_ID_CHANGED] = 0.01f,
	[REASON_ECN_CHANGED] = 0.01f,    [REASON_TS_STRIPPED] = 0.03f,
	[REASON_WSCALE_CHANGED] = 0.04f, [REASON_WIN_CHANGED] = 0.04f,
	[REASON_OPTS_CHANGED] = 0.35f,   [REASON_CONTRADICTION] = 0.2f,
};

/* What no stack sends is made by a tool; but a generic signature is never as sure as .9. */
#define DOUBT_GENERIC_TOOL 0.12f

/* Classes with less than this after weighing share what the prior gets. */
#define WORTH_KEEPING 0.004f

void opinion_init(struct opinion *opinion, const struct sigdb *db, struct tracer *tracer)
{
	memset(opinion, 0, offsetof(struct opinion, extras));
	opinion->db = db;
	opinion->tracer = tracer;
	opinion->innocence = 1;
	opinion->scale = 1;
}

void opinion_believe(struct opinion *opinion, const struct belief *belief, float weight)
{
	const struct prob *prob = &opinion->db->index->probs[belief->probs];

	opinion->rest += weight * belief->rest;
	weight /= opinion->scale;
	for (uint32_t i = 0; i < belief->prob_count; i++, prob++) {
		opinion->extras[prob->class_id] =
			opinion_extra(opinion, prob->class_id) + weight * prob->extra;
		opinion->classes |= UINT64_C(1) << prob->class_id;
	}
}

float opinion_class_prob(const struct opinion *opinion, unsigned id)
{
	return opinion->scale * opinion_extra(opinion, id) +
	       opinion->rest * opinion->db->priors[id];
}

/* All classes below class_limit, times what speaks for each. Return: their sum. */
static float weigh_dense(const struct opinion *opinion, const float *restrict likelihoods,
			 float *restrict ret_probs)
{
	const float *priors = opinion->db->priors;
	float sum = 0;

	VOCAB_EACH_CLASS (id)
		ret_probs[id] = opinion->rest * priors[id];
	for (uint64_t left = opinion->classes; left;) {
		unsigned id = opinion_take_class(&left);

		ret_probs[id] += opinion->scale * opinion->extras[id];
	}
	for (unsigned id = 0; id < opinion->db->class_limit; id++)
		sum += ret_probs[id] *= likelihoods[id];
	return sum;
}

void opinion_weigh(struct opinion *opinion, const float likelihoods[VOCAB_CLASSES_MAX],
		   const char *name)
{
	float probs[VOCAB_CLASSES_MAX];
	float sum = weigh_dense(opinion, likelihoods, probs), kept = 0;

	opinion->classes = 0;
	for (unsigned id = 0; id < opinion->db->class_limit; id++) {
		if (probs[id] < WORTH_KEEPING * sum)
			continue;
		opinion->extras[id] = probs[id];
		opinion->classes |= UINT64_C(1) << id;
		kept += probs[id];
	}
	opinion->scale = 1 / sum;
	opinion->rest = MAX(1 - kept / sum, 0);
	opinion_tell(opinion, NULL, name);
}

static void doubt(struct opinion *opinion, float share)
{
	opinion_make_room(opinion, 1 - share);
	opinion->rest += share;
}

void opinion_doubt_kind(struct opinion *opinion, enum sigdb_kind kind)
{
	doubt(opinion, opinion->db->doubts[kind].share);
	opinion_tell(opinion, NULL, "relays and lies");
}

void opinion_doubt_tool(struct opinion *opinion)
{
	doubt(opinion, DOUBT_GENERIC_TOOL);
	opinion_tell(opinion, NULL, "generic");
}

void opinion_make_room(struct opinion *opinion, float share)
{
	opinion->rest *= share;
	opinion->scale *= share;
}

void opinion_doubt(struct opinion *opinion, enum reason reason)
{
	opinion->reasons |= reason_bit(reason);
	doubt(opinion, doubts[reason]);
	if (opinion->tracer)
		opinion_tell(opinion, NULL, reason_name(reason));
}

void opinion_contradict(struct opinion *opinion, float weight)
{
	opinion->innocence *= 1 - weight;
}
