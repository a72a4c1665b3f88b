/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the question to an opinion. Whole signatures first; without one, what is known about the
 * layout, scale and window; without the layout, about the options that are left when padding and
 * timestamps do not count. The closest signature tells in what the SYN differs, and each
 * difference is a reason: one that the path explains costs confidence and never speaks for
 * somebody else, one that it does not is a contradiction.
 */
#include "core/match/match_believe.h"

#include <string.h>
#include <math.h>
#include <sys/param.h>

#include "core/match/match_score.h"
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

/* ---- differences to a signature ---- */

static void judge_ttl(struct opinion *opinion, const struct syn *syn, const struct sig *sig)
{
	int hops = sig->initial_ttl - syn->ttl;
	bool is_below = hops >= 0;

	if (is_below && (sig->bad_ttl || hops <= MATCH_DIST_FAR))
		return;
	if ((is_below && hops <= MATCH_DIST_LONGEST) ||
	    sig_initial_ttl(syn->ttl) == sig->initial_ttl) {
		opinion_doubt(opinion, REASON_TTL_FAR);
		return;
	}
	opinion_doubt(opinion, REASON_TTL_OTHER);
	opinion_contradict(opinion, CONTRADICTION_TTL);
}

static void judge_quirks(struct opinion *opinion, const struct syn *syn, const struct sig *sig)
{
	uint32_t differ = quirks_differ(sig->quirks, sig->ip_version, syn);
	uint32_t added = differ & syn->quirks;

	if (differ & QUIRK_DF)
		opinion_doubt(opinion, REASON_DF_CHANGED);
	else if (differ & (QUIRK_ID_NONZERO | QUIRK_ID_ZERO))
		opinion_doubt(opinion, REASON_ID_CHANGED);
	if (differ & QUIRKS_ECN)
		opinion_doubt(opinion, REASON_ECN_CHANGED);
	for (unsigned i = 0; i < sizeof(oddities) / sizeof(oddities[0]); i++)
		if (added & oddities[i].quirk)
			opinion_contradict(opinion, oddities[i].weight);
	if (differ & ~(uint32_t)QUIRKS_PATH)
		opinion_doubt(opinion, REASON_CONTRADICTION);
}

/* The candidate with the best score: what the SYN is compared with in words. */
static const struct sig *closest(struct question *question, const struct opinion *opinion)
{
	const struct entry *entries = opinion->db->entries;
	const struct sig *best = NULL;
	float best_score = -INFINITY;

	for (unsigned i = 0; i < CLOSEST_MAX && opinion->candidates[i] != NONE; i++) {
		const struct sig *sig = &entries[opinion->candidates[i]].sig;
		float score = score_sig(question, sig);

		if (score > best_score) {
			best_score = score;
			best = sig;
		}
	}
	return best;
}

/* ---- nodes ---- */

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

static uint64_t layout_number(const struct question *question)
{
	return (uint64_t)(question->layout - question->index->layouts);
}

static void find_nodes(struct question *question, enum level level, struct found *found)
{
	const struct layout *layout = question->layout;

	for (uint32_t i = 0; i < layout->shape_count; i++) {
		const struct form *form = &question->index->forms[layout->shapes + i];

		if (level == LEVEL_WINDOW || form->has_wscale)
			keep_node(found,
				  question_find(question, level, form, layout_number(question)));
	}
}

static const struct node *strongest(const struct found *found)
{
	const struct node *best = NULL;

	for (unsigned i = 0; i < found->count; i++)
		if (!best || found->nodes[i]->belief.count > best->belief.count)
			best = found->nodes[i];
	return best;
}

/* Nodes that speak of the same fields count by the SYNs behind them. */
static void believe_nodes(struct opinion *opinion, const struct found *found, float weight)
{
	for (unsigned i = 0; i < found->count; i++) {
		const struct belief *belief = &found->nodes[i]->belief;

		opinion_believe(opinion, belief, weight * belief->count / found->total);
	}
}

static void believe_found(struct opinion *opinion, const struct found *found, const char *name)
{
	const struct node *node = strongest(found);

	believe_nodes(opinion, found, 1);
	opinion_compare(opinion, node->belief.best);
	opinion_tell(opinion, node, name);
}

/* What is known of the window and scale, whatever the options; or NULL. */
static const struct node *find_window_scale(struct question *question)
{
	static const struct form form = {.win_kind = SIG_WIN_VALUE, .has_wscale = true};

	return question_find(question, LEVEL_WINDOW_SCALE, &form, 0);
}

/* P(what a node is about | class), but for a factor that is the same for all. */
static void belief_factors(const struct sigdb *db, const struct belief *belief,
			   float ret_factors[VOCAB_CLASSES_MAX])
{
	const struct prob *prob = &db->index->probs[belief->probs];

	VOCAB_EACH_CLASS (id)
		ret_factors[id] = belief->rest;
	for (uint32_t i = 0; i < belief->prob_count; i++, prob++)
		ret_factors[prob->class_id] += prob->extra / db->priors[prob->class_id];
}

/* Fields that are in no key, and the window and scale whatever the options, each for itself. */
static void weigh_fields(const struct question *question, struct opinion *opinion,
			 const struct node *windows)
{
	const struct syn *syn = question->syn;
	const float *ttl = question->index->ttl_share[ttl_slot_of(syn->ttl)];
	const float *df = question->index->df_share[(syn->quirks & QUIRK_DF) != 0];
	static const struct belief nothing = {.rest = 1};
	float likelihoods[VOCAB_CLASSES_MAX];

	belief_factors(opinion->db, windows ? &windows->belief : &nothing, likelihoods);
	VOCAB_EACH_CLASS (id)
		likelihoods[id] *= syn->ip_version == 4 ? ttl[id] * df[id] : ttl[id];
	opinion_weigh(opinion, likelihoods, "fields");
}

/* ---- the shape: layout, window and scale ---- */

/* How much of it is known. */
struct shape {
	bool whole; /* all three together; else these with the layout, each for itself: */
	bool window, scale;
	float count; /* SYNs behind it */
};

/* The window and scale may belong to classes that never send these options. */
static void judge_window(const struct question *question, struct opinion *opinion,
			 const struct node *node)
{
	float shared = 0;

	if (!node)
		return;
	for (uint32_t i = 0; i < node->belief.prob_count; i++) {
		const struct prob *prob = &question->index->probs[node->belief.probs + i];

		shared += MIN(opinion_extra(opinion, prob->class_id), prob->extra);
	}
	if (shared < CLASSES_IN_COMMON)
		opinion_contradict(opinion, CONTRADICTION_WINDOW);
}

static struct shape believe_parts(struct question *question, struct opinion *opinion)
{
	static const struct form scale_only = {.win_kind = SIG_WIN_ANY, .has_wscale = true};
	const struct node *layout = &question->index->nodes[question->layout->node];
	struct found windows = {.count = 0}, scales = {.count = 0};
	const uint32_t *candidates = layout->belief.best;
	float count = layout->belief.count;

	find_nodes(question, LEVEL_WINDOW, &windows);
	keep_node(&scales,
		  question_find(question, LEVEL_SCALE, &scale_only, layout_number(question)));
	if (!windows.count && !scales.count) {
		opinion_believe(opinion, &layout->belief, 1);
	} else {
		believe_nodes(opinion, &windows, scales.count ? 0.5f : 1);
		believe_nodes(opinion, &scales, windows.count ? 0.5f : 1);
		candidates = strongest(scales.count ? &scales : &windows)->belief.best;
		count = windows.total + scales.total;
	}
	opinion_compare(opinion, candidates);
	opinion_tell(opinion, layout, "window or scale");
	return (struct shape){.window = windows.count, .scale = scales.count, .count = count};
}

static struct shape believe_shape(struct question *question, struct opinion *opinion)
{
	struct found found = {.count = 0};
	const struct node *windows;
	struct shape shape;

	find_nodes(question, LEVEL_SHAPE, &found);
	if (found.count) {
		believe_found(opinion, &found, "window and scale");
		return (struct shape){.whole = true, .count = found.total};
	}
	shape = believe_parts(question, opinion);
	windows = find_window_scale(question);
	judge_window(question, opinion, windows);
	weigh_fields(question, opinion, windows);
	return shape;
}

static void match_shape(struct question *question, struct opinion *opinion)
{
	struct shape shape = believe_shape(question, opinion);
	const struct sig *sig;

	if (!shape.whole && !shape.window)
		opinion_doubt(opinion, REASON_WIN_CHANGED);
	if (!shape.whole && (!shape.scale || shape.window))
		opinion_doubt(opinion, REASON_WSCALE_CHANGED);
	sig = closest(question, opinion);
	judge_ttl(opinion, question->syn, sig);
	judge_quirks(opinion, question->syn, sig);
	opinion_doubt_kind(opinion, shape.whole ? SIGDB_SPECIFIC : SIGDB_FUZZY);
}

/* ---- whole signatures ---- */

/* Those that are as good as the best one speak with it. */
static bool hit_counts(const struct hit *hit, const struct hit *best)
{
	return hit == best ||
	       (best->ref->rated && hit->ref->rated && hit->fit == best->fit &&
		hit->condition == best->condition && hit->ref->generic == best->ref->generic);
}

static void believe_hits(const struct hits *hits, struct opinion *opinion)
{
	const struct belief *leaves = opinion->db->index->leaves;
	const struct hit *best = hits->best;
	float total = 0;

	for (unsigned i = 0; i < hits->count; i++)
		if (hit_counts(&hits->list[i], best))
			total += leaves[hits->list[i].ref->leaf].count;
	for (unsigned i = 0; i < hits->count; i++) {
		const struct belief *leaf = &leaves[hits->list[i].ref->leaf];

		if (hit_counts(&hits->list[i], best))
			opinion_believe(opinion, leaf, leaf->count / total);
	}
	opinion_compare(opinion, leaves[best->ref->leaf].best);
	opinion_tell(opinion, best->node, "signature");
}

/* A signature with wildcards: it, and what the fields say that it leaves open. */
static void believe_generic(struct question *question, const struct hits *hits,
			    struct opinion *opinion)
{
	const struct belief *leaf = &question->index->leaves[hits->best->ref->leaf];
	float count = believe_shape(question, opinion).count;
	float share = count / (count + leaf->count);

	opinion_make_room(opinion, share);
	opinion_believe(opinion, leaf, 1 - share);
	opinion_tell(opinion, NULL, "signature");
}

static void match_whole(struct question *question, const struct hits *hits, struct opinion *opinion)
{
	const struct ref *ref = hits->best->ref;
	const struct sig *sig = &opinion->db->entries[ref->entry].sig;
	const struct syn *syn = question->syn;

	if (ref->generic && ref->rated && question->layout && question->layout->node != NONE)
		believe_generic(question, hits, opinion);
	else
		believe_hits(hits, opinion);
	if (!sig->bad_ttl && sig->initial_ttl - syn->ttl > MATCH_DIST_FAR)
		opinion_doubt(opinion, REASON_TTL_FAR);
	if (quirks_differ(sig->quirks, sig->ip_version, syn) & QUIRKS_ECN)
		opinion_doubt(opinion, REASON_ECN_CHANGED);
	if (!opinion->db->entries[ref->entry].tool)
		opinion_doubt_kind(opinion, ref->generic ? SIGDB_GENERIC : SIGDB_SPECIFIC);
	else if (ref->generic)
		opinion_doubt_tool(opinion);
}

/* ---- skeletons: options that were changed on the way ---- */

static bool has_timestamps(const uint8_t *kinds, unsigned count)
{
	return memchr(kinds, SYN_OPT_TS, count);
}

static void find_shapes(struct question *question, enum level level, uint64_t what,
			struct found *found)
{
	static const struct form forms[] = {
		{.win_kind = SIG_WIN_VALUE, .has_wscale = true},
		{.win_kind = SIG_WIN_MSS, .has_wscale = true},
		{.win_kind = SIG_WIN_MSS_MAX, .has_wscale = true},
	};

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		keep_node(found, question_find(question, level, &forms[i], what));
}

static void find_alone(struct question *question, enum level level, uint64_t what,
		       struct found *found)
{
	keep_node(found, find_node(question->index,
				   key_make(level, what, SIG_ANY, SIG_WIN_ANY, 0, SIG_ANY)));
}

/* Return: false where the window and scale are not known along with these options. */
static bool find_skeletons(struct question *question, struct found *found)
{
	const struct syn *syn = question->syn;
	struct skeleton skeleton = skeleton_of(syn->opt_kinds, syn->opt_count);

	find_shapes(question, LEVEL_ORDER_SHAPE, skeleton.order, found);
	if (found->count)
		return true;
	find_shapes(question, LEVEL_STRIPPED_SHAPE, skeleton.stripped, found);
	find_shapes(question, LEVEL_SET_SHAPE, skeleton.set, found);
	if (found->count)
		return true;
	find_alone(question, LEVEL_ORDER, skeleton.order, found);
	if (!found->count)
		find_alone(question, LEVEL_STRIPPED, skeleton.stripped, found);
	return false;
}

static void match_skeleton(struct question *question, struct opinion *opinion)
{
	const struct syn *syn = question->syn;
	struct found found = {.count = 0};
	bool has_shape = find_skeletons(question, &found);
	const struct sig *sig;

	if (!found.count)
		return;
	believe_found(opinion, &found, "options");
	weigh_fields(question, opinion, has_shape ? NULL : find_window_scale(question));
	sig = closest(question, opinion);
	if (has_timestamps(sig->opt_kinds, sig->opt_count) &&
	    !has_timestamps(syn->opt_kinds, syn->opt_count))
		opinion_doubt(opinion, REASON_TS_STRIPPED);
	opinion_doubt(opinion, REASON_OPTS_CHANGED);
	if (!has_shape) {
		opinion_doubt(opinion, REASON_WIN_CHANGED);
		opinion_doubt(opinion, REASON_WSCALE_CHANGED);
	}
	judge_ttl(opinion, syn, sig);
	judge_quirks(opinion, syn, sig);
	opinion_doubt_kind(opinion, SIGDB_FUZZY);
}

void comparison_run(struct comparison *ret_comparison, const struct sigdb *db,
		    const struct syn *syn, struct tracer *tracer)
{
	struct question *question = &ret_comparison->question;
	struct opinion *opinion = &ret_comparison->opinion;
	struct hits *hits = &ret_comparison->hits;

	question_init(question, db->index, syn);
	opinion_init(opinion, db, tracer);
	hits_find(question, hits);
	if (hits->best)
		match_whole(question, hits, opinion);
	else if (question->layout && question->layout->node != NONE)
		match_shape(question, opinion);
	else
		match_skeleton(question, opinion);
}
