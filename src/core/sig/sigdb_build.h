/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lives only while the index is made: room for arrays that grow, and the counts of classes
 * at each node before they become probabilities.
 */
#ifndef SYNPRINT_CORE_SIG_SIGDB_BUILD_H
#define SYNPRINT_CORE_SIG_SIGDB_BUILD_H

#include "core/sig/sigdb_impl.h"

struct cell {
	uint32_t next; /* cell of the same node, or NONE */
	uint32_t class_id;
	float count;
};

struct form_cell {
	struct form form;
	uint32_t next;
};

/* Chains of a layout's forms, while it is not known how many there will be. */
struct layout_forms {
	uint32_t whole, shape;
};

struct build {
	const struct sigdb *db;
	struct index *index;
	struct cell *cells;
	struct form_cell *form_cells;
	struct layout_forms *layout_forms;
	uint32_t *node_cells; /* first cell of each node */
	uint32_t *wholes; /* LEVEL_WHOLE node of each entry */
	uint32_t *shapes; /* LEVEL_SHAPE node of each entry, or NONE */
	size_t node_room, node_cell_room, layout_room, layout_form_room;
	size_t cell_room, form_cell_room, cell_count, form_cell_count, prob_room, leaf_room;
	float weight_scale; /* makes the heaviest class weigh 1 */
	bool failed; /* no memory: whatever follows is void */
};

/** build_grow() - make room for element @count of an array; false: no memory, and failed is set. */
bool build_grow(struct build *build, void **array, size_t count, size_t *room, size_t size);

/** entry_count() - how many SYNs of a sample speak for an entry. */
float entry_count(const struct build *build, const struct entry *entry);

/** belief_clear() - nothing counted yet. */
void belief_clear(struct belief *belief);

/** belief_count() - add SYNs of a class to a chain of cells, and the entry to the best ones. */
void belief_count(struct build *build, struct belief *belief, uint32_t *cells, uint32_t entry,
		  float count);

/** build_beliefs() - counts to probabilities, for all nodes and then for equal signatures. */
void build_beliefs(struct build *build);

#endif
