/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SYN against the database. Whole signatures first; without one, what is known about the
 * layout, scale and window; without the layout, about the options that are left when padding
 * and timestamps do not count. Whatever the path changed is named and moves the answer towards
 * the prior, so it lowers confidence but never speaks for somebody else.
 */
#include "core/match/match_impl.h"
#include "core/sig/sigdb_find.h"

/* A hop count that p0f still takes for the path's; and what hardly any path has. */
#define DIST_MAX 35
#define DIST_FAR 30

/* What devices on the path are known to change; DESIGN.md, section 3. */
#define QUIRKS_PATH (QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO | QUIRK_ECN | QUIRK_FLOW)

enum fit { FIT_NOT, FIT_FUZZY, FIT_SETTING, FIT_WHOLE };

/* ---- keys of what was observed ---- */

static void lookup_factor(struct lookup *lookup)
{
	const struct syn *syn = lookup->syn;

	lookup->factor = sig_win_factor(syn, &lookup->factor_kind);
	lookup->mss_max = syn->mss && 65535u / syn->mss * syn->mss == syn->win;
	lookup->has_factor = true;
}

/* The window in the form that a key wants; false: this SYN's window has no such form. */
bool lookup_window(struct lookup *lookup, const struct form *form, uint16_t *ret_win)
{
	enum sig_win_kind kind = (enum sig_win_kind)form->win_kind;

	if (!lookup->has_factor && kind >= SIG_WIN_MSS)
		lookup_factor(lookup);
	switch (kind) {
	case SIG_WIN_ANY: *ret_win = 0; return true;
	case SIG_WIN_VALUE: *ret_win = lookup->syn->win; return true;
	case SIG_WIN_MOD: *ret_win = form->modulus; return lookup->syn->win % form->modulus == 0;
	case SIG_WIN_MSS:
	case SIG_WIN_MTU:
		*ret_win = (uint16_t)lookup->factor;
		return lookup->factor && lookup->factor_kind == kind;
	case SIG_WIN_MSS_MAX: *ret_win = 0; return lookup->mss_max;
	}
	return false;
}

static uint32_t dst_v4(const struct syn *syn)
{
	const uint8_t *bytes = &syn->dst.bytes[12];

	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

bool seq_is_dst(const struct syn *syn)
{
	return syn->ip_version == 4 && syn->seq == dst_v4(syn);
}

/* The value that a key's condition compares; false: the condition does not hold. */
static bool condition_holds(const struct lookup *lookup, uint8_t when, uint16_t *ret_value)
{
	const struct syn *syn = lookup->syn;

	*ret_value = 0;
	if (when == SIG_WHEN_ALWAYS)
		return true;
	if (syn->ip_version != 4)
		return false;
	switch ((enum sig_when)when) {
	case SIG_WHEN_ALWAYS: break;
	case SIG_WHEN_IP_ID:
		*ret_value = syn->ip_id;
		return lookup->index->ip_ids & ip_id_bit(syn->ip_id);
	case SIG_WHEN_SEQ_IS_DST: return syn->seq == dst_v4(syn);
	case SIG_WHEN_ID_IS_MIX:
		return syn->ip_id == (uint16_t)(dst_v4(syn) ^ syn->dst_port ^ syn->seq);
	}
	return true;
}

bool condition_may_hold(const struct index *index, const struct syn *syn)
{
	return syn->ip_version == 4 &&
	       (index->ip_ids & ip_id_bit(syn->ip_id) || syn->seq == dst_v4(syn) ||
		syn->ip_id == (uint16_t)(dst_v4(syn) ^ syn->dst_port ^ syn->seq));
}

static const struct node *find_whole(struct lookup *lookup, const struct form *form,
				     uint64_t layout)
{
	const struct syn *syn = lookup->syn;
	uint16_t win, value;
	struct key key;

	if (!condition_holds(lookup, form->when, &value) || !lookup_window(lookup, form, &win))
		return NULL;
	key = key_make(LEVEL_WHOLE, layout, form->has_mss ? syn->mss : SIG_ANY,
		       (enum sig_win_kind)form->win_kind, win,
		       form->has_wscale ? syn->wscale : SIG_ANY);
	return find_node(lookup->index, key_with_when(key, form->when, value));
}

const struct node *lookup_shape(struct lookup *lookup, enum level level, const struct form *form,
				uint64_t what)
{
	uint32_t wscale =
		level == LEVEL_WINDOW || !form->has_wscale ? SIG_ANY : lookup->syn->wscale;
	uint16_t win;

	if (!lookup_window(lookup, form, &win))
		return NULL;
	return find_node(lookup->index, key_make(level, what, SIG_ANY,
						 (enum sig_win_kind)form->win_kind, win, wscale));
}

/* ---- whole signatures ---- */

static enum fit ref_fit(const struct ref *ref, const struct syn *syn)
{
	uint32_t differ;
	bool ttl_fits;

	if (ref->ip_version && ref->ip_version != syn->ip_version)
		return FIT_NOT;
	if (ref->ip_opt_len != SIG_ANY && ref->ip_opt_len != syn->ip_opt_len)
		return FIT_NOT;
	if (ref->payload != 2 && ref->payload != (syn->payload_len ? 1 : 0))
		return FIT_NOT;
	differ = ref->quirks == SIG_ANY
			 ? 0
			 : syn->quirks ^ (ref->ip_version
						  ? ref->quirks
						  : sig_quirks_seen(ref->quirks, syn->ip_version));
	if (!ref->ip_version && syn->ip_version == 6)
		differ &= ~(uint32_t)(QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO);
	if (ref->bad_ttl && ref->initial_ttl < syn->ttl)
		return FIT_NOT;
	ttl_fits = ref->bad_ttl ||
		   (ref->initial_ttl >= syn->ttl && ref->initial_ttl - syn->ttl <= DIST_MAX);
	if (!differ && ttl_fits)
		return FIT_WHOLE;
	if (differ & ~(uint32_t)QUIRKS_PATH)
		return FIT_NOT;
	return differ & ~(uint32_t)QUIRKS_SETTING || !ttl_fits ? FIT_FUZZY : FIT_SETTING;
}

static void keep_hit(struct lookup *lookup, struct hit hit)
{
	if (lookup->hit_count < HITS_MAX)
		lookup->hits[lookup->hit_count++] = hit;
}

/* A rated whole signature of a fixed window is enough: the rest would say the same less exactly. */
static bool try_form(struct lookup *lookup, const struct form *form, uint64_t layout)
{
	const struct node *node = find_whole(lookup, form, layout);
	bool enough = false;

	for (uint32_t i = 0; node && i < node->ref_count; i++) {
		const struct ref *ref = &lookup->index->refs[node->refs + i];
		enum fit fit = ref_fit(ref, lookup->syn);

		if (fit < FIT_SETTING)
			continue;
		keep_hit(lookup, (struct hit){.ref = ref,
					      .node = node,
					      .fit = (uint8_t)fit,
					      .condition = form->when != SIG_WHEN_ALWAYS});
		enough = enough || (fit == FIT_WHOLE && ref->rated && !ref->generic &&
				    form->win_kind == SIG_WIN_VALUE && form->has_wscale);
	}
	return enough;
}

static void try_forms(struct lookup *lookup, uint32_t layout)
{
	const struct layout *record = &lookup->index->layouts[layout];

	for (uint32_t i = 0; i < record->form_count; i++)
		if (try_form(lookup, &lookup->index->forms[record->forms + i], layout))
			return;
}

/* Better: its condition held; it fits strictly; it is specific; it comes first in the text. */
static bool hit_is_better(const struct hit *a, const struct hit *b)
{
	if (a->condition != b->condition)
		return a->condition;
	if (a->ref->generic != b->ref->generic)
		return b->ref->generic;
	if (a->fit != b->fit)
		return a->fit > b->fit;
	return a->ref->entry < b->ref->entry;
}

static bool hit_counts(const struct hit *hit, const struct hit *best)
{
	return hit == best ||
	       (best->ref->rated && hit->ref->rated && hit->fit == best->fit &&
		hit->condition == best->condition && hit->ref->generic == best->ref->generic);
}

static void believe_hits(struct lookup *lookup, const struct hit *best)
{
	float total = 0;

	for (unsigned i = 0; i < lookup->hit_count; i++)
		if (hit_counts(&lookup->hits[i], best))
			total += lookup->index->leaves[lookup->hits[i].ref->leaf].count;
	for (unsigned i = 0; i < lookup->hit_count; i++) {
		const struct belief *leaf = &lookup->index->leaves[lookup->hits[i].ref->leaf];

		if (hit_counts(&lookup->hits[i], best))
			lookup_believe(lookup, leaf, leaf->count / total);
	}
	lookup->candidates = lookup->index->leaves[best->ref->leaf].best;
	lookup_trace_chain(lookup, best->node);
	lookup_trace(lookup, "signature");
}

static bool find_whole_match(struct lookup *lookup)
{
	const struct hit *best = NULL;

	if (lookup->layout)
		try_forms(lookup, (uint32_t)(lookup->layout - lookup->index->layouts));
	if (lookup->index->any_layout != NONE)
		try_forms(lookup, lookup->index->any_layout);
	for (unsigned i = 0; i < lookup->hit_count; i++)
		if (!best || hit_is_better(&lookup->hits[i], best))
			best = &lookup->hits[i];
	if (!best)
		return false;
	lookup->best_hit = best;
	if (best->ref->generic && best->ref->rated && lookup->layout &&
	    lookup->layout->node != NONE)
		lookup_believe_generic(lookup, best);
	else
		believe_hits(lookup, best);
	lookup->kind = best->ref->generic ? MATCH_GENERIC : MATCH_SPECIFIC;
	return true;
}

void lookup_run(struct lookup *lookup)
{
	const struct syn *syn = lookup->syn;
	uint64_t words[LAYOUT_WORDS];

	layout_words(syn->opt_kinds, syn->opt_count, words);
	lookup->layout = find_layout(lookup->index, words, syn->opt_count, syn->opt_eol_pad);
	if (find_whole_match(lookup))
		lookup_judge_whole(lookup);
	else if (lookup->layout && lookup->layout->node != NONE)
		lookup_shape_match(lookup);
	else
		lookup_skeleton_match(lookup);
}

void match_syn(const struct sigdb *db, const struct syn *syn, struct match *ret_match)
{
	struct lookup lookup;

	lookup_init(&lookup, db, syn);
	lookup_run(&lookup);
	lookup_finish(&lookup, ret_match);
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
