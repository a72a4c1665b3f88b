/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Learning from what clients say of themselves: how often each class sent each shape, as a
 * signature file that is read after the base database. It keeps out liars by what the base
 * database alone says, so that lies which were learned never vouch for others. No addresses
 * leave this module. One thread.
 */
#ifndef SYNPRINT_CORE_LEARN_LEARN_H
#define SYNPRINT_CORE_LEARN_LEARN_H

#include "core/match/match.h"
#include "core/learn/tally.h"
#include "core/learn/ua.h"

/* A claim whose classes have less than this by the base database is taken for a lie. With one label
 * in eight lying (what labelled_syns.jsonl has) about any of five systems, a claim of this
 * probability is nine times as likely to be honest: 0.88 * 0.25 / (0.12 * 0.2). */
#define LEARN_PROB_MIN 0.25f

/* One SYN is 0.4 of 1000: the base database's rates come from 2,500 SYNs a class. */
#define LEARN_COUNT_MAX 2500

/*
 * What one liar says counts for nothing, and what one network says not for much: a shape is written
 * from so many voters of so many networks (a /24, an IPv6 /48) on, as often as it has voters, but
 * at most so often for each of the networks.
 */
#define LEARN_VOTERS_MIN 10
#define LEARN_NETWORKS_MIN 5
#define LEARN_NETWORK_MAX 10

/* What classes weigh at this site is learned once so many have so many SYNs each. */
#define LEARN_CLASS_MIN 50
#define LEARN_CLASSES_MIN 3

struct learn;

enum learn_result {
	LEARN_COUNTED,
	LEARN_NO_CLAIM,
	LEARN_LIE, /* the base database says that it is nothing that claims so */
	LEARN_VOTED, /* this client has been counted for this shape */
	LEARN_FULL, /* no room for one more shape */
};

struct learn_params {
	size_t max_shapes; /* 8 to 65536 */
	uint64_t seed; /* of the hashes; random */
	const struct vocab *vocab; /* kept, not owned */
};

/** learn_new() - nothing learned; its memory reserved at once. NULL: no memory or bad parameters. */
struct learn *learn_new(const struct learn_params *params);
void learn_free(struct learn *learn);

/**
 * learn_add() - one client's SYN along with what it claims to be.
 * @base: the database without anything learned
 * Each client has one vote for each shape while it is remembered: 16 votes for each shape that
 * there is room for, the oldest of a few forgotten first.
 */
enum learn_result learn_add(struct learn *learn, const struct sigdb *base, uint64_t now_ms,
			    const struct syn *syn, const struct ua_claim *claim);

/** learn_take() - count what a learned file says again; votes that were too few are not in it. @db: that file alone, not built */
void learn_take(struct learn *learn, uint64_t now_ms, const struct sigdb *db);

/**
 * learn_put_text() - append what has voters enough as a signature file.
 * Return: 0, or -ENOMEM; buf->overflow says whether it fitted.
 */
int learn_put_text(struct learn *learn, struct text_buf *buf);

void learn_get_stats(struct learn *learn, struct tally_stats *ret_stats);

/** learn_result_name() - "counted", "no claim", "lie", "voted" or "full". */
const char *learn_result_name(enum learn_result result);

#endif
