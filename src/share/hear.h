/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message of a broker, from its topic to what it changes; no broker and no socket in here. */
#ifndef SYNPRINT_SHARE_HEAR_H
#define SYNPRINT_SHARE_HEAR_H

#include "share/inbox.h"
#include "share/share.h"

struct hearer {
	const struct share_config *config;
	const struct accept_own *own;
	struct slots *slots;
	struct peers *peers;
	struct share_counts *counts;
};

/* What a message means. */
struct heard {
	bool is_mark; /* ours, back from the broker */
	bool is_restored; /* @slot of ours is to be published */
	uint16_t slot;
	unsigned word_count; /* for synprintd */
	struct peers_word words[2];
};

/** hear() - take one letter in. */
void hear(const struct hearer *hearer, uint64_t now_s, const struct letter *letter,
	  struct heard *ret_heard);

#endif
