/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says of itself in its User-Agent, compared with what its SYN says. A claim is
 * the set of classes whose honest clients send such a User-Agent: an iPad that asks for desktop
 * pages says Macintosh, an Android phone that does says Linux, and neither lies. Bots and
 * libraries claim nothing.
 */
#ifndef SYNPRINT_CORE_LEARN_UA_H
#define SYNPRINT_CORE_LEARN_UA_H

#include "core/match/match.h"

/*
 * Measured with these on labelled public captures (make bench-accuracy): of 202 SYNs with their User-Agents
 * 165 fit their claim and 8 are called lies.
 */
#define UA_LIE_PERMILLE 800 /* from here on a claim is called a lie */
#define UA_HONEST_PERMILLE 500 /* up to here it is believed; in between nothing is said */
#define UA_CLEAR_PERMILLE 500 /* P(family) of the SYN, below which nothing is a lie */

struct ua_claim {
	const char *name; /* of the claimed class, static; NULL where nothing is claimed */
	uint64_t classes; /* bits of the class ids that may say so; 0: none the database knows */
	unsigned class_id; /* of the claimed class, 0 where the database has none of this name */
};

enum ua_answer {
	UA_NO_CLAIM, /* a bot, a library, or nothing */
	UA_NO_CLASS, /* the database has no class of the claimed name */
	UA_NO_SYSTEM, /* the SYN is unknown, or a tool's own: no system stands behind it */
	UA_UNSURE, /* what the SYN says is not enough */
	UA_OTHER_FITS, /* a lie but for another connection of the address; never from ua_judge() */
	UA_HONEST,
	UA_LIE,
};

struct ua_judgement {
	enum ua_answer answer;
	unsigned
		lie_permille; /* P(the client is none of what it claims), where the answer has one */
};

/**
 * ua_parse() - read a User-Agent.
 * @vocab: resolves the names of classes
 * @ua: NUL-terminated; any bytes
 */
void ua_parse(const struct vocab *vocab, const char *ua, struct ua_claim *ret_claim);

/** ua_judge() - compare a claim with the match of a SYN. */
void ua_judge(const struct ua_claim *claim, const struct match *match,
	      struct ua_judgement *ret_judgement);

/** ua_answer_has_probability() - false where there was nothing to compare. */
bool ua_answer_has_probability(enum ua_answer answer);

/** ua_answer_text() - the answer in words, one clause without a full stop. */
const char *ua_answer_text(enum ua_answer answer);

#endif
