/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A direct-mapped store of whole answers. The key holds every field that match.c and its parts
 * read, as it is; test_match_memo.c changes each of them. Where a signature's condition on
 * addresses or IP IDs might hold, nothing is kept.
 */
#include "core/match/match_memo.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/match/match_condition.h"

#define SLOTS 1024 /* 400 KiB: the second-level cache of one core has room for them */
#define KEY_WORDS 8

struct slot {
	uint64_t key[KEY_WORDS]; /* all zero: empty, since no SYN has IP version 0 */
	struct match match;
};

struct match_memo {
	const struct sigdb *db;
	struct match uncommon; /* of a SYN that is not kept */
	struct slot slots[SLOTS];
};

_Static_assert(LAYOUT_WORDS + 3 == KEY_WORDS, "three words beside the layout");

struct match_memo *match_memo_new(const struct sigdb *db)
{
	struct match_memo *memo = calloc(1, sizeof(*memo));

	if (memo)
		memo->db = db;
	return memo;
}

void match_memo_free(struct match_memo *memo)
{
	free(memo);
}

static void make_key(const struct syn *syn, uint64_t ret_key[KEY_WORDS])
{
	layout_words(syn->opt_kinds, syn->opt_count, ret_key);
	ret_key[LAYOUT_WORDS] = (uint64_t)syn->mss | (uint64_t)syn->win << 16 |
				(uint64_t)syn->ip_header_len << 32 |
				(uint64_t)syn->ip_version << 48 | (uint64_t)syn->ttl << 56;
	ret_key[LAYOUT_WORDS + 1] = (uint64_t)syn->quirks | (uint64_t)syn->wscale << 32 |
				    (uint64_t)syn->ip_opt_len << 40 |
				    (uint64_t)syn->opt_count << 48 |
				    (uint64_t)syn->opt_eol_pad << 56;
	ret_key[LAYOUT_WORDS + 2] =
		(uint64_t)syn->tcp_header_len | (uint64_t)(syn->payload_len != 0) << 8 |
		(uint64_t)(syn->ts_val != 0) << 9 | (uint64_t)syn->offers << 16 |
		(uint64_t)syn_is_answer(syn) << 24;
}

static size_t slot_of(const uint64_t key[KEY_WORDS])
{
	return XXH3_64bits(key, KEY_WORDS * sizeof(key[0])) % SLOTS;
}

const struct match *match_memo_syn(struct match_memo *memo, const struct syn *syn)
{
	uint64_t key[KEY_WORDS];
	struct slot *slot;

	if (condition_may_hold(memo->db->index, syn)) {
		match_syn(memo->db, syn, &memo->uncommon);
		return &memo->uncommon;
	}
	make_key(syn, key);
	slot = &memo->slots[slot_of(key)];
	if (memcmp(slot->key, key, sizeof(key)) != 0) {
		match_syn(memo->db, syn, &slot->match);
		memcpy(slot->key, key, sizeof(key));
	}
	return &slot->match;
}
