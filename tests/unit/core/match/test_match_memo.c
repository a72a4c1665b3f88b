/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memo must say what the comparison says, for SYNs that repeat and for SYNs that differ from
 * one that is kept in a single field. A kept answer is told by what the test writes over it.
 */
#include <criterion/criterion.h>
#include <stddef.h>
#include <string.h>

#include "shipped_db.h"
#include "core/match/match_memo.h"

#define SYNS 300000

static uint64_t state = 1;

static unsigned number(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* One of few values, so that shapes come again. */
static void mutate(struct syn *syn)
{
	static const uint16_t wins[] = {64240, 65535, 29200, 28960, 8192, 1024};
	static const uint8_t kinds[][8] = {{2, 4, 8, 1, 3},
					   {2, 1, 3, 1, 1, 4},
					   {2},
					   {2, 1, 3, 1, 1, 8, 4, 0}};
	static const uint8_t counts[] = {5, 6, 1, 8};
	unsigned layout = number(4);

	switch (number(15)) {
	case 0: syn->mss = (uint16_t)(1460 - 20 * number(3)); break;
	case 1: syn->win = wins[number(6)]; break;
	case 2: syn->wscale = (uint8_t)(number(2) ? 7 : number(9)); break;
	case 3: syn->ttl = (uint8_t)(number(4) ? 60 : number(256)); break;
	case 4:
		syn->quirks = QUIRK_DF | QUIRK_ID_NONZERO;
		if (number(3) == 0)
			syn->quirks ^= 1u << number(QUIRK_COUNT);
		break;
	case 5: syn->ip_opt_len = number(4) ? 0 : 4; break;
	case 6: syn->payload_len = number(4) ? 0 : 9; break;
	case 7: syn->ts_val = number(2); break;
	case 8: syn->ip_version = number(4) ? 4 : 6; break;
	case 9: syn->ip_header_len = (uint16_t)(20 + 20 * number(2)); break;
	case 10: syn->tcp_header_len = (uint8_t)(20 + 4 * number(6)); break;
	case 11: syn->opt_eol_pad = number(4) ? 0 : 1; break;
	case 12: syn->ip_id = (uint16_t)(number(3) ? number(65536) : 54321); break;
	case 13: syn->seq = number(4) ? number(1000) : 0xcb007101; break;
	default:
		memset(syn->opt_kinds, 0, sizeof(syn->opt_kinds));
		memcpy(syn->opt_kinds, kinds[layout], counts[layout]);
		syn->opt_count = counts[layout];
	}
}

Test(match_memo, says_what_the_comparison_says)
{
	struct vocab *vocab = vocab_new();
	struct sigdb *db = shipped_db_load(vocab);
	struct match_memo *memo = match_memo_new(db);
	const uint8_t dst[4] = {203, 0, 113, 1};
	struct syn syn = {.ip_version = 4,
			  .ttl = 60,
			  .win = 64240,
			  .mss = 1460,
			  .ip_header_len = 20,
			  .tcp_header_len = 40,
			  .wscale = 7,
			  .quirks = QUIRK_DF | QUIRK_ID_NONZERO,
			  .dst = addr_from_v4(dst)};

	for (unsigned i = 0; i < SYNS; i++) {
		const struct match *kept;
		struct match match;

		mutate(&syn);
		match_syn(db, &syn, &match);
		kept = match_memo_syn(memo, &syn);
		cr_assert_eq(kept->reasons, match.reasons, "SYN %u", i);
		cr_assert_eq(kept->kind, match.kind, "SYN %u", i);
		cr_assert_eq(kept->label, match.label, "SYN %u", i);
		cr_assert_eq(kept->dist_hops, match.dist_hops, "SYN %u", i);
		cr_assert_eq(kept->confidence, match.confidence, "SYN %u", i);
		cr_assert_eq(kept->contradiction, match.contradiction, "SYN %u", i);
		cr_assert_arr_eq(kept->class_prob, match.class_prob, sizeof(match.class_prob));
	}
	match_memo_free(memo);
	sigdb_free(db);
	vocab_free(vocab);
}

/* ---- the key ---- */

#define SCRIBBLE 0xabcd

/* Fields of the key, and how many bits of each are changed. */
static const struct {
	size_t offset;
	unsigned size, bits;
} fields[] = {
#define FIELD(name, bits)                                                                          \
	{                                                                                          \
		offsetof(struct syn, name), sizeof(((struct syn *)0)->name), bits                  \
	}
	FIELD(mss, 16),
	FIELD(win, 16),
	FIELD(ip_header_len, 16),
	FIELD(ip_version, 8),
	FIELD(ttl, 8),
	FIELD(quirks, 32),
	FIELD(wscale, 8),
	FIELD(ip_opt_len, 8),
	FIELD(opt_count, 5),
	FIELD(opt_eol_pad, 8),
	FIELD(tcp_header_len, 8),
	FIELD(offers, 8),
	FIELD(payload_len, 1),
	FIELD(ts_val, 1),
	FIELD(opt_kinds, 8),
#undef FIELD
};

#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static struct syn syn_with(size_t field, unsigned value)
{
	struct syn syn = {.ip_version = 4,
			  .ttl = 64,
			  .opt_count = 1,
			  .opt_kinds = {2},
			  .seq = 1,
			  .ip_id = 7};
	unsigned char *byte = (unsigned char *)&syn + fields[field].offset;

	for (unsigned i = 0; i < fields[field].size && i < 4; i++)
		byte[i] ^= (unsigned char)(value >> 8 * i); /* whichever bits these are */
	return syn;
}

static struct sigdb *small_db(struct vocab *vocab)
{
	static const char text[] = "class = A, F\n[tcp:request]\nlabel = s:unix:A:1\n"
				   "sig = *:64:0:*:1024,0:mss::0\n";
	struct sigdb *db = sigdb_new(vocab);

	cr_assert_eq(sigdb_load(db, text, strlen(text), NULL), 0);
	cr_assert_eq(sigdb_build(db), 0);
	return db;
}

/* As it is, with a bit changed in one field, and as an answer: no two have the same key. */
static unsigned make_neighbours(struct syn *ret_syns)
{
	unsigned count = 0;

	ret_syns[count++] = syn_with(0, 0);
	ret_syns[count] = syn_with(0, 0);
	ret_syns[count++].tcp_flags = SYN_TCP_ACK;
	for (size_t field = 0; field < FIELDS; field++)
		for (unsigned bit = 0; bit < fields[field].bits; bit++)
			ret_syns[count++] = syn_with(field, 1u << bit);
	return count;
}

Test(match_memo, keeps_each_for_itself)
{
	static struct syn syns[200];
	unsigned count = make_neighbours(syns);
	struct vocab *vocab = vocab_new();
	struct sigdb *db = small_db(vocab);
	struct match_memo *memo = match_memo_new(db);

	for (unsigned i = 0; i < count; i++) {
		struct match *kept = (struct match *)(uintptr_t)match_memo_syn(memo, &syns[i]);
		uint16_t label = kept->label;

		kept->label = SCRIBBLE;
		cr_assert_eq(match_memo_syn(memo, &syns[i])->label, SCRIBBLE, "%u is not kept", i);
		for (unsigned k = 0; k < count; k++)
			if (k != i)
				cr_assert_neq(match_memo_syn(memo, &syns[k])->label, SCRIBBLE,
					      "%u is taken for %u", k, i);
		if (kept->label == SCRIBBLE)
			kept->label = label;
	}
	match_memo_free(memo);
	sigdb_free(db);
	vocab_free(vocab);
}

/* As many slots as chance would give, whatever is the only difference. */
Test(match_memo, spreads_what_differs)
{
	static const struct match *seen[65536];
	struct vocab *vocab = vocab_new();
	struct sigdb *db = small_db(vocab);
	struct match_memo *memo = match_memo_new(db);

	for (size_t field = 0; field < FIELDS; field++) {
		unsigned values = 1u << (fields[field].bits > 12 ? 12 : fields[field].bits);
		unsigned distinct = 0, least = values > 1024 ? 940 : values - values / 4;

		for (unsigned value = 0; value < values; value++) {
			struct syn syn = syn_with(field, value);
			const struct match *at = match_memo_syn(memo, &syn);
			unsigned k = 0;

			while (k < distinct && seen[k] != at)
				k++;
			seen[k] = at;
			distinct += k == distinct;
		}
		cr_expect_geq(distinct, least, "field %zu: %u of %u", field, distinct, values);
	}
	match_memo_free(memo);
	sigdb_free(db);
	vocab_free(vocab);
}
