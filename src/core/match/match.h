/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparison of one SYN with the database: which class of system sends such a SYN, with
 * which probability, and why. Pure, without allocation, its cost independent of the number of
 * signatures.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_H
#define SYNPRINT_CORE_MATCH_MATCH_H

#include "core/sig/sigdb.h"

#define MATCH_BEST_MAX SIGDB_BEST_MAX

enum match_kind {
	MATCH_NONE, /* nothing known looks like it */
	MATCH_FUZZY, /* whole but for what the path may change */
	MATCH_GENERIC, /* a signature that stands for many systems */
	MATCH_SPECIFIC, /* a signature of one system, whole */
};

struct match_guess {
	uint32_t sig; /* index for sigdb_sig() */
	uint16_t label;
	uint8_t class_id;
	float score; /* 0 to 10 */
};

struct match {
	uint64_t reasons; /* bits of enum reason */
	enum match_kind kind;
	uint8_t class_id, family_id; /* the likeliest family, and the likeliest class of it */
	uint16_t label;
	bool tool; /* the label is that of a tool that makes packets itself */
	bool unknown; /* no system can be named: the class is only the nearest one */
	bool sizes_window; /* likely a stack that makes its window of its own MSS */
	bool doubts_window; /* it does not, or it is a phone, on whose network carriers set MTUs */
	bool inconsistent; /* contradiction is 0.8 or more */
	uint8_t initial_ttl; /* of the signature, else the usual one above the TTL */
	uint8_t dist_hops; /* 0 to 126, or 127 where the TTL tells no distance */
	float contradiction; /* 0 to 1: how little the fields go together */
	float confidence; /* P(class_id), 0 to 1 */
	float family_confidence; /* P(family_id), at least confidence */
	float class_prob[VOCAB_CLASSES_MAX]; /* over class ids; sums to 1 unless MATCH_NONE */
};

/** match_syn() - compare; @ret_match is written whole. */
void match_syn(const struct sigdb *db, const struct syn *syn, struct match *ret_match);

/**
 * match_guesses() - the signatures that look most like it, one for each label, best first; not
 * for the hot path.
 * Return: how many there are, 0 where nothing is known.
 */
unsigned match_guesses(const struct sigdb *db, const struct syn *syn,
		       struct match_guess ret_guesses[MATCH_BEST_MAX]);

/* One step from knowing nothing to the verdict, or back for what the path did. */
struct match_step {
	const char *name; /* such as "layout" or "ttl_far", static */
	float class_prob; /* P(the verdict's class) after this step */
	float family_prob;
};

#define MATCH_STEPS_MAX 24

/* How a verdict came about: the last step's probabilities are the verdict's. */
struct match_explanation {
	struct match match;
	unsigned step_count;
	struct match_step steps[MATCH_STEPS_MAX]; /* the first is the prior */
};

/** match_explain() - match_syn() with its steps; not for the hot path. */
void match_explain(const struct sigdb *db, const struct syn *syn,
		   struct match_explanation *ret_explanation);

/* Fewer signatures than this say more of themselves than of their class. */
#define MATCH_AVERAGE_SIGS_MIN 8

struct match_average {
	float score; /* 0 to 10, the mean of the class's signatures */
	unsigned sigs; /* how many it is made of; 0: none is told for this class */
};

/**
 * match_averages() - for each class the mean score of all its signatures, as the TCP/IP
 * fingerprint article prints it. Walks the whole database. Tools have none: their few signatures
 * fit anything.
 * @ret_averages: over class ids
 */
void match_averages(const struct sigdb *db, const struct syn *syn,
		    struct match_average ret_averages[VOCAB_CLASSES_MAX]);

/** match_kind_name() - "none", "fuzzy", "generic" or "specific". */
const char *match_kind_name(enum match_kind kind);

#endif
