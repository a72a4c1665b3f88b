/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts of the shapes that SYNs have, without addresses: for `unknown`, what nothing in the
 * database looks like; for `learn`, what each class was seen to send. Of fixed size and with a
 * lock of its own: any thread may call any function here. When it is full, the rarest of a few
 * entries gives way.
 */
#ifndef SYNPRINT_CORE_LEARN_TALLY_H
#define SYNPRINT_CORE_LEARN_TALLY_H

#include "core/sig/sig.h"
#include "core/base/vocab.h"

struct tally;

struct tally_params {
	size_t capacity; /* entries, 8 to 65536 */
	uint64_t seed; /* of the hash; random, so that nobody can aim at one slot */
	uint64_t keep_above; /* entries counted more often than this never give way; 0: all may */
};

struct tally_entry {
	struct sig sig; /* as tally_shape() makes it */
	uint64_t count;
	uint32_t first_seen_s, last_seen_s; /* Unix time */
	uint64_t networks; /* of voters: each has one of these bits, by its hash */
	uint8_t class_id; /* VOCAB_CLASS; 0 where nobody says */
};

struct tally_stats {
	size_t used, capacity;
	uint64_t total; /* everything that was added */
	uint64_t evicted; /* entries that gave way */
};

/** tally_new() - empty, its memory reserved at once; NULL: no memory or a bad capacity. */
struct tally *tally_new(const struct tally_params *params);
void tally_free(struct tally *tally);

/**
 * tally_shape() - what a SYN shows of its sender and not of the path: its raw signature with the
 * usual initial TTL and, where a path may have it, any MSS.
 * @ret_sig: written whole, its padding too, so that equal shapes are equal bytes
 */
void tally_shape(const struct syn *syn, struct sig *ret_sig);

/** tally_pad_sig() - a signature as a shape: the same, with zeroed padding. */
void tally_pad_sig(const struct sig *sig, struct sig *ret_sig);

/**
 * tally_add() - count a shape.
 * @now_ms: Unix time in milliseconds
 * @count: how many more
 * Return: 0, or -ENOSPC: full, and nothing that could give way.
 */
int tally_add(struct tally *tally, uint64_t now_ms, const struct sig *shape, unsigned class_id,
	      uint64_t count);

/** tally_vote() - as tally_add(), one more from a network. @networks: its bit, or several */
int tally_vote(struct tally *tally, uint64_t now_ms, const struct sig *shape, unsigned class_id,
	       uint64_t count, uint64_t networks);

/**
 * tally_list() - copy the entries, most frequent first.
 * Return: how many were copied, at most @max.
 */
size_t tally_list(struct tally *tally, struct tally_entry *ret_entries, size_t max);

void tally_get_stats(struct tally *tally, struct tally_stats *ret_stats);

#endif
