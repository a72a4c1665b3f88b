/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memo must say what the comparison says, for SYNs that repeat and for SYNs that differ from
 * one that is kept in a single field: one that is missing in its key shows, but for the lengths of
 * headers and the presence of a timestamp, which matter to windows of rare multiples only.
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
