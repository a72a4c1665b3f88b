/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the clocks of several connections say of a client: an address and the shape of its SYN. One
 * connection says little: who thinks before he answers has a slow second clock. Only what is slow in
 * each of several connections is a proxy's, so the minimum of each clock counts; and one connection
 * with two quick clocks shows that somebody speaks for himself, and clears it.
 *
 * Connections at the same time are one witness: a machine that is busy lets all of them wait. They
 * count as one, or half each where they wait equally long, as those of a proxy do.
 *
 * A table of fixed size; who was measured longest ago gives way. Every function takes the table's
 * lock, so any thread may call any of them. Time comes from the caller.
 */
#ifndef SYNPRINT_CORE_CLOCKS_EVIDENCE_H
#define SYNPRINT_CORE_CLOCKS_EVIDENCE_H

#include "core/base/text.h"
#include "core/clocks/clocks.h"

#define EVIDENCE_QUICK_MS 5 /* a clock below it is quick: client and TCP are one machine */
#define EVIDENCE_LIFE_S 86400 /* who was not measured for so long is not known any more */
#define EVIDENCE_MANY 5 /* connections, of which one may be left out */
#define EVIDENCE_SHAPES 4 /* shapes of one address that evidence_list() gives */

enum evidence_grade {
	EVIDENCE_NONE, /* too few connections, or nothing is slow */
	EVIDENCE_SPLIT, /* something on the way ends TCP: a relay, a carrier, a satellite; no flag */
	EVIDENCE_SUSPECTED,
	EVIDENCE_LIKELY, /* VERDICT_PROXY */
	EVIDENCE_GRADE_COUNT
};

struct evidence {
	uint32_t shape; /* clocks_shape() */
	uint32_t connections; /* that count since the last quick one */
	uint32_t by_arrival; /* of these, without timestamps that could be trusted */
	uint32_t c1_ms, c2_ms; /* minimum of each clock; 0 without connections */
	uint32_t c1_next_ms, c2_next_ms; /* and the second smallest, where there are two */
	uint32_t quick_s; /* Unix time of the last one with two quick clocks; 0: none */
	uint32_t seen_s; /* of the last one of all */
};

struct evidence_stats {
	size_t capacity, used;
	size_t graded[EVIDENCE_GRADE_COUNT]; /* clients, as of their last connection */
	uint64_t evicted;
	size_t memory_bytes;
};

struct evidence_params {
	size_t capacity; /* clients, 1 at least */
	unsigned v6_prefix_bits; /* 128, or 64 to count an IPv6 subnet as one client */
	uint64_t seed; /* of the hash */
};

struct evidence_table;

/** evidence_new() - an empty table; NULL: no memory. */
struct evidence_table *evidence_new(const struct evidence_params *params);
void evidence_free(struct evidence_table *table);

/**
 * evidence_note() - count a connection that was measured.
 * @now_s: Unix time
 * @ret_evidence: of its client and shape, this connection among it; may be NULL
 * Return: the grade of it.
 */
enum evidence_grade evidence_note(struct evidence_table *table, uint32_t now_s,
				  const struct clocks_measure *measure,
				  struct evidence *ret_evidence);

/** evidence_has_likely() - whether anybody is EVIDENCE_LIKELY; one load and no lock. */
bool evidence_has_likely(const struct evidence_table *table);

/** evidence_is_likely() - whether a client with this shape is EVIDENCE_LIKELY now. */
bool evidence_is_likely(struct evidence_table *table, uint32_t now_s, const struct addr *addr,
			uint32_t shape);

/**
 * evidence_list() - what is known of an address, the strongest grade first.
 * @ret_list: EVIDENCE_SHAPES of them
 * Return: how many there are, EVIDENCE_SHAPES at the most.
 */
unsigned evidence_list(struct evidence_table *table, uint32_t now_s, const struct addr *addr,
		       struct evidence *ret_list);

/**
 * evidence_next() - walk through the table, from who was measured longest ago on.
 * @cursor: begins as 0; nobody may note or forget anything before the walk has ended
 * @ret_addr, @ret_evidence: untouched at the end
 * Return: false at the end.
 */
bool evidence_next(struct evidence_table *table, uint64_t *cursor, struct addr *ret_addr,
		   struct evidence *ret_evidence);

/** evidence_forget() - all shapes of the addresses in a network. Return: how many there were. */
size_t evidence_forget(struct evidence_table *table, const struct addr_net *net);

void evidence_get_stats(struct evidence_table *table, struct evidence_stats *ret_stats);

/** evidence_is_by_arrival() - most of its connections had no timestamps that could be trusted. */
static inline bool evidence_is_by_arrival(const struct evidence *evidence)
{
	return evidence->by_arrival * 2 > evidence->connections;
}

/**
 * evidence_leaves_one_out() - so many by arrival that the second smallest counts: one packet that
 * the path held back makes one wait look short.
 */
static inline bool evidence_leaves_one_out(const struct evidence *evidence)
{
	return evidence_is_by_arrival(evidence) && evidence->connections >= EVIDENCE_MANY;
}

/** evidence_c1_ms(), evidence_c2_ms() - what counts of each clock. */
static inline uint32_t evidence_c1_ms(const struct evidence *evidence)
{
	return evidence_leaves_one_out(evidence) ? evidence->c1_next_ms : evidence->c1_ms;
}

static inline uint32_t evidence_c2_ms(const struct evidence *evidence)
{
	return evidence_leaves_one_out(evidence) ? evidence->c2_next_ms : evidence->c2_ms;
}

/** evidence_grade() - what it says by itself; pure. */
enum evidence_grade evidence_grade(const struct evidence *evidence);

/** evidence_grade_name() - "none", "split", "suspected" or "likely"; NULL for none of these. */
const char *evidence_grade_name(enum evidence_grade grade);

#define EVIDENCE_TEXT_MAX 320 /* of evidence_put_text(), with a NUL */

/** evidence_put_text() - the reasons in words, without the last full stop. */
void evidence_put_text(const struct evidence *evidence, struct text_buf *out);

/**
 * evidence_put_json() - as an object: grade, connections, c1_ms, c2_ms, by ("timestamps" or
 * "arrival"), last_quick (quick_s, or null) and the reason in words.
 */
void evidence_put_json(const struct evidence *evidence, struct text_buf *out);

#endif
