/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts to probabilities. A node believes what its parent believes, moved by its own counts
 * as if the parent were STRENGTH more SYNs (a Dirichlet prior at each level). The last parent
 * is the prior over classes.
 */
#include "core/sig/sigdb_build.h"

#include <stdlib.h>
#include <string.h>

/* How often a class sends a signature of which the text does not say it, in 1/1000. */
#define PERMILLE_SPECIFIC 20.0f
#define PERMILLE_GENERIC 5.0f

/* What a class has beyond the prior is dropped below this, so that lists stay short. */
#define EXTRA_MIN 0.001f
#define EXTRAS_MAX 12

/* In a class, one SYN in eleven has an initial TTL or a DF bit that its signatures do not name:
 * tunnels, VPN gateways and mobile networks rewrite them. */
#define REWRITTEN_SHARE 0.09f

/* SYNs that the parent is worth; from leaving out shapes of stack_facts.csv in turn. */
static const float strengths[LEVEL_COUNT] = {
	[LEVEL_WHOLE] = 3,          [LEVEL_SHAPE] = 5,         [LEVEL_SCALE] = 2,
	[LEVEL_WINDOW] = 2,         [LEVEL_LAYOUT] = 1,        [LEVEL_ORDER_SHAPE] = 4,
	[LEVEL_STRIPPED_SHAPE] = 4, [LEVEL_SET_SHAPE] = 6,     [LEVEL_ORDER] = 6,
	[LEVEL_STRIPPED] = 6,       [LEVEL_WINDOW_SCALE] = 10,
};

/* What stands for itself alone has no parent; the prior counts little against a tool's or a
 * condition's exact signature. */
#define STRENGTH_ALONE 0.05f

/* Parents first. */
static const enum level order[] = {
	LEVEL_ORDER,       LEVEL_STRIPPED,       LEVEL_WINDOW_SCALE, LEVEL_SET_SHAPE,
	LEVEL_ORDER_SHAPE, LEVEL_STRIPPED_SHAPE, LEVEL_LAYOUT,       LEVEL_WINDOW,
	LEVEL_SCALE,       LEVEL_SHAPE,
};

float entry_count(const struct build *build, const struct entry *entry)
{
	float permille = entry->permille  ? entry->permille
			 : entry->generic ? PERMILLE_GENERIC
					  : PERMILLE_SPECIFIC;

	return permille * COUNT_PER_PERMILLE * build->db->priors[entry->class_id] *
	       build->weight_scale;
}

void belief_clear(struct belief *belief)
{
	memset(belief, 0, sizeof(*belief));
	memset(belief->best, 0xff, sizeof(belief->best)); /* NONE */
}

/* Keep the most common entries, one for each label; ties go to the earlier one. */
static void keep_best(const struct build *build, struct belief *belief, uint32_t entry)
{
	const struct entry *entries = build->db->entries;
	float count = entry_count(build, &entries[entry]);
	unsigned at = 0, end;

	while (at < CANDIDATES_MAX && belief->best[at] != NONE &&
	       entry_count(build, &entries[belief->best[at]]) >= count) {
		if (entries[belief->best[at]].label == entries[entry].label)
			return;
		at++;
	}
	if (at == CANDIDATES_MAX)
		return;
	for (end = at; end < CANDIDATES_MAX - 1 && belief->best[end] != NONE; end++)
		if (entries[belief->best[end]].label == entries[entry].label)
			break;
	memmove(&belief->best[at + 1], &belief->best[at], (end - at) * sizeof(uint32_t));
	belief->best[at] = entry;
}

void belief_count(struct build *build, struct belief *belief, uint32_t *cells, uint32_t entry,
		  float count)
{
	uint32_t class_id = build->db->entries[entry].class_id;
	struct cell *cell;

	keep_best(build, belief, entry);
	belief->count += count;
	for (uint32_t at = *cells; at != NONE; at = cell->next) {
		cell = &build->cells[at];
		if (cell->class_id == class_id) {
			cell->count += count;
			return;
		}
	}
	if (!build_grow(build, (void **)&build->cells, build->cell_count, &build->cell_room,
			sizeof(*cell)))
		return;
	cell = &build->cells[build->cell_count];
	*cell = (struct cell){.next = *cells, .class_id = class_id, .count = count};
	*cells = (uint32_t)build->cell_count++;
}

/* The least that is kept, so that no more than EXTRAS_MAX are. */
static float least_kept(const float extras[VOCAB_CLASSES_MAX])
{
	float least = EXTRA_MIN;
	unsigned kept;

	for (;; least *= 2) {
		kept = 0;
		VOCAB_EACH_CLASS (i)
			kept += extras[i] >= least;
		if (kept <= EXTRAS_MAX)
			return least;
	}
}

static void put_extra(struct build *build, struct belief *belief, uint32_t class_id, float extra,
		      float least)
{
	struct index *index = build->index;

	if (extra < least) {
		belief->rest += extra;
		return;
	}
	if (!build_grow(build, (void **)&index->probs, index->prob_count, &build->prob_room,
			sizeof(*index->probs)))
		return;
	index->probs[index->prob_count++] = (struct prob){.class_id = class_id, .extra = extra};
	belief->prob_count++;
}

/* A belief while it is made: what each class has beyond the prior's share. */
struct sum {
	float rest;
	float extras[VOCAB_CLASSES_MAX];
};

static struct sum sum_of(const struct build *build, const struct belief *belief)
{
	struct sum sum = {.rest = belief ? belief->rest : 1};

	for (uint32_t i = 0; belief && i < belief->prob_count; i++) {
		const struct prob *prob = &build->index->probs[belief->probs + i];

		sum.extras[prob->class_id] = prob->extra;
	}
	return sum;
}

/* Probabilities of a belief from its cells and what its parent says. */
static void settle(struct build *build, struct belief *belief, uint32_t cells,
		   const struct sum *parent, float strength)
{
	float extras[VOCAB_CLASSES_MAX], share = 1 / (belief->count + strength), least;

	belief->rest = strength * share * parent->rest;
	for (uint32_t i = 0; i < VOCAB_CLASSES_MAX; i++)
		extras[i] = strength * share * parent->extras[i];
	for (uint32_t at = cells; at != NONE; at = build->cells[at].next)
		extras[build->cells[at].class_id] += share * build->cells[at].count;
	least = least_kept(extras);
	belief->probs = build->index->prob_count;
	for (uint32_t i = 0; i < VOCAB_CLASSES_MAX; i++)
		put_extra(build, belief, i, extras[i], least);
}

static void settle_level(struct build *build, enum level level)
{
	struct index *index = build->index;

	for (uint32_t i = 0; i < index->node_count && !build->failed; i++) {
		struct node *node = &index->nodes[i];
		struct sum parent;

		if (node->key.what >> 60 != (uint64_t)level)
			continue;
		parent = sum_of(build,
				node->parent == NONE ? NULL : &index->nodes[node->parent].belief);
		settle(build, &node->belief, build->node_cells[i], &parent, strengths[level]);
	}
}

/* What a shape says of classes, once the initial TTL and DF of a signature are known too. */
static struct sum sum_with_fields(const struct build *build, const struct belief *shape,
				  const struct ref *ref)
{
	const float *ttl = build->index->ttl_share[ttl_slot_of(ref->initial_ttl)];
	const float *df = build->index->df_share[(ref->quirks & QUIRK_DF) != 0];
	bool has_df = ref->ip_version != 6 && ref->quirks != SIG_ANY;
	struct sum sum = sum_of(build, shape);
	float total = 0;

	VOCAB_EACH_CLASS (id) {
		sum.extras[id] += sum.rest * build->db->priors[id];
		sum.extras[id] *= (ref->bad_ttl ? 1 : ttl[id]) * (has_df ? df[id] : 1);
		total += sum.extras[id];
	}
	VOCAB_EACH_CLASS (id)
		sum.extras[id] /= total;
	sum.rest = 0;
	return sum;
}

static bool same_leaf(const struct ref *a, const struct ref *b)
{
	return a->quirks == b->quirks && a->ip_opt_len == b->ip_opt_len &&
	       a->ip_version == b->ip_version && a->initial_ttl == b->initial_ttl &&
	       a->payload == b->payload && a->does == b->does && a->bad_ttl == b->bad_ttl;
}

/* Other guesses than the leaf's own: what has the same shape, then the same layout. */
static void fill_best(struct build *build, struct belief *leaf, uint32_t node_id)
{
	const struct entry *entries = build->db->entries;
	unsigned have = 0, i, k;

	while (have < CANDIDATES_MAX && leaf->best[have] != NONE)
		have++;
	for (; node_id != NONE; node_id = build->index->nodes[node_id].parent) {
		const struct belief *from = &build->index->nodes[node_id].belief;

		for (i = 0; i < CANDIDATES_MAX && from->best[i] != NONE; i++) {
			for (k = 0; k < have; k++)
				if (entries[leaf->best[k]].label == entries[from->best[i]].label)
					break;
			if (k == have && have < CANDIDATES_MAX)
				leaf->best[have++] = from->best[i];
		}
	}
}

/* An equal signature stands for the model too; a specific one takes the place of a generic one. */
static void absorb(struct ref *model, const struct ref *ref)
{
	if (model->generic && !ref->generic) {
		model->entry = ref->entry;
		model->generic = false;
	}
	model->rated = model->rated || ref->rated;
}

/*
 * One leaf: the references of a node from @first on that equal it. Of those without a rate the
 * first alone counts, as p0f takes the first of equal signatures.
 */
static void build_leaf(struct build *build, const struct node *node, uint32_t first)
{
	struct index *index = build->index;
	struct ref *model = &index->refs[node->refs + first];
	uint32_t cells = NONE, id = index->leaf_count;
	bool has_unrated = false;
	struct belief leaf;
	struct sum parent;

	belief_clear(&leaf);
	for (uint32_t i = first; i < node->ref_count; i++) {
		struct ref *ref = &index->refs[node->refs + i];
		const struct entry *entry = &build->db->entries[ref->entry];

		if (!same_leaf(ref, model))
			continue;
		ref->leaf = id;
		if (entry->permille || !has_unrated)
			belief_count(build, &leaf, &cells, ref->entry, entry_count(build, entry));
		has_unrated = has_unrated || !entry->permille;
		absorb(model, ref);
	}
	parent = node->parent == NONE
			 ? sum_of(build, NULL)
			 : sum_with_fields(build, &index->nodes[node->parent].belief, model);
	settle(build, &leaf, cells, &parent,
	       node->parent == NONE ? STRENGTH_ALONE : strengths[LEVEL_WHOLE]);
	fill_best(build, &leaf, node->parent);
	if (build_grow(build, (void **)&index->leaves, id, &build->leaf_room, sizeof(leaf)))
		index->leaves[index->leaf_count++] = leaf;
}

static void build_leaves(struct build *build)
{
	struct index *index = build->index;

	for (uint32_t i = 0; i < index->ref_count; i++)
		index->refs[i].leaf = NONE;
	for (uint32_t i = 0; i < index->node_count; i++) {
		struct node *node = &index->nodes[i];
		struct ref *refs = &index->refs[node->refs];
		uint32_t kept = 0;

		for (uint32_t k = 0; k < node->ref_count && !build->failed; k++) {
			if (refs[k].leaf != NONE)
				continue;
			build_leaf(build, node, k);
			refs[kept++] = refs[k];
		}
		node->ref_count = kept;
	}
}

/* Counts of the values that a field has, to shares of each class, none of them zero. */
static void settle_shares(float (*counts)[VOCAB_CLASSES_MAX], unsigned values)
{
	VOCAB_EACH_CLASS (id) {
		float sum = 0;

		for (unsigned i = 0; i < values; i++)
			sum += counts[i][id];
		for (unsigned i = 0; i < values; i++) {
			float share = sum ? counts[i][id] / sum : 1 / (float)values;

			counts[i][id] =
				REWRITTEN_SHARE + (1 - (float)values * REWRITTEN_SHARE) * share;
		}
	}
}

static void build_field_shares(struct build *build)
{
	struct index *index = build->index;

	for (size_t i = 0; i < build->db->entry_count; i++) {
		const struct entry *entry = &build->db->entries[i];
		const struct sig *sig = &entry->sig;
		float count = entry_count(build, entry);

		if (!sig->bad_ttl)
			index->ttl_share[ttl_slot_of(sig->initial_ttl)][entry->class_id] += count;
		if (sig->ip_version != 6 && sig->quirks != SIG_ANY)
			index->df_share[(sig->quirks & QUIRK_DF) != 0][entry->class_id] += count;
	}
	settle_shares(index->ttl_share, TTL_SLOTS);
	settle_shares(index->df_share, 2);
}

void build_beliefs(struct build *build)
{
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		settle_level(build, order[i]);
	build_field_shares(build);
	build_leaves(build);
}
