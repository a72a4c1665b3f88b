/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SYN against the database, from the opinion to the answer: the class and family that come
 * out on top, the label, the distance and the reasons.
 */
#include "core/match/match_believe.h"
#include "core/match/match_condition.h"

#include <stddef.h>
#include <string.h>
#include <sys/param.h>

/* From this share on, another class is said to send this shape too. */
#define SHARE_TOLD 0.1f

/* From this contradiction on, it is told as a reason, and flagged. */
#define CONTRADICTION_TOLD 0.5f
#define CONTRADICTION_FLAGGED 0.8f

/* From this P(family) on, a system is named, if only with "perhaps"; from the last, without. What
 * no signature covers takes more. */
#define NAMED_FROM 0.45f
#define NAMED_FROM_FUZZY 0.6f
#define SURE_FROM 0.7f

#define DIST_UNKNOWN 127

/* Several classes of a family may together outweigh the likeliest one, which is another's. */
static void take_class_of_family(const struct sigdb *db, struct match *match)
{
	match->confidence = -1;
	VOCAB_EACH_CLASS (id) {
		if (db->families[id] != match->family_id ||
		    match->class_prob[id] <= match->confidence)
			continue;
		match->class_id = (uint8_t)id;
		match->confidence = match->class_prob[id];
	}
}

/* The most probable of those that something speaks for, and of the rest the heaviest. */
static void rank_classes(const struct opinion *opinion, struct match *match, float *families)
{
	unsigned heaviest = opinion->db->heaviest_class, best = heaviest;
	float second = 0, prob = match->class_prob[heaviest];

	for (uint64_t left = opinion->classes & ~(UINT64_C(1) << heaviest); left;) {
		unsigned id = opinion_take_class(&left);

		if (match->class_prob[id] > prob) {
			second = prob;
			prob = match->class_prob[id];
			best = id;
		} else {
			second = MAX(second, match->class_prob[id]);
		}
	}
	match->class_id = (uint8_t)best;
	match->confidence = prob;
	match->family_id = opinion->db->families[best];
	for (unsigned id = 0; id < opinion->db->family_limit; id++)
		if (families[id] > families[match->family_id])
			match->family_id = (uint8_t)id;
	match->family_confidence = families[match->family_id];
	if (match->family_id != opinion->db->families[best])
		take_class_of_family(opinion->db, match);
	if (second >= SHARE_TOLD)
		match->reasons |= reason_bit(REASON_CLASSES_SHARE);
}

static inline void fill_shares(float *restrict probs, const float *restrict priors, unsigned count,
			       float share)
{
	for (unsigned id = 0; id < count; id++)
		probs[id] = share * priors[id];
}

/* Linux and Windows choose the window as a multiple of the MSS that their interface has. */
static void decide_traits(const struct sigdb *db, struct match *match, const float *families)
{
	const float *classes = match->class_prob;

	match->sizes_window =
		families[db->sizing_families[0]] + families[db->sizing_families[1]] >= 0.5f;
	match->doubts_window =
		!match->sizes_window ||
		classes[db->phone_classes[0]] + classes[db->phone_classes[1]] >= 0.5f;
}

static void decide_class(const struct opinion *opinion, struct match *match)
{
	const struct sigdb *db = opinion->db;
	float families[VOCAB_FAMILIES_MAX];

	fill_shares(match->class_prob, db->priors, VOCAB_CLASSES_MAX, opinion->rest);
	fill_shares(families, db->family_priors, VOCAB_FAMILIES_MAX, opinion->rest);
	for (uint64_t left = opinion->classes; left;) {
		unsigned id = opinion_take_class(&left);

		match->class_prob[id] += opinion->scale * opinion->extras[id];
		families[db->families[id]] += opinion->scale * opinion->extras[id];
	}
	rank_classes(opinion, match, families);
	decide_traits(db, match, families);
}

/* The signature that names the answer: the most common one of the class. */
static const struct entry *naming_entry(const struct comparison *comparison, uint8_t class_id)
{
	const struct entry *entries = comparison->opinion.db->entries;
	const uint32_t *candidates = comparison->opinion.candidates;
	const struct hit *best = comparison->hits.best;

	if (best && entries[best->ref->entry].class_id == class_id &&
	    (best->ref->generic || !best->ref->rated))
		return &entries[best->ref->entry];
	for (unsigned i = 0; i < CANDIDATES_MAX && candidates[i] != NONE; i++)
		if (entries[candidates[i]].class_id == class_id)
			return &entries[candidates[i]];
	return &entries[candidates[0]];
}

/* Return: the signature that the label is of; where none is of the class, the closest one. */
static const struct entry *decide_label(const struct comparison *comparison, struct match *match)
{
	const struct entry *entry = naming_entry(comparison, match->class_id);
	uint8_t ttl = comparison->question.syn->ttl;

	match->label = entry->label;
	match->tool = entry->tool && comparison->hits.best;
	if (entry->sig.bad_ttl || entry->sig.initial_ttl < ttl) {
		match->dist_hops =
			entry->sig.bad_ttl ? DIST_UNKNOWN : (uint8_t)(match->initial_ttl - ttl);
		return entry;
	}
	if (entry->sig.initial_ttl - ttl <= MATCH_DIST_LONGEST)
		match->initial_ttl = entry->sig.initial_ttl;
	if (match->initial_ttl - ttl < DIST_UNKNOWN)
		match->dist_hops = (uint8_t)(match->initial_ttl - ttl);
	return entry;
}

/* A weak headline reads as weak, and so does a class that no signature alike is of; what a tool or
 * a condition shows is never weak. */
static void decide_strength(const struct comparison *comparison, struct match *match,
			    const struct entry *named)
{
	const struct sigdb *db = comparison->opinion.db;

	if (match->tool)
		return;
	match->unknown = match->family_confidence <
			 (match->kind == MATCH_FUZZY ? NAMED_FROM_FUZZY : NAMED_FROM);
	if (match->unknown)
		match->label = db->nearest[match->class_id];
	else if (match->family_confidence < SURE_FROM || named->class_id != match->class_id)
		match->label = db->perhaps[match->class_id];
}

static enum match_kind decide_kind(const struct comparison *comparison)
{
	const struct hit *best = comparison->hits.best;

	if (!comparison->opinion.candidates)
		return MATCH_NONE;
	if (!best)
		return MATCH_FUZZY;
	return best->ref->generic ? MATCH_GENERIC : MATCH_SPECIFIC;
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

static uint64_t observed_reasons(const struct index *index, const struct syn *syn,
				 const struct match *match)
{
	uint64_t reasons = 0;

	if (match->tool)
		reasons |= reason_bit(REASON_TOOL);
	if (seq_is_dst(index, syn))
		reasons |= reason_bit(REASON_SEQ_IS_DST);
	if (syn->quirks & QUIRK_OPT_BAD)
		reasons |= reason_bit(REASON_OPT_MALFORMED);
	if (match->contradiction >= CONTRADICTION_TOLD)
		reasons |= reason_bit(REASON_CONTRADICTION);
	return reasons;
}

static void decide_answer(const struct comparison *comparison, struct match *match)
{
	decide_class(&comparison->opinion, match);
	decide_strength(comparison, match, decide_label(comparison, match));
	match->contradiction = match->tool ? 0 : 1 - comparison->opinion.innocence;
	match->inconsistent = match->contradiction >= CONTRADICTION_FLAGGED;
}

void match_syn(const struct sigdb *db, const struct syn *syn, struct match *ret_match)
{
	struct comparison comparison;
	struct match *match = ret_match;

	comparison_run(&comparison, db, syn, NULL);
	memset(match, 0, offsetof(struct match, class_prob));
	match->kind = decide_kind(&comparison);
	match->initial_ttl = sig_initial_ttl(syn->ttl);
	match->dist_hops = DIST_UNKNOWN;
	if (match->initial_ttl - syn->ttl < DIST_UNKNOWN)
		match->dist_hops = (uint8_t)(match->initial_ttl - syn->ttl);
	match->reasons = comparison.opinion.reasons | kind_reason(match->kind);
	match->unknown = match->kind == MATCH_NONE;
	if (match->kind == MATCH_NONE)
		memset(match->class_prob, 0, sizeof(match->class_prob));
	else
		decide_answer(&comparison, match);
	match->reasons |= observed_reasons(db->index, syn, match);
}

const char *match_kind_name(enum match_kind kind)
{
	switch (kind) {
	case MATCH_NONE: return "none";
	case MATCH_FUZZY: return "fuzzy";
	case MATCH_GENERIC: return "generic";
	case MATCH_SPECIFIC: return "specific";
	}
	return "none";
}
