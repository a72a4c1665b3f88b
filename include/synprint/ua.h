/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client says of itself in its User-Agent, compared with what its SYN says. A claim is
 * the set of classes whose honest clients send such a User-Agent: an iPad that asks for desktop
 * pages says Macintosh, an Android phone that does says Linux, and neither lies. Bots and
 * libraries claim nothing.
 */
#ifndef SYNPRINT_UA_H
#define SYNPRINT_UA_H

#include "synprint/match.h"

#define UA_LIE_PERMILLE 800 /* from here on a claim is called a lie */
#define UA_HONEST_PERMILLE 500 /* up to here it is believed; in between nothing is said */

struct ua_claim {
	const char *name; /* of the claimed class, static; NULL where nothing is claimed */
	uint64_t classes; /* bits of the class ids that may say so; 0: none the database knows */
	unsigned class_id; /* of the claimed class, 0 where the database has none of this name */
};

enum ua_answer {
	UA_NO_CLAIM, /* a bot, a library, or nothing */
	UA_UNSURE, /* the SYN is unknown, or what it says is not enough */
	UA_HONEST,
	UA_LIE,
};

struct ua_judgement {
	enum ua_answer answer;
	unsigned
		lie_permille; /* probability that the client is none of what it claims; 0 for UA_NO_CLAIM */
};

/**
 * ua_parse() - read a User-Agent.
 * @vocab: resolves the names of classes
 * @ua: NUL-terminated; any bytes
 */
void ua_parse(const struct vocab *vocab, const char *ua, struct ua_claim *ret_claim);

/**
 * ua_judge() - compare a claim with the probabilities of a SYN's classes.
 * @class_prob: as in struct match; NULL: the SYN is unknown
 */
void ua_judge(const struct ua_claim *claim, const float *class_prob,
	      struct ua_judgement *ret_judgement);

/** ua_answer_text() - the answer in words, one clause without a full stop. */
const char *ua_answer_text(enum ua_answer answer);

#endif
