/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other gateways say of addresses: beside the client table and never in it, because hearsay
 * changes no verdict, no baseline and nothing that is learned. A record for each (address, origin),
 * bounded by the capacity and for each address. Any thread may call any function. Time is seconds
 * of a clock that nobody sets, from the caller.
 */
#ifndef SYNPRINT_CORE_REPORTED_REPORTED_H
#define SYNPRINT_CORE_REPORTED_REPORTED_H

#include "core/base/addr.h"

#define REPORTED_ORIGIN_MAX 33 /* bytes of a gateway's name, with the NUL */
#define REPORTED_LABEL_MAX 64 /* bytes, with the NUL */
#define REPORTED_PER_ADDRESS 64 /* origins */
#define REPORTED_ORIGINS_MAX 16 /* that a rule names */

struct reported;

/* One origin's word about one address. */
struct reported_word {
	struct addr addr;
	char origin[REPORTED_ORIGIN_MAX];
	char label[REPORTED_LABEL_MAX];
	unsigned flags; /* enum verdict_flag, or-ed */
	uint16_t confidence_permille;
	uint32_t left_s; /* 0: withdrawn */
};

/* Which words a set asks for, and how many have to agree. */
struct reported_rule {
	const char *origins[REPORTED_ORIGINS_MAX]; /* kept by the caller; "*" stands for all */
	unsigned origin_count; /* 0: the rule is not about reports */
	unsigned min_origins; /* at least 1 */
	unsigned flags; /* one is enough; 0: any */
	uint16_t min_permille;
};

struct reported_stats {
	unsigned capacity, used;
	uint64_t refused; /* no room */
};

/** reported_new() - @capacity: records. Return: NULL without memory. */
struct reported *reported_new(unsigned capacity, uint64_t seed);
void reported_free(struct reported *reported);

/**
 * reported_put() - take a word, or take it back (left_s 0).
 * Return: 0; -ENOSPC: no room, and nothing is changed.
 */
int reported_put(struct reported *reported, uint64_t now_s, const struct reported_word *word);

/** reported_begin() - everything is told anew from here on. */
void reported_begin(struct reported *reported);

/**
 * reported_end() - what was not told since reported_begin() is not vouched for any more.
 * @fn: called for the address of each record that went, under the lock: it only notes it
 */
void reported_end(struct reported *reported, void (*fn)(void *ctx, const struct addr *addr),
		  void *ctx);

/** reported_expire() - drop what has expired; once in some seconds is enough. */
void reported_expire(struct reported *reported, uint64_t now_s);

/** reported_forget() - what is said of a network, until it is said again. Return: how many words. */
unsigned reported_forget(struct reported *reported, const struct addr_net *net);

/** reported_get() - the live words about an address. Return: how many of @max were written. */
unsigned reported_get(struct reported *reported, uint64_t now_s, const struct addr *addr,
		      struct reported_word *ret_words, unsigned max);

/** reported_left() - for how many seconds from now on the rule is met; 0: it is not. */
uint32_t reported_left(struct reported *reported, uint64_t now_s, const struct addr *addr,
		       const struct reported_rule *rule);

/**
 * reported_page() - addresses of live words, from a cursor on (0 at first). One with several words
 * may come several times.
 * Return: how many of @max were written; *cursor is 0 at the end.
 */
unsigned reported_page(struct reported *reported, uint64_t now_s, uint64_t *cursor,
		       struct addr *ret_addrs, unsigned max);

void reported_get_stats(struct reported *reported, struct reported_stats *ret_stats);

#endif
