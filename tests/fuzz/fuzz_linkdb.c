/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a link table: it is refused with a place inside it, or every MTU of it can be
 * judged and explained.
 */
#include <stdlib.h>

#include "core/link/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_explain(const struct linkdb *db, const struct link_candidate *cand)
{
	char text[600];
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	linkdb_explain(db, cand, &buf);
	if (buf.overflow || buf.len == 0 || linkdb_source(db, cand)[0] == '\0')
		abort();
}

static void check_mtu(const struct linkdb *db, unsigned mtu)
{
	struct link_candidate cands[8];
	size_t count = linkdb_candidates(db, 4, mtu, false, cands, 8);
	struct syn syn = {.ip_version = 4, .mss = (uint16_t)(mtu - 40), .win = 64240};
	struct link link;

	for (size_t i = 0; i < count && i < 8; i++)
		check_explain(db, &cands[i]);
	link_judge(db, &syn, 0, &link);
	if ((count == 0) != (link.kind == LINK_UNKNOWN) || link.grade > LINK_LIKELY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text_error err = {.line = 0};
	struct vocab *vocab = vocab_new();
	struct linkdb *db = linkdb_new(vocab);

	if (!vocab || !db)
		abort();
	if (linkdb_load(db, (const char *)data, size, &err) == 0) {
		for (unsigned mtu = 68; mtu < 1600; mtu++)
			check_mtu(db, mtu);
	} else if (err.line == 0 || err.column == 0 || err.what[0] == '\0') {
		abort();
	}
	linkdb_free(db);
	vocab_free(vocab);
	return 0;
}
