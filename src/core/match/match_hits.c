/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole signatures: each form that signatures of this layout have is one lookup, and what is not
 * in the key decides how well each signature of a node fits.
 */
#include "core/match/match_hits.h"

#include "core/match/match_condition.h"

enum fit { FIT_NOT, FIT_SETTING, FIT_WHOLE };

/*
 * A server answers with what it does of what was offered. Another choice is another server's, or
 * the same one's with other settings, which then have a signature of their own.
 */
static bool answers_otherwise(const struct ref *ref, const struct syn *syn)
{
	const unsigned options = SYN_OFFER_WSCALE | SYN_OFFER_SACK | SYN_OFFER_TS;

	return ref->does && syn->offers && ((syn->offers & ref->does) ^ syn_offers(syn)) & options;
}

static bool ref_rules_out(const struct ref *ref, const struct syn *syn)
{
	return answers_otherwise(ref, syn) ||
	       (ref->ip_version && ref->ip_version != syn->ip_version) ||
	       (ref->ip_opt_len != SIG_ANY && ref->ip_opt_len != syn->ip_opt_len) ||
	       (ref->payload != 2 && ref->payload != (syn->payload_len ? 1 : 0)) ||
	       (ref->bad_ttl && ref->initial_ttl < syn->ttl);
}

static enum fit ref_fit(const struct ref *ref, const struct syn *syn)
{
	uint32_t differ;
	bool ttl_fits;

	if (ref_rules_out(ref, syn))
		return FIT_NOT;
	differ = quirks_differ(ref->quirks, ref->ip_version, syn);
	ttl_fits = ref->bad_ttl ||
		   (ref->initial_ttl >= syn->ttl && ref->initial_ttl - syn->ttl <= MATCH_DIST_MAX);
	if (differ & ~(uint32_t)QUIRKS_SETTING || !ttl_fits)
		return FIT_NOT;
	return differ ? FIT_SETTING : FIT_WHOLE;
}

/* Better: its condition held; it is specific; it fits strictly; it comes first in the text. */
static bool hit_is_better(const struct hit *a, const struct hit *b)
{
	if (a->condition != b->condition)
		return a->condition;
	if (a->ref->generic != b->ref->generic)
		return b->ref->generic;
	return a->fit > b->fit || (a->fit == b->fit && a->ref->entry < b->ref->entry);
}

static void keep_hit(struct hits *hits, const struct hit *hit)
{
	struct hit *kept = &hits->list[hits->count];

	if (hits->count == HITS_MAX)
		return;
	*kept = *hit;
	hits->count++;
	if (!hits->best || hit_is_better(kept, hits->best))
		hits->best = kept;
}

static const struct node *find_whole(struct question *question, const struct form *form,
				     uint64_t layout)
{
	const struct syn *syn = question->syn;
	uint16_t win, value;
	struct key key;

	if (!condition_holds(question->index, syn, (enum sig_when)form->when, &value) ||
	    !question_window(question, form, &win))
		return NULL;
	key = key_make(LEVEL_WHOLE, layout, form->has_mss ? syn->mss : SIG_ANY,
		       (enum sig_win_kind)form->win_kind, win,
		       form->has_wscale ? syn->wscale : SIG_ANY);
	return find_node(question->index, key_with_when(key, form->when, value));
}

/* A rated whole signature of a fixed window is enough: the rest would say the same less exactly. */
static bool try_form(struct question *question, const struct form *form, uint64_t layout,
		     struct hits *hits)
{
	const struct node *node = find_whole(question, form, layout);
	bool enough = false;

	for (uint32_t i = 0; node && i < node->ref_count; i++) {
		const struct ref *ref = &question->index->refs[node->refs + i];
		enum fit fit = ref_fit(ref, question->syn);

		if (fit == FIT_NOT)
			continue;
		keep_hit(hits, &(struct hit){.ref = ref,
					     .node = node,
					     .fit = (uint8_t)fit,
					     .condition = form->when != SIG_WHEN_ALWAYS});
		enough = enough || (fit == FIT_WHOLE && ref->rated && !ref->generic &&
				    form->win_kind == SIG_WIN_VALUE && form->has_wscale);
	}
	return enough;
}

static void try_forms(struct question *question, const struct layout *layout, struct hits *hits)
{
	uint64_t number = (uint64_t)(layout - question->index->layouts);

	for (uint32_t i = 0; i < layout->form_count; i++)
		if (try_form(question, &question->index->forms[layout->forms + i], number, hits))
			return;
}

void hits_find(struct question *question, struct hits *ret_hits)
{
	const struct index *index = question->index;
	struct hits *hits = ret_hits;

	hits->count = 0;
	hits->best = NULL;
	if (question->layout)
		try_forms(question, question->layout, hits);
	if (index->any_layout != NONE)
		try_forms(question, &index->layouts[index->any_layout], hits);
}
