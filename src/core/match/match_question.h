/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The question that a SYN asks of the database: its fields in the forms in which keys hold them.
 * Only match_question.c writes it.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_QUESTION_H
#define SYNPRINT_CORE_MATCH_MATCH_QUESTION_H

#include "core/sig/sigdb_impl.h"

/* The most hops that p0f 3.09b still takes for the path's; and more than hardly any path has. */
#define MATCH_DIST_MAX 35
#define MATCH_DIST_FAR 30

/* Below this, a TTL is still a far one of its system rather than a near one of the next. */
#define MATCH_DIST_LONGEST 60

/* What devices on the path are known to change: firewalls clear DF, scrub IDs and ECN. */
#define QUIRKS_PATH (QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO | QUIRKS_SETTING)

/* What says little of the stack: flow labels are a setting, ECN setup is one too (RFC 3168). */
#define QUIRKS_SETTING (QUIRKS_ECN | QUIRK_FLOW)
#define QUIRKS_ECN (QUIRK_ECN | QUIRK_AE)

struct question {
	const struct syn *syn;
	const struct index *index;
	const struct layout *layout; /* NULL: not in the database */
	unsigned factor; /* of the window, once somebody wants to know */
	enum sig_win_kind factor_kind;
	bool has_factor, mss_max;
};

/** question_init() - ask what is known of @syn. Both are kept, not owned. */
void question_init(struct question *question, const struct index *index, const struct syn *syn);

/** question_window() - the window in a key's form; false: this SYN's window has no such form. */
bool question_window(struct question *question, const struct form *form, uint16_t *ret_win);

/**
 * question_find() - the node of a level below the whole signature, or NULL.
 * @what: as key_make()'s
 */
const struct node *question_find(struct question *question, enum level level,
				 const struct form *form, uint64_t what);

/** quirks_differ() - the quirks in which a signature and a SYN differ. */
static inline uint32_t quirks_differ(uint32_t quirks, uint8_t ip_version, const struct syn *syn)
{
	if (quirks == SIG_ANY)
		return 0;
	return syn->quirks ^ (ip_version ? quirks : sig_quirks_seen(quirks, syn->ip_version));
}

#endif
