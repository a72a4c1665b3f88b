/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs that no signature fits whole. The levels below it are asked, the closest signature tells
 * in what the SYN differs, and each difference is a reason: one that the path explains costs
 * confidence, one that it does not is a contradiction.
 */
#include "core/match/match_impl.h"
#include "core/sig/sigdb_find.h"

#define NODES_MAX 8
#define CLOSEST_MAX 3 /* candidates, at most CANDIDATES_MAX, that a SYN is compared with */

/* How much a field that no path changes speaks for a hand-made packet. */
struct oddity {
	uint32_t quirk;
	float weight;
};

static const struct oddity oddities[] = {
	{QUIRK_TS_ECHO, 0.5f},      {QUIRK_ACK_NONZERO, 0.5f}, {QUIRK_URG_FLAG, 0.5f},
	{QUIRK_URG_PTR, 0.4f},      {QUIRK_PUSH, 0.5f},        {QUIRK_WSCALE_BIG, 0.6f},
	{QUIRK_SEQ_ZERO, 0.2f},     {QUIRK_RESERVED, 0.4f},    {QUIRK_TS_ZERO, 0.1f},
	{QUIRK_OPT_TRAILING, 0.3f}, {QUIRK_OPT_BAD, 0.5f},
};

/* A TTL of another system, and a window and scale of another family: by themselves ordinary
 * (gateways rewrite TTLs, administrators tune windows), together hardly ever. */
#define CONTRADICTION_TTL 0.45f
#define CONTRADICTION_WINDOW 0.65f

/* Where the classes of the options and those of the window and scale have less than this in
 * common, they belong to different systems. */
#define CLASSES_IN_COMMON 0.03f

static uint8_t hops_from(uint8_t initial_ttl, uint8_t ttl)
{
	return initial_ttl >= ttl ? (uint8_t)(initial_ttl - ttl) : 255;
}

static void judge_ttl(struct lookup *lookup, const struct sig *sig)
{
	uint8_t hops = hops_from(sig->initial_ttl, lookup->syn->ttl);

	if (hops <= MATCH_DIST_FAR || (sig->bad_ttl && hops <= sig->initial_ttl))
		return;
	if (hops <= MATCH_DIST_LONGEST || sig_initial_ttl(lookup->syn->ttl) == sig->initial_ttl) {
		lookup_doubt(lookup, REASON_TTL_FAR);
		return;
	}
	lookup_doubt(lookup, REASON_TTL_OTHER);
	lookup_contradict(lookup, CONTRADICTION_TTL);
}

static void judge_quirks(struct lookup *lookup, const struct sig *sig)
{
	uint32_t differ = quirks_differ(sig->quirks, sig->ip_version, lookup->syn);
	uint32_t added = differ & lookup->syn->quirks;

	if (differ & QUIRK_DF)
		lookup_doubt(lookup, REASON_DF_CHANGED);
	else if (differ & (QUIRK_ID_NONZERO | QUIRK_ID_ZERO))
		lookup_doubt(lookup, REASON_ID_CHANGED);
	if (differ & QUIRK_ECN)
		lookup_doubt(lookup, REASON_ECN_CHANGED);
	for (unsigned i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++)
		if (added & oddities[i].quirk)
			lookup_contradict(lookup, oddities[i].weight);
	if (differ & ~(uint32_t)QUIRKS_PATH)
		lookup_doubt(lookup, REASON_CONTRADICTION);
}

/* The candidate with the best score: what the SYN is compared with in words. */
static const struct sig *closest(struct lookup *lookup)
{
	const struct entry *entries = lookup->db->entries;
	const struct sig *best = &entries[lookup->candidates[0]].sig;
	float best_score = score_sig(lookup, best);

	for (unsigned i = 1; i < CLOSEST_MAX && lookup->candidates[i] != NONE; i++) {
		const struct sig *sig = &entries[lookup->candidates[i]].sig;
		float score = score_sig(lookup, sig);

		if (score > best_score) {
			best_score = score;
			best = sig;
		}
	}
	return best;
}

void lookup_judge_whole(struct lookup *lookup)
{
	const struct sig *sig = &lookup->db->entries[lookup->best_hit->ref->entry].sig;

	if (!sig->bad_ttl && hops_from(sig->initial_ttl, lookup->syn->ttl) > MATCH_DIST_FAR)
		lookup_doubt(lookup, REASON_TTL_FAR);
	if (quirks_differ(sig->quirks, sig->ip_version, lookup->syn) & QUIRK_ECN)
		lookup_doubt(lookup, REASON_ECN_CHANGED);
}

struct found {
	const struct node *nodes[NODES_MAX];
	unsigned count;
	float total;
};

static void keep_node(struct found *found, const struct node *node)
{
	for (unsigned i = 0; i < found->count; i++)
		if (found->nodes[i] == node)
			return;
	if (!node || found->count == NODES_MAX)
		return;
	found->nodes[found->count++] = node;
	found->total += node->belief.count;
}

static void find_nodes(struct lookup *lookup, enum level level, struct found *found)
{
	const struct layout *layout = lookup->layout;
	uint64_t what = (uint64_t)(layout - lookup->index->layouts);

	for (uint32_t i = 0; i < layout->shape_count; i++) {
		const struct form *form = &lookup->index->forms[layout->shapes + i];

		if (level == LEVEL_WINDOW || form->has_wscale)
			keep_node(found, lookup_shape(lookup, level, form, what));
	}
}

/* Nodes that speak of the same fields count by the SYNs behind them. */
static void believe_nodes(struct lookup *lookup, const struct found *found, float weight)
{
	for (unsigned i = 0; i < found->count; i++) {
		const struct belief *belief = &found->nodes[i]->belief;

		lookup_believe(lookup, belief, weight * belief->count / found->total);
	}
}

static const struct node *strongest(const struct found *found)
{
	const struct node *best = found->nodes[0];

	for (unsigned i = 1; i < found->count; i++)
		if (found->nodes[i]->belief.count > best->belief.count)
			best = found->nodes[i];
	return best;
}

/* The window and scale may belong to classes that never send these options. */
static void judge_window(struct lookup *lookup)
{
	static const struct form form = {.win_kind = SIG_WIN_VALUE, .has_wscale = true};
	const struct node *node = lookup_shape(lookup, LEVEL_WINDOW_SCALE, &form, 0);
	float shared = 0, own;

	if (!node)
		return;
	for (uint32_t i = 0; i < node->belief.prob_count; i++) {
		const struct prob *prob = &lookup->index->probs[node->belief.probs + i];

		own = lookup->classes >> prob->class_id & 1 ? lookup->extras[prob->class_id] : 0;
		shared += own < prob->extra ? own : prob->extra;
	}
	if (shared < CLASSES_IN_COMMON)
		lookup_contradict(lookup, CONTRADICTION_WINDOW);
}

/* Whether window and scale are known with this layout, each for itself. */
struct parts {
	bool window, scale;
};

static struct parts believe_parts(struct lookup *lookup)
{
	const struct belief *layout = &lookup->index->nodes[lookup->layout->node].belief;
	static const struct form scale_only = {.win_kind = SIG_WIN_ANY, .has_wscale = true};
	uint64_t what = (uint64_t)(lookup->layout - lookup->index->layouts);
	struct found windows = {.count = 0}, scales = {.count = 0};

	find_nodes(lookup, LEVEL_WINDOW, &windows);
	keep_node(&scales, lookup_shape(lookup, LEVEL_SCALE, &scale_only, what));
	lookup->candidates = layout->best;
	if (!windows.count && !scales.count) {
		lookup_believe(lookup, layout, 1);
	} else {
		believe_nodes(lookup, &windows, scales.count ? 0.5f : 1);
		believe_nodes(lookup, &scales, windows.count ? 0.5f : 1);
		lookup->candidates = strongest(scales.count ? &scales : &windows)->belief.best;
	}
	lookup_trace_chain(lookup, &lookup->index->nodes[lookup->layout->node]);
	lookup->shape_count = windows.total + scales.total;
	if (!windows.count && !scales.count)
		lookup->shape_count = layout->count;
	lookup_trace(lookup, "window or scale");
	return (struct parts){.window = windows.count > 0, .scale = scales.count > 0};
}

/* What is known of layout, window and scale. Return: whether of all three together. */
static bool believe_shape(struct lookup *lookup, struct parts *ret_parts)
{
	struct found found = {.count = 0};

	find_nodes(lookup, LEVEL_SHAPE, &found);
	if (!found.count) {
		*ret_parts = believe_parts(lookup);
		return false;
	}
	believe_nodes(lookup, &found, 1);
	lookup->shape_count = found.total;
	lookup->candidates = strongest(&found)->belief.best;
	lookup_trace_chain(lookup, strongest(&found));
	lookup_trace(lookup, "window and scale");
	return true;
}

void lookup_believe_generic(struct lookup *lookup, const struct hit *hit)
{
	const struct belief *leaf = &lookup->index->leaves[hit->ref->leaf];
	struct parts parts;
	float share;

	if (!believe_shape(lookup, &parts))
		judge_window(lookup);
	share = lookup->shape_count / (lookup->shape_count + leaf->count);
	lookup_scale_belief(lookup, share);
	lookup_believe(lookup, leaf, 1 - share);
	lookup_trace(lookup, "signature");
}

void lookup_shape_match(struct lookup *lookup)
{
	const struct sig *sig;
	struct parts parts;

	lookup->kind = MATCH_FUZZY;
	if (!believe_shape(lookup, &parts)) {
		judge_window(lookup);
		if (!parts.window)
			lookup_doubt(lookup, REASON_WIN_CHANGED);
		if (!parts.scale || parts.window)
			lookup_doubt(lookup, REASON_WSCALE_CHANGED);
	}
	sig = closest(lookup);
	judge_ttl(lookup, sig);
	judge_quirks(lookup, sig);
}

static bool has_timestamps(const uint8_t *kinds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (kinds[i] == SYN_OPT_TS)
			return true;
	return false;
}

static void find_shapes(struct lookup *lookup, enum level level, uint64_t what, struct found *found)
{
	static const struct form forms[] = {
		{.win_kind = SIG_WIN_VALUE, .has_wscale = true},
		{.win_kind = SIG_WIN_MSS, .has_wscale = true},
		{.win_kind = SIG_WIN_MSS_MAX, .has_wscale = true},
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		keep_node(found, lookup_shape(lookup, level, &forms[i], what));
}

static void find_alone(struct lookup *lookup, enum level level, uint64_t what, struct found *found)
{
	keep_node(found, find_node(lookup->index,
				   key_make(level, what, SIG_ANY, SIG_WIN_ANY, 0, SIG_ANY)));
}

/* Return: false where the window and scale are not known along with these options. */
static bool find_skeletons(struct lookup *lookup, struct found *found)
{
	const struct syn *syn = lookup->syn;
	struct skeleton skeleton = skeleton_of(syn->opt_kinds, syn->opt_count);

	find_shapes(lookup, LEVEL_ORDER_SHAPE, skeleton.order, found);
	if (found->count)
		return true;
	find_shapes(lookup, LEVEL_STRIPPED_SHAPE, skeleton.stripped, found);
	find_shapes(lookup, LEVEL_SET_SHAPE, skeleton.set, found);
	if (found->count)
		return true;
	find_alone(lookup, LEVEL_ORDER, skeleton.order, found);
	if (!found->count)
		find_alone(lookup, LEVEL_STRIPPED, skeleton.stripped, found);
	return false;
}

void lookup_skeleton_match(struct lookup *lookup)
{
	const struct syn *syn = lookup->syn;
	struct found found = {.count = 0};
	const struct sig *sig;
	bool has_shape;

	lookup->kind = MATCH_NONE;
	has_shape = find_skeletons(lookup, &found);
	if (!found.count)
		return;
	lookup->kind = MATCH_FUZZY;
	believe_nodes(lookup, &found, 1);
	lookup->candidates = strongest(&found)->belief.best;
	lookup_trace_chain(lookup, strongest(&found));
	lookup_trace(lookup, "options");
	lookup_weigh_ttl(lookup);
	sig = closest(lookup);
	if (has_timestamps(sig->opt_kinds, sig->opt_count) &&
	    !has_timestamps(syn->opt_kinds, syn->opt_count))
		lookup_doubt(lookup, REASON_TS_STRIPPED);
	lookup_doubt(lookup, REASON_OPTS_CHANGED);
	if (!has_shape) {
		lookup_doubt(lookup, REASON_WIN_CHANGED);
		lookup_doubt(lookup, REASON_WSCALE_CHANGED);
	}
	judge_ttl(lookup, sig);
	judge_quirks(lookup, sig);
}
