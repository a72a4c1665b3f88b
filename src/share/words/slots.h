/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this gateway tells the others: up to 65,536 suspects, each in a slot of its own for as long
 * as it lasts. A withdrawn one leaves a tombstone until it would have expired, so that nobody who
 * was away brings it back. Slots come from a list of free ones, the one that is free longest first;
 * where all are in use, the suspect that expires first gives way. Pure: the time is the caller's,
 * seconds of a clock that nobody sets.
 */
#ifndef SYNPRINT_SHARE_WORDS_SLOTS_H
#define SYNPRINT_SHARE_WORDS_SLOTS_H

#include "share/words/message.h"

struct slots;

struct slots_stats {
	unsigned used; /* suspects */
	uint64_t evicted; /* that gave way while they were live */
};

/** slots_new() - empty. @seed: of the hash. Return: NULL without memory. */
struct slots *slots_new(uint64_t seed);
void slots_free(struct slots *slots);

/**
 * slots_put() - a suspect is live for @left_s seconds from now on.
 * @suspect: its epoch and seq are set here
 * @ret_slot: where it stands, on success
 * Return: 1: it is to be published; 0: what is published still says so, because nothing but its
 * end has changed, and more than half of its time is left.
 */
int slots_put(struct slots *slots, uint64_t now_s, const struct message *suspect, uint32_t left_s,
	      uint16_t *ret_slot);

/** slots_withdraw() - Return: 0 and where its tombstone is, or -ENOENT. */
int slots_withdraw(struct slots *slots, uint64_t now_s, const struct addr *addr,
		   uint16_t *ret_slot);

/**
 * slots_restore() - what a broker still holds of ours, from before a restart. Where the slot was
 * used again since, what was said now stays, and is numbered anew so that it is the newer one.
 * Return: 1 where the slot is to be published; 0 where we know as much or more.
 */
int slots_restore(struct slots *slots, uint64_t now_s, uint16_t slot, const struct message *message,
		  uint32_t left_s);

/** slots_expire() - free what has expired; once a second is enough. */
void slots_expire(struct slots *slots, uint64_t now_s);

/**
 * slots_get() - what is to be published for a slot.
 * @ret_left_s: its seconds, at least one
 * Return: 0, or -ENOENT where nothing stands there.
 */
int slots_get(const struct slots *slots, uint64_t now_s, uint16_t slot, struct message *ret_message,
	      uint32_t *ret_left_s);

/** slots_epoch() - of what is said from here on. A restored one that is not older moves it up. */
uint64_t slots_epoch(const struct slots *slots);

/** slots_set_epoch() - where to begin, such as the Unix time: later starts begin higher. */
void slots_set_epoch(struct slots *slots, uint64_t epoch);

void slots_get_stats(const struct slots *slots, struct slots_stats *ret_stats);

#endif
