/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the signature database, shared by its reader (sigdb_text.c), its index
 * (sigdb_index.c) and the comparison (match.c). Nobody else includes this.
 *
 * A node is everything that is known under one key; keys go from a whole signature down to a
 * layout without its padding. A node's probabilities are those of its parent, moved by its own
 * counts, so each level is smoothed by the one below. They are kept sparse: what a class has
 * beyond its share of the prior, and how much of the prior is left.
 */
#ifndef SYNPRINT_CORE_SIG_SIGDB_IMPL_H
#define SYNPRINT_CORE_SIG_SIGDB_IMPL_H

#include "core/base/grow.h"
#include "core/sig/sigdb_key.h"

#define NONE UINT32_MAX
#define CANDIDATES_MAX SIGDB_BEST_MAX
#define MODULI_MAX 16
#define TTL_SLOTS 4

/* A 2,500th of a class is one SYN seen: the size of the sample that the first rates came from. */
#define COUNT_PER_PERMILLE 2.5f

struct entry {
	struct sig sig;
	float permille; /* 0: not given */
	uint32_t source; /* offset into sigdb.texts */
	uint16_t label, when_value;
	uint8_t class_id, when, does;
	bool generic, tool;
};

struct prob {
	uint32_t class_id;
	float extra;
};

/* What a node, or a group of equal signatures in it, says about classes. */
struct belief {
	uint32_t probs; /* index of its first struct prob */
	uint32_t prob_count;
	float rest; /* share of the prior that is left */
	float count; /* SYNs behind it */
	uint32_t best[CANDIDATES_MAX]; /* entries, most common first; NONE ends them */
};

struct node {
	struct key key;
	struct belief belief;
	uint32_t parent; /* node, or NONE */
	uint32_t refs, ref_count; /* LEVEL_WHOLE: its signatures, in the order of the text, */
	/* each once */
};

/* The part of a signature that is not in the key of LEVEL_WHOLE. */
struct ref {
	uint32_t entry; /* the first of equal ones, specific ones before generic ones */
	uint32_t leaf, quirks, ip_opt_len;
	uint8_t ip_version, initial_ttl, payload, does;
	bool bad_ttl, generic, rated;
};

struct layout {
	uint64_t words[LAYOUT_WORDS]; /* kinds, zero behind the last */
	uint8_t count, eol_pad;
	uint32_t node; /* LEVEL_LAYOUT */
	uint32_t forms, form_count; /* for LEVEL_WHOLE, fixed windows first */
	uint32_t shapes, shape_count; /* for LEVEL_SHAPE */
};

/* Open addressing; a slot is 0 or the upper half of the hash and an index + 1. */
struct table {
	uint64_t *slots;
	uint64_t mask;
};

struct index {
	struct table node_table, layout_table;
	struct node *nodes;
	struct layout *layouts;
	struct ref *refs;
	struct belief *leaves;
	struct prob *probs;
	struct form *forms;
	uint32_t node_count, layout_count, ref_count, leaf_count, prob_count, form_count;
	uint32_t any_layout; /* the layout record of '*', or NONE */
	uint32_t stand_ins[SIGDB_ADDRESSES_MAX]; /* IPv4 addresses that stand for this host */
	unsigned stand_in_count;
	uint64_t ip_ids; /* a hashed bit for each IP ID that a condition names */
	uint64_t msses; /* mss_bit() of each MSS that a condition names */
	float ttl_share[TTL_SLOTS][VOCAB_CLASSES_MAX]; /* P(usual initial TTL | class) */
	float df_share[2][VOCAB_CLASSES_MAX]; /* P(don't-fragment | class) in IPv4 */
};

struct sigdb {
	struct vocab *vocab;
	struct entry *entries;
	struct texts texts;
	struct index *index;
	size_t entry_count, entry_room;
	uint16_t moduli[MODULI_MAX]; /* of windows written as %N */
	unsigned modulus_count;
	float weights[VOCAB_CLASSES_MAX]; /* 0: not given */
	float priors[VOCAB_CLASSES_MAX]; /* sum to 1, once built */
	uint8_t families[VOCAB_CLASSES_MAX];
	float family_priors[VOCAB_FAMILIES_MAX];
	/* 0, which nobody has, where the text has no such word. */
	uint8_t phone_classes[2]; /* Android, iOS */
	uint8_t sizing_families[2]; /* Windows, Linux */
	unsigned class_limit, family_limit; /* ids of those with signatures are below */
	unsigned heaviest_class;
	uint16_t perhaps[VOCAB_CLASSES_MAX]; /* labels for what is only likely, once built */
	uint16_t nearest[VOCAB_CLASSES_MAX]; /* and for what nothing known is like */
	uint32_t stand_ins[SIGDB_ADDRESSES_MAX]; /* for index.stand_ins */
	unsigned stand_in_count;
	struct sigdb_doubt doubts[SIGDB_KINDS];
	bool weight_forced[VOCAB_CLASSES_MAX]; /* by sigdb_set_prior(): the text no longer counts */
	bool of_answers; /* signatures of SYN+ACKs */
};

/** ttl_slot_of() - the place of the usual initial TTL above @ttl: 32, 64, 128 or 255. */
static inline unsigned ttl_slot_of(uint8_t ttl)
{
	return ttl <= 32 ? 0 : ttl <= 64 ? 1 : ttl <= 128 ? 2 : 3;
}

/** sigdb_add_entry() - append one; -ENOMEM. */
int sigdb_add_entry(struct sigdb *db, const struct entry *entry);

/**
 * sigdb_alias_len() - how much of a label is a well-known name of a class, as p0f.fp has them.
 * @class: NULL for any class
 * Return: bytes, or 0.
 */
size_t sigdb_alias_len(const char *label, const char *class);

/** index_new() - the index over all entries; NULL: no memory. */
struct index *index_new(const struct sigdb *db);
void index_free(struct index *index);
size_t index_memory(const struct index *index);

#endif
