/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From beliefs to the answer: sums of beliefs, doubts, the class and family that come out on
 * top, the label, and the same once more for those who want to know why.
 */
#include "core/match/match_impl.h"

#include <string.h>

/* From this share on, another class is said to send this shape too. */
#define SHARE_TOLD 0.1f

/* From this contradiction on, it is told as a reason, and flagged. */
#define CONTRADICTION_TOLD 0.5f
#define CONTRADICTION_FLAGGED 0.8f

#define DIST_UNKNOWN 127

/* How far a reason moves the answer towards the prior. One of them leaves a clear case clear; but
 * with other options than any known ones, nothing is certain. test_match_path.c holds them to it. */
static const float doubts[REASON_COUNT] = {
	[REASON_TTL_FAR] = 0.02f,        [REASON_TTL_OTHER] = 0.05f,
	[REASON_DF_CHANGED] = 0.03f,     [REASON_ID_CHANGED] = 0.01f,
	[REASON_ECN_CHANGED] = 0.01f,    [REASON_TS_STRIPPED] = 0.03f,
	[REASON_WSCALE_CHANGED] = 0.04f, [REASON_WIN_CHANGED] = 0.04f,
	[REASON_OPTS_CHANGED] = 0.35f,   [REASON_CONTRADICTION] = 0.2f,
};

void lookup_believe(struct lookup *lookup, const struct belief *belief, float weight)
{
	const struct prob *prob = &lookup->index->probs[belief->probs];

	lookup->rest += weight * belief->rest;
	weight /= lookup->scale;
	for (uint32_t i = 0; i < belief->prob_count; i++, prob++) {
		uint64_t bit = UINT64_C(1) << prob->class_id;
		float before = lookup->classes & bit ? lookup->extras[prob->class_id] : 0;

		lookup->extras[prob->class_id] = before + weight * prob->extra;
		lookup->classes |= bit;
	}
}

static float class_prob(const struct lookup *lookup, unsigned id)
{
	float extra = lookup->classes >> id & 1 ? lookup->extras[id] : 0;

	return lookup->scale * extra + lookup->rest * lookup->db->priors[id];
}

void lookup_weigh_ttl(struct lookup *lookup)
{
	unsigned slot = ttl_slot_of(lookup->syn->ttl);
	float sum = 0;

	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++) {
		lookup->extras[id] = class_prob(lookup, id) * lookup->index->ttl_share[id][slot];
		lookup->classes |= UINT64_C(1) << id;
		sum += lookup->extras[id];
	}
	lookup->rest = 0;
	lookup->scale = 1 / sum;
	lookup_trace(lookup, "ttl");
}

void lookup_scale_belief(struct lookup *lookup, float share)
{
	lookup->rest *= share;
	lookup->scale *= share;
}

void lookup_doubt(struct lookup *lookup, enum reason reason)
{
	lookup->reasons |= reason_bit(reason);
	lookup_scale_belief(lookup, 1 - doubts[reason]);
	lookup->rest += doubts[reason];
	if (lookup->tracer)
		lookup_trace(lookup, reason_name(reason));
}

void lookup_contradict(struct lookup *lookup, float weight)
{
	lookup->innocence *= 1 - weight;
}

/* ---- explanations ---- */

static void trace_step(const struct lookup *lookup, const char *name)
{
	struct match_explanation *explanation = lookup->tracer->explanation;
	struct match_step step = {.name = name,
				  .class_prob = class_prob(lookup, lookup->tracer->class_id)};

	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		if (lookup->db->families[id] == lookup->tracer->family_id)
			step.family_prob += class_prob(lookup, id);
	if (explanation->step_count < MATCH_STEPS_MAX)
		explanation->steps[explanation->step_count++] = step;
}

void lookup_trace(const struct lookup *lookup, const char *name)
{
	if (lookup->tracer)
		trace_step(lookup, name);
}

void lookup_trace_chain(const struct lookup *lookup, const struct node *node)
{
	static const char *const names[LEVEL_COUNT] = {
		[LEVEL_WHOLE] = "signature",
		[LEVEL_SHAPE] = "window",
		[LEVEL_SCALE] = "scale",
		[LEVEL_WINDOW] = "window",
		[LEVEL_LAYOUT] = "layout",
		[LEVEL_ORDER_SHAPE] = "window and scale",
		[LEVEL_STRIPPED_SHAPE] = "window and scale",
		[LEVEL_SET_SHAPE] = "window and scale",
		[LEVEL_ORDER] = "options",
		[LEVEL_STRIPPED] = "options",
		[LEVEL_WINDOW_SCALE] = "window and scale",
	};
	struct lookup alone;

	if (!lookup->tracer || !node)
		return;
	lookup_init(&alone, lookup->db, lookup->syn);
	alone.tracer = lookup->tracer;
	if (node->parent != NONE)
		lookup_trace_chain(lookup, &lookup->index->nodes[node->parent]);
	lookup_believe(&alone, &node->belief, 1);
	if (node->key.what >> 60 != LEVEL_WHOLE)
		trace_step(&alone, names[node->key.what >> 60]);
}

void match_explain(const struct sigdb *db, const struct syn *syn,
		   struct match_explanation *ret_explanation)
{
	struct match_explanation explanation = {.step_count = 0};
	struct tracer tracer = {.explanation = &explanation};
	struct lookup lookup;

	lookup_init(&lookup, db, syn);
	match_syn(db, syn, &explanation.match);
	tracer.class_id = explanation.match.class_id;
	tracer.family_id = explanation.match.family_id;
	lookup.tracer = &tracer;
	if (explanation.match.kind != MATCH_NONE) {
		struct lookup prior = {.db = db, .rest = 1, .tracer = &tracer};

		lookup_trace(&prior, "prior");
		lookup_run(&lookup);
	}
	*ret_explanation = explanation;
}

/* ---- the answer ---- */

/* The most probable of those that something speaks for, and of the rest the heaviest. */
static void rank_classes(const struct lookup *lookup, struct match *match, float *families)
{
	unsigned heaviest = lookup->db->heaviest_class, best = heaviest;
	float second = 0, prob = match->class_prob[heaviest];

	for (uint64_t left = lookup->classes & ~(UINT64_C(1) << heaviest); left; left &= left - 1) {
		unsigned id = (unsigned)__builtin_ctzll(left);

		if (match->class_prob[id] > prob) {
			second = prob;
			prob = match->class_prob[id];
			best = id;
		} else if (match->class_prob[id] > second) {
			second = match->class_prob[id];
		}
	}
	match->class_id = (uint8_t)best;
	match->confidence = prob;
	match->family_id = lookup->db->families[best];
	for (unsigned id = 0; id < lookup->db->family_limit; id++)
		if (families[id] > families[match->family_id])
			match->family_id = (uint8_t)id;
	match->family_confidence = families[match->family_id];
	if (second >= SHARE_TOLD)
		match->reasons |= reason_bit(REASON_CLASSES_SHARE);
}

static inline void fill_shares(float *restrict probs, const float *restrict priors, unsigned count,
			       float share)
{
	for (unsigned id = 0; id < count; id++)
		probs[id] = share * priors[id];
}

static void decide_class(const struct lookup *lookup, struct match *match)
{
	const struct sigdb *db = lookup->db;
	float families[VOCAB_FAMILIES_MAX];

	fill_shares(match->class_prob, db->priors, VOCAB_CLASSES_MAX, lookup->rest);
	fill_shares(families, db->family_priors, VOCAB_FAMILIES_MAX, lookup->rest);
	for (uint64_t left = lookup->classes; left; left &= left - 1) {
		unsigned id = (unsigned)__builtin_ctzll(left);

		match->class_prob[id] += lookup->scale * lookup->extras[id];
		families[db->families[id]] += lookup->scale * lookup->extras[id];
	}
	rank_classes(lookup, match, families);
}

/* The signature that names the answer: the most common one of the class. */
static const struct entry *naming_entry(const struct lookup *lookup, uint8_t class_id)
{
	const struct entry *entries = lookup->db->entries;

	if (lookup->best_hit && entries[lookup->best_hit->ref->entry].class_id == class_id &&
	    (lookup->best_hit->ref->generic || !lookup->best_hit->ref->rated))
		return &entries[lookup->best_hit->ref->entry];
	for (unsigned i = 0; i < CANDIDATES_MAX && lookup->candidates[i] != NONE; i++)
		if (entries[lookup->candidates[i]].class_id == class_id)
			return &entries[lookup->candidates[i]];
	return &entries[lookup->candidates[0]];
}

static void decide_label(const struct lookup *lookup, struct match *match)
{
	const struct entry *entry = naming_entry(lookup, match->class_id);
	uint8_t ttl = lookup->syn->ttl;

	match->label = entry->label;
	match->tool = entry->tool && lookup->best_hit;
	if (entry->sig.bad_ttl || entry->sig.initial_ttl < ttl) {
		match->dist_hops =
			entry->sig.bad_ttl ? DIST_UNKNOWN : (uint8_t)(match->initial_ttl - ttl);
		return;
	}
	if (entry->sig.initial_ttl - ttl <= MATCH_DIST_LONGEST)
		match->initial_ttl = entry->sig.initial_ttl;
	if (match->initial_ttl - ttl < DIST_UNKNOWN)
		match->dist_hops = (uint8_t)(match->initial_ttl - ttl);
}

static uint64_t kind_reason(enum match_kind kind)
{
	switch (kind) {
	case MATCH_NONE: return reason_bit(REASON_SIG_UNKNOWN);
	case MATCH_FUZZY: return reason_bit(REASON_SIG_FUZZY);
	case MATCH_GENERIC: return reason_bit(REASON_SIG_GENERIC);
	case MATCH_SPECIFIC: return reason_bit(REASON_SIG_SPECIFIC);
	}
	return 0;
}

static uint64_t observed_reasons(const struct lookup *lookup, const struct match *match)
{
	const struct syn *syn = lookup->syn;
	uint64_t reasons = 0;

	if (match->tool)
		reasons |= reason_bit(REASON_TOOL);
	if (seq_is_dst(syn))
		reasons |= reason_bit(REASON_SEQ_IS_DST);
	if (syn->quirks & QUIRK_OPT_BAD)
		reasons |= reason_bit(REASON_OPT_MALFORMED);
	if (match->contradiction >= CONTRADICTION_TOLD)
		reasons |= reason_bit(REASON_CONTRADICTION);
	return reasons;
}

void lookup_finish(struct lookup *lookup, struct match *ret_match)
{
	struct match *match = ret_match;

	memset(match, 0, offsetof(struct match, class_prob));
	match->kind = lookup->kind;
	match->initial_ttl = sig_initial_ttl(lookup->syn->ttl);
	match->dist_hops = DIST_UNKNOWN;
	if (match->initial_ttl - lookup->syn->ttl < DIST_UNKNOWN)
		match->dist_hops = (uint8_t)(match->initial_ttl - lookup->syn->ttl);
	match->reasons = lookup->reasons | kind_reason(lookup->kind);
	if (lookup->kind != MATCH_NONE) {
		decide_class(lookup, match);
		decide_label(lookup, match);
		match->contradiction = match->tool ? 0 : 1 - lookup->innocence;
		match->inconsistent = match->contradiction >= CONTRADICTION_FLAGGED;
	} else {
		memset(match->class_prob, 0, sizeof(match->class_prob));
	}
	match->reasons |= observed_reasons(lookup, match);
}
