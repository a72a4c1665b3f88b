/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a SYN came through: the MTU behind its MSS, what is known to have such an MTU, and
 * whether the window says that the MSS was rewritten on the way. Graded evidence, never a
 * bare flag.
 */
#ifndef SYNPRINT_CORE_LINK_LINK_H
#define SYNPRINT_CORE_LINK_LINK_H

#include "core/syn/syn.h"
#include "core/base/text.h"
#include "core/base/vocab.h"

/* How much the evidence says about a tunnel. Only the last one flags by default. */
enum link_grade { LINK_NONE, LINK_ACCESS, LINK_POSSIBLE, LINK_LIKELY };

/* What sort of thing has an MTU; ambiguous is what access networks and tunnels both have. */
enum link_kind {
	LINK_UNKNOWN,
	LINK_ETHERNET,
	LINK_ACCESS_NET,
	LINK_AMBIGUOUS,
	LINK_TUNNEL,
	LINK_VPN,
	LINK_LOOPBACK,
};

struct link {
	uint64_t reasons; /* bits of enum reason */
	uint16_t mss, mtu; /* bytes; both 0 without the option */
	/* Hull and size of the set of MSS that the sender may have had: above ours where it was
	 * clamped, ours and above where it is its own; all 0 where the window is no evidence. */
	uint16_t orig_mss_min, orig_mss_max, orig_mss_count;
	uint8_t label; /* VOCAB_LINK */
	enum link_kind kind;
	enum link_grade grade;
	bool mss_own, mss_clamped;
};

struct linkdb;

/* One way to come by an MTU. */
struct link_candidate {
	uint32_t mtu; /* bytes */
	uint8_t label; /* VOCAB_LINK */
	enum link_kind kind;
	bool listed; /* the table names this very MTU; else it is arithmetic */
	bool on_interface; /* an interface has this MTU; else it shows only as a clamp */
	uint32_t row, base; /* for linkdb_explain() */
};

/** linkdb_new() - an empty table, whose link names go into @vocab (kept, not owned); NULL: no memory. */
struct linkdb *linkdb_new(struct vocab *vocab);
void linkdb_free(struct linkdb *db);

/**
 * linkdb_load() - add the rows of a link table's text (format: synprint-db(5)).
 * @ret_error: says line, column and reason on failure; may be NULL
 * Return: 0, -EINVAL for a bad line, -ENOSPC where the vocabulary is full, -ENOMEM; after a
 * failure the table is of no use and is to be freed.
 */
int linkdb_load(struct linkdb *db, const char *text, size_t len, struct text_error *ret_error);

/** linkdb_count() - rows in the table. */
size_t linkdb_count(const struct linkdb *db);

/**
 * linkdb_candidates() - every way to come by an MTU that the table knows, the best first: what
 * is listed, what an interface shows, what shows as a clamp.
 * @ip_version: 4 or 6, of the packet that shows the MTU
 * @is_clamped: the window says that the MSS was rewritten: clamps before listed tunnels, and
 * these before what only an interface shows
 * @ret_cands: receives up to @max of them; may be NULL with @max 0
 * Return: how many there are, also beyond @max.
 */
size_t linkdb_candidates(const struct linkdb *db, unsigned ip_version, unsigned mtu,
			 bool is_clamped, struct link_candidate *ret_cands, size_t max);

/** linkdb_explain() - append the arithmetic of a candidate of this table, in words and numbers. */
void linkdb_explain(const struct linkdb *db, const struct link_candidate *cand,
		    struct text_buf *out);

/** linkdb_source() - where the table has a candidate from; owned by the table. */
const char *linkdb_source(const struct linkdb *db, const struct link_candidate *cand);

/**
 * link_judge() - what the MSS and the window of a SYN say about its path.
 * @local_clamp_mss: the MSS to which a router in front of us clamps, 0 for none
 */
void link_judge(const struct linkdb *db, const struct syn *syn, uint16_t local_clamp_mss,
		struct link *ret_link);

/**
 * link_judge_answer() - the same for a SYN+ACK. Its window is reckoned with the timestamps that
 * were agreed on, so it says nothing of a rewritten MSS in the way in which a SYN's does.
 */
void link_judge_answer(const struct linkdb *db, const struct syn *syn, struct link *ret_link);

/**
 * link_window_origins() - the MSS values m that explain a window: floor(65535 / m) * m == win,
 * as Linux (net/ipv4/tcp_output.c, tcp_select_initial_window) and Windows choose it.
 * Linux rounds 65536 down: the divisor 1024 gives 65535 there, which is never evidence.
 * @min_mss, @max_mss: the range that is searched, in bytes
 * @ret_mss: receives up to @max values in ascending order; may be NULL with @max 0
 * Return: how many there are, also beyond @max.
 */
unsigned link_window_origins(uint16_t win, uint16_t min_mss, uint16_t max_mss, uint16_t *ret_mss,
			     unsigned max);

const char *link_grade_name(enum link_grade grade);
const char *link_kind_name(enum link_kind kind);

#endif
