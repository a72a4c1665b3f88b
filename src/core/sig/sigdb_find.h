/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lookups in the signature index. Inline, because a SYN costs a handful of them.
 */
#ifndef SYNPRINT_CORE_SIG_SIGDB_FIND_H
#define SYNPRINT_CORE_SIG_SIGDB_FIND_H

#include "core/sig/sigdb_impl.h"

static inline bool layout_is(const struct layout *layout, const uint64_t *words, unsigned count,
			     unsigned eol_pad)
{
	if (layout->count != count || layout->eol_pad != eol_pad)
		return false;
	for (unsigned i = 0; i * 8 < count; i++)
		if (layout->words[i] != words[i])
			return false;
	return true;
}

/** find_layout() - the record of an option layout, or NULL. */
static inline const struct layout *find_layout(const struct index *index, const uint64_t *words,
					       unsigned count, unsigned eol_pad)
{
	const struct table *table = &index->layout_table;
	uint64_t hash = layout_hash(words, count, eol_pad), slot;

	for (uint64_t at = hash >> 32; (slot = table->slots[at & table->mask]); at++) {
		const struct layout *layout = &index->layouts[(uint32_t)slot - 1];

		if (slot >> 32 == hash >> 32 && layout_is(layout, words, count, eol_pad))
			return layout;
	}
	return NULL;
}

/** find_node() - the node of a key, or NULL. */
static inline const struct node *find_node(const struct index *index, struct key key)
{
	const struct table *table = &index->node_table;
	uint64_t hash = key_hash(key), slot;

	for (uint64_t at = hash >> 32; (slot = table->slots[at & table->mask]); at++) {
		const struct node *node = &index->nodes[(uint32_t)slot - 1];

		if (slot >> 32 == hash >> 32 && node->key.what == key.what &&
		    node->key.how == key.how)
			return node;
	}
	return NULL;
}

/** mss_bit() - an MSS' bit in index.msses. */
static inline uint64_t mss_bit(uint16_t mss)
{
	return UINT64_C(1) << (mss & 63);
}

/** ip_id_bit() - an IP ID's bit in index.ip_ids. */
static inline uint64_t ip_id_bit(uint16_t ip_id)
{
	return UINT64_C(1) << (ip_id * HASH_MULTIPLIER >> 58);
}

#endif
