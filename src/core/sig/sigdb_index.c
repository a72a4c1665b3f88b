/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making the index: every signature gets its nodes from the whole key down to its skeleton and
 * is counted at each. Lookups cost the same however many signatures there are. Turning counts
 * into probabilities is sigdb_belief.c's.
 */
#include "core/sig/sigdb_build.h"
#include "core/sig/sigdb_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 64

/* ---- tables ---- */

static uint64_t slot_make(uint64_t hash, uint32_t index)
{
	return (hash & ~(uint64_t)UINT32_MAX) | (index + 1);
}

static void table_put(struct table *table, uint64_t slot)
{
	/* The upper half of the hash is all that is kept, so it says the place too. */
	uint64_t at = slot >> 32;

	while (table->slots[at & table->mask])
		at++;
	table->slots[at & table->mask] = slot;
}

static bool table_init(struct table *table, uint64_t size)
{
	table->mask = size - 1;
	table->slots = calloc(size, sizeof(*table->slots));
	return table->slots;
}

/* At most half full, so that a lookup in vain ends soon. */
static bool table_insert(struct table *table, uint64_t hash, uint32_t index)
{
	uint64_t size = table->mask + 1;
	struct table bigger;

	if ((uint64_t)index * 2 >= size) {
		if (!table_init(&bigger, size * 2))
			return false;
		for (uint64_t i = 0; i < size; i++)
			if (table->slots[i])
				table_put(&bigger, table->slots[i]);
		free(table->slots);
		*table = bigger;
	}
	table_put(table, slot_make(hash, index));
	return true;
}

/* ---- nodes and layouts of the signatures ---- */

static uint32_t add_node(struct build *build, struct key key, uint32_t parent)
{
	struct index *index = build->index;
	const struct node *found = find_node(index, key);
	uint32_t id = index->node_count;

	if (found)
		return (uint32_t)(found - index->nodes);
	if (!build_grow(build, (void **)&index->nodes, id, &build->node_room,
			sizeof(*index->nodes)) ||
	    !build_grow(build, (void **)&build->node_cells, id, &build->node_cell_room,
			sizeof(*build->node_cells)))
		return NONE;
	if (!table_insert(&index->node_table, key_hash(key), id)) {
		build->failed = true;
		return NONE;
	}
	index->nodes[id] = (struct node){.key = key, .parent = parent};
	belief_clear(&index->nodes[id].belief);
	build->node_cells[id] = NONE;
	index->node_count++;
	return id;
}

static uint32_t new_layout(struct build *build, const struct layout *layout, bool any)
{
	struct index *index = build->index;
	uint64_t hash = layout_hash(layout->words, layout->count, layout->eol_pad);
	uint32_t id = index->layout_count;

	if (!build_grow(build, (void **)&index->layouts, id, &build->layout_room,
			sizeof(*layout)) ||
	    !build_grow(build, (void **)&build->layout_forms, id, &build->layout_form_room,
			sizeof(*build->layout_forms)))
		return NONE;
	if (!any && !table_insert(&index->layout_table, hash, index->layout_count)) {
		build->failed = true;
		return NONE;
	}
	index->layouts[id] = *layout;
	build->layout_forms[id] = (struct layout_forms){NONE, NONE};
	index->layout_count++;
	return id;
}

static uint32_t add_layout(struct build *build, const struct sig *sig)
{
	struct layout layout = {.count = sig->opt_count, .eol_pad = sig->opt_eol_pad, .node = NONE};
	struct index *index = build->index;
	const struct layout *found = NULL;

	if (sig->opt_any) {
		if (index->any_layout == NONE)
			index->any_layout = new_layout(build, &layout, true);
		return index->any_layout;
	}
	layout_words(sig->opt_kinds, sig->opt_count, layout.words);
	found = find_layout(index, layout.words, layout.count, layout.eol_pad);
	return found ? (uint32_t)(found - index->layouts) : new_layout(build, &layout, false);
}

static void add_form(struct build *build, uint32_t *chain, struct form form)
{
	struct form_cell *cell;

	for (uint32_t at = *chain; at != NONE; at = cell->next) {
		cell = &build->form_cells[at];
		if (cell->form.win_kind == form.win_kind && cell->form.when == form.when &&
		    cell->form.has_mss == form.has_mss &&
		    cell->form.has_wscale == form.has_wscale && cell->form.modulus == form.modulus)
			return;
	}
	if (!build_grow(build, (void **)&build->form_cells, build->form_cell_count,
			&build->form_cell_room, sizeof(*cell)))
		return;
	cell = &build->form_cells[build->form_cell_count];
	cell->form = form;
	cell->next = *chain;
	*chain = (uint32_t)build->form_cell_count++;
}

static struct key sig_key(enum level level, uint64_t what, const struct sig *sig)
{
	bool mss = level == LEVEL_WHOLE;
	bool alone = level == LEVEL_LAYOUT || level == LEVEL_ORDER || level == LEVEL_STRIPPED;
	bool window = !alone && level != LEVEL_SCALE;
	bool scale = !alone && level != LEVEL_WINDOW;

	return key_make(level, what, mss ? sig->mss : SIG_ANY, window ? sig->win_kind : SIG_WIN_ANY,
			window ? sig->win : 0, scale ? sig->wscale : SIG_ANY);
}

static uint32_t count_at(struct build *build, enum level level, uint64_t what, uint32_t entry,
			 uint32_t parent)
{
	const struct entry *e = &build->db->entries[entry];
	uint32_t id = add_node(build, sig_key(level, what, &e->sig), parent);

	if (!build->failed)
		belief_count(build, &build->index->nodes[id].belief, &build->node_cells[id], entry,
			     entry_count(build, e));
	return id;
}

/* What is left when the options were changed on the way. */
static uint32_t add_skeletons(struct build *build, uint32_t entry)
{
	const struct sig *sig = &build->db->entries[entry].sig;
	struct skeleton skeleton = skeleton_of(sig->opt_kinds, sig->opt_count);
	uint32_t order = count_at(build, LEVEL_ORDER, skeleton.order, entry, NONE), stripped;

	stripped = count_at(build, LEVEL_STRIPPED, skeleton.stripped, entry, NONE);
	count_at(build, LEVEL_ORDER_SHAPE, skeleton.order, entry, order);
	count_at(build, LEVEL_STRIPPED_SHAPE, skeleton.stripped, entry, stripped);
	count_at(build, LEVEL_SET_SHAPE, skeleton.set, entry, NONE);
	count_at(build, LEVEL_WINDOW_SCALE, 0, entry, NONE);
	return order;
}

/* What clients said of themselves. */
static bool is_learned(const struct build *build, const struct entry *entry)
{
	return strcmp(build->db->texts.bytes + entry->source, SIGDB_FROM_LEARNED) == 0;
}

/* What other signatures say of this one's shape, where they say anything. */
static uint32_t find_shape(const struct build *build, uint32_t layout, const struct sig *sig)
{
	static const enum level levels[] = {LEVEL_SHAPE, LEVEL_SCALE, LEVEL_LAYOUT};
	const struct index *index = build->index;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		const struct node *node = find_node(index, sig_key(levels[i], layout, sig));

		if (node)
			return (uint32_t)(node - index->nodes);
	}
	return NONE;
}

/* What needs a condition, a tool's packet, and what has next to no options say nothing about
 * anything but their own whole signatures. */
static bool is_alone(const struct entry *entry)
{
	return entry->when != SIG_WHEN_ALWAYS || entry->sig.opt_any || entry->tool ||
	       entry->sig.opt_count < 2;
}

static void add_entry(struct build *build, uint32_t id)
{
	const struct entry *entry = &build->db->entries[id];
	const struct sig *sig = &entry->sig;
	uint32_t layout = add_layout(build, sig), node;
	struct form form = {
		.win_kind = (uint8_t)sig->win_kind,
		.when = entry->when,
		.has_mss = sig->mss != SIG_ANY,
		.has_wscale = sig->wscale != SIG_ANY,
		.modulus = sig->win_kind == SIG_WIN_MOD ? sig->win : 0,
	};

	build->shapes[id] = NONE;
	if (build->failed)
		return;
	if (entry->when == SIG_WHEN_IP_ID)
		build->index->ip_ids |= ip_id_bit(entry->when_value);
	if (entry->when == SIG_WHEN_MSS)
		build->index->msses |= mss_bit(entry->when_value);
	add_form(build, &build->layout_forms[layout].whole, form);
	if (is_learned(build, entry)) {
		/* A claim about one shape is none about those that are like it. */
		build->shapes[id] = find_shape(build, layout, sig);
	} else if (!is_alone(entry)) {
		form.has_mss = false;
		if (sig->win_kind != SIG_WIN_ANY)
			add_form(build, &build->layout_forms[layout].shape, form);
		node = add_skeletons(build, id);
		node = count_at(build, LEVEL_LAYOUT, layout, id, node);
		build->index->layouts[layout].node = node;
		count_at(build, LEVEL_WINDOW, layout, id, node);
		node = count_at(build, LEVEL_SCALE, layout, id, node);
		build->shapes[id] = count_at(build, LEVEL_SHAPE, layout, id, node);
	}
	build->wholes[id] = add_node(build,
				     key_with_when(sig_key(LEVEL_WHOLE, layout, sig), entry->when,
						   entry->when_value),
				     build->shapes[id]);
}

/* ---- from chains to arrays ---- */

/* match_hits.c stops at the first match that leaves nothing to be found. */
enum form_rank { RANK_CONDITION, RANK_FIXED_WINDOW, RANK_FIXED_WINDOW_MSS, RANK_OTHER, FORM_RANKS };

static enum form_rank form_rank(const struct form *form)
{
	if (form->when != SIG_WHEN_ALWAYS)
		return RANK_CONDITION;
	if (form->win_kind != SIG_WIN_VALUE)
		return RANK_OTHER;
	return form->has_mss ? RANK_FIXED_WINDOW_MSS : RANK_FIXED_WINDOW;
}

static uint32_t flatten_forms(struct build *build, uint32_t chain, unsigned rank)
{
	uint32_t count = 0;

	for (; chain != NONE; chain = build->form_cells[chain].next) {
		struct form form = build->form_cells[chain].form;

		if (form_rank(&form) != rank)
			continue;
		build->index->forms[build->index->form_count++] = form;
		count++;
	}
	return count;
}

static void build_forms(struct build *build)
{
	struct index *index = build->index;

	index->forms = calloc(build->form_cell_count, sizeof(*index->forms));
	if (!index->forms) {
		build->failed = true;
		return;
	}
	for (uint32_t i = 0; i < index->layout_count; i++) {
		struct layout *layout = &index->layouts[i];
		struct layout_forms chains = build->layout_forms[i];

		layout->forms = index->form_count;
		for (unsigned rank = 0; rank < FORM_RANKS; rank++)
			layout->form_count += flatten_forms(build, chains.whole, rank);
		layout->shapes = index->form_count;
		for (unsigned rank = 0; rank < FORM_RANKS; rank++)
			layout->shape_count += flatten_forms(build, chains.shape, rank);
	}
}

static struct ref make_ref(const struct entry *entry, uint32_t id)
{
	return (struct ref){
		.entry = id,
		.quirks = entry->sig.quirks,
		.ip_opt_len = entry->sig.ip_opt_len,
		.ip_version = entry->sig.ip_version,
		.initial_ttl = entry->sig.initial_ttl,
		.payload = entry->sig.payload,
		.does = entry->does,
		.bad_ttl = entry->sig.bad_ttl,
		.generic = entry->generic,
		.rated = entry->permille > 0,
	};
}

/* The signatures of each node side by side, in the order of the text. */
static void build_refs(struct build *build)
{
	struct index *index = build->index;
	uint32_t count = (uint32_t)build->db->entry_count, at = 0;

	index->refs = calloc(count, sizeof(*index->refs));
	if (!index->refs) {
		build->failed = true;
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		index->nodes[build->wholes[i]].ref_count++;
	for (uint32_t i = 0; i < index->node_count; i++) {
		index->nodes[i].refs = at;
		at += index->nodes[i].ref_count;
		index->nodes[i].ref_count = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct node *node = &index->nodes[build->wholes[i]];

		index->refs[node->refs + node->ref_count++] = make_ref(&build->db->entries[i], i);
	}
	index->ref_count = count;
}

static void build_all(struct build *build)
{
	size_t count = build->db->entry_count;

	build->weight_scale = 1 / build->db->priors[build->db->heaviest_class];
	build->wholes = calloc(count, sizeof(*build->wholes));
	build->shapes = calloc(count, sizeof(*build->shapes));
	build->failed = !build->wholes || !build->shapes ||
			!table_init(&build->index->node_table, TABLE_FIRST) ||
			!table_init(&build->index->layout_table, TABLE_FIRST);
	for (uint32_t i = 0; i < count && !build->failed; i++)
		add_entry(build, i);
	if (!build->failed)
		build_forms(build);
	if (!build->failed)
		build_refs(build);
	if (!build->failed)
		build_beliefs(build);
}

struct index *index_new(const struct sigdb *db)
{
	struct index *index = calloc(1, sizeof(*index));
	struct build build = {.db = db, .index = index};

	if (!index)
		return NULL;
	index->any_layout = NONE;
	memcpy(index->stand_ins, db->stand_ins, sizeof(index->stand_ins));
	index->stand_in_count = db->stand_in_count;
	index->ip_ids = db->stand_in_count ? UINT64_MAX : 0;
	build_all(&build);
	free(build.cells);
	free(build.form_cells);
	free(build.layout_forms);
	free(build.node_cells);
	free(build.wholes);
	free(build.shapes);
	if (!build.failed)
		return index;
	index_free(index);
	return NULL;
}

void index_free(struct index *index)
{
	if (!index)
		return;
	free(index->node_table.slots);
	free(index->layout_table.slots);
	free(index->nodes);
	free(index->layouts);
	free(index->refs);
	free(index->leaves);
	free(index->probs);
	free(index->forms);
	free(index);
}

static size_t table_memory(const struct table *table)
{
	return (table->mask + 1) * sizeof(*table->slots);
}

size_t index_memory(const struct index *index)
{
	return sizeof(*index) + table_memory(&index->node_table) +
	       table_memory(&index->layout_table) + index->node_count * sizeof(*index->nodes) +
	       index->layout_count * sizeof(*index->layouts) +
	       index->ref_count * sizeof(*index->refs) +
	       index->leaf_count * sizeof(*index->leaves) +
	       index->prob_count * sizeof(*index->probs) +
	       index->form_count * sizeof(*index->forms);
}
