/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The signature database: loaded from text once, then immutable and read by every worker
 * without a lock. A bad line refuses the whole text; a reload builds a new database and
 * swaps it.
 */
#ifndef SYNPRINT_CORE_SIG_SIGDB_H
#define SYNPRINT_CORE_SIG_SIGDB_H

#include "core/sig/sig.h"
#include "core/base/vocab.h"

#define SIGDB_ADDRESSES_MAX 16 /* that stand for this host behind NAT */
#define SIGDB_BEST_MAX 5 /* signatures that are kept as the likeliest of a shape */

struct sigdb;

/* What the notation cannot say: the `when` of a signature. */
enum sig_when {
	SIG_WHEN_ALWAYS,
	SIG_WHEN_IP_ID, /* ip_id=N: a fixed IP ID */
	SIG_WHEN_SEQ_IS_DST, /* seq=dst: the sequence number is the IPv4 destination address */
	SIG_WHEN_ID_IS_MIX, /* ip_id=dst^port^seq: low 16 bits of all three, as masscan does */
	SIG_WHEN_MSS, /* mss=N: an MSS that tells more than those which any MSS may have */
};

/* How a SYN may match: but for something, a signature of many systems, one of one system. */
enum sigdb_kind { SIGDB_FUZZY, SIGDB_GENERIC, SIGDB_SPECIFIC, SIGDB_KINDS };

/* What the database says about one signature. Texts are owned by the database. */
/* The source of what clients said of themselves: it speaks for its own whole shape alone. */
#define SIGDB_FROM_LEARNED "learned"

struct sigdb_info {
	const struct sig *sig;
	const char *source; /* the `from` line above it, "" without one */
	float permille; /* how much of its class's SYNs look like this; 0 where not given */
	uint16_t label, when_value;
	uint8_t class_id;
	enum sig_when when;
	uint8_t does; /* of a server: enum syn_offer, or-ed, with SYN_OFFER_KNOWN; 0: not said */
	bool generic, tool;
};

struct sigdb_stats {
	size_t sigs, labels, classes;
	size_t memory_bytes;
};

/**
 * sigdb_new() - an empty database, whose words go into @vocab (kept, not owned).
 * Return: the database, to be freed with sigdb_free(), or NULL: no memory.
 */
struct sigdb *sigdb_new(struct vocab *vocab);
void sigdb_free(struct sigdb *db);

/**
 * sigdb_read_answers() - from here on sigdb_load() reads signatures of SYN+ACKs, which stand below
 * [tcp:response], in place of those of SYNs. One database holds one kind.
 */
void sigdb_read_answers(struct sigdb *db);

/**
 * sigdb_load() - add the signatures of a text, in our format or p0f v3's (synprint-db(5)).
 * Several texts may follow each other.
 * @ret_error: line, column and reason on failure; may be NULL
 * Return: 0, -EINVAL for a bad line, -ENOMEM, -ENOSPC where the vocabulary is full; after a
 * failure the database is of no use and is to be freed.
 */
int sigdb_load(struct sigdb *db, const char *text, size_t len, struct text_error *ret_error);

/**
 * sigdb_set_prior() - weigh a class against the others, before sigdb_build(). Classes weigh 1
 * unless the text says otherwise.
 * @weight: more than 0, at most 1000000
 * Return: 0, or -EINVAL.
 */
int sigdb_set_prior(struct sigdb *db, unsigned class_id, float weight);

/**
 * sigdb_stand_for() - an IPv4 address that is this host's outside, where NAT rewrites it: conditions
 * on the destination hold for it too. Before sigdb_build().
 * @address: host byte order
 * Return: 0, or -ENOSPC beyond SIGDB_ADDRESSES_MAX.
 */
int sigdb_stand_for(struct sigdb *db, uint32_t address);

/**
 * sigdb_build() - make the index, after the last text and before the first match.
 * Return: 0, -EINVAL where there is no signature at all, -ENOSPC where the vocabulary has no room
 * for the names of what is only likely, -ENOMEM.
 */
int sigdb_build(struct sigdb *db);

void sigdb_get_stats(const struct sigdb *db, struct sigdb_stats *ret_stats);

/** sigdb_sig() - signature @index (below stats.sigs) and, where not NULL, its label's number. */
const struct sig *sigdb_sig(const struct sigdb *db, size_t index, uint16_t *ret_label);

/** sigdb_info() - all that is known about signature @index (below stats.sigs). */
struct sigdb_info sigdb_info(const struct sigdb *db, size_t index);

/* What the text's `doubt` line says of a kind of match; all 0 without one. */
struct sigdb_doubt {
	float share; /* P(something else than the sender is behind what it shows) */
	float right; /* families named rightly in years that the rates did not know, */
	unsigned syns; /* of so many; 0: not said */
};

struct sigdb_doubt sigdb_doubt(const struct sigdb *db, enum sigdb_kind kind);

/** sigdb_kind_name() - "fuzzy", "generic" or "specific". */
const char *sigdb_kind_name(enum sigdb_kind kind);

/** sigdb_prior() - P(class) before anything is known; they sum to 1 once built. */
float sigdb_prior(const struct sigdb *db, unsigned class_id);

#endif
