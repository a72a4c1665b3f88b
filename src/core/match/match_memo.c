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

struct memo_key {
	uint64_t options[LAYOUT_WORDS];
	uint32_t quirks;
	uint16_t mss, win, ip_header_len;
	uint8_t ip_version, ttl, wscale, ip_opt_len, opt_count, opt_eol_pad, tcp_header_len, offers;
	bool has_payload, has_timestamp, is_answer;
	uint8_t zeros[3];
};

_Static_assert(sizeof(struct memo_key) == 64, "no padding, which nobody would have set");

struct slot {
	struct memo_key key; /* all zero: empty, since no SYN has IP version 0 */
	struct match match;
};

struct match_memo {
	const struct sigdb *db;
	struct match uncommon; /* of a SYN that is not kept */
	struct slot slots[1024]; /* 400 KiB: the second-level cache of one core has room for them */
};

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

static struct memo_key make_key(const struct syn *syn)
{
	struct memo_key key = {
		.quirks = syn->quirks,
		.mss = syn->mss,
		.win = syn->win,
		.ip_header_len = syn->ip_header_len,
		.ip_version = syn->ip_version,
		.ttl = syn->ttl,
		.wscale = syn->wscale,
		.ip_opt_len = syn->ip_opt_len,
		.opt_count = syn->opt_count,
		.opt_eol_pad = syn->opt_eol_pad,
		.tcp_header_len = syn->tcp_header_len,
		.offers = syn->offers,
		.has_payload = syn->payload_len,
		.has_timestamp = syn->ts_val,
		.is_answer = syn_is_answer(syn),
	};

	layout_words(syn->opt_kinds, syn->opt_count, key.options);
	return key;
}

const struct match *match_memo_syn(struct match_memo *memo, const struct syn *syn)
{
	struct memo_key key;
	struct slot *slot;

	if (condition_may_hold(memo->db->index, syn)) {
		match_syn(memo->db, syn, &memo->uncommon);
		return &memo->uncommon;
	}
	key = make_key(syn);
	slot = &memo->slots[XXH3_64bits(&key, sizeof(key)) %
			    (sizeof(memo->slots) / sizeof(*memo->slots))];
	if (memcmp(&slot->key, &key, sizeof(key)) != 0) {
		match_syn(memo->db, syn, &slot->match);
		slot->key = key;
	}
	return &slot->match;
}
