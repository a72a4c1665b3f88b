/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What match_syn() said of the shapes that were seen last. Most SYNs have one of a few hundred
 * shapes, and to recognise one costs a quarter of what comparing it costs. Of fixed size, for one
 * thread; it belongs to one database and goes before it.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_MEMO_H
#define SYNPRINT_CORE_MATCH_MATCH_MEMO_H

#include "core/match/match.h"

struct match_memo;

/** match_memo_new() - an empty memo over a built database (kept, not owned); NULL: no memory. */
struct match_memo *match_memo_new(const struct sigdb *db);
void match_memo_free(struct match_memo *memo);

/** match_memo_syn() - what match_syn() says. Return: owned by the memo, valid until the next call. */
const struct match *match_memo_syn(struct match_memo *memo, const struct syn *syn);

#endif
