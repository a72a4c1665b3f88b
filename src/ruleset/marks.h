/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bit of the packet mark means what, between the queue and the chain behind it. The bits
 * come from a field that the administrator gives, the lowest first. A bit keeps its meaning while
 * SYNs are on their way: what stays the same over a reload keeps its bit, and what is new takes
 * one that meant nothing before, where there is one.
 */
#ifndef SYNPRINT_RULESET_MARKS_H
#define SYNPRINT_RULESET_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARKS_SETS_MAX 32
#define MARKS_LABELS_BYTES 16

struct marks {
	uint32_t field; /* all bits that may be ours */
	uint32_t diverted; /* it went to the queue */
	uint32_t
		judged; /* the agent has looked: whose bit is not set is to leave; 0: nobody asks */
	uint32_t ask; /* a confirmation of this connection would tell something; 0: nobody asks */
	uint32_t fresh; /* the same again passes unasked; 0: nothing is skipped */
	uint32_t sets[MARKS_SETS_MAX]; /* 0: there was no bit left, or the set needs none */
};

/* What a set's bit means: two that mean the same have the same number. 0: it needs no bit. */
struct marks_wanted {
	uint64_t meanings[MARKS_SETS_MAX];
	bool needs_judged, needs_ask, needs_fresh;
	bool asks_first; /* the bit that asks is worth more than a set's: sets wait for confirmations */
};

/**
 * marks_assign() - a bit for everything that needs one, as far as the field goes.
 * @old, @old_wanted: as they are now; NULL at the start
 * @ret_reused: bits that mean something else now; may be NULL
 */
void marks_assign(uint32_t field, const struct marks_wanted *wanted, const struct marks *old,
		  const struct marks_wanted *old_wanted, struct marks *ret_marks,
		  uint32_t *ret_reused);

/* Bits of the connection mark: what a candidate is a candidate for. */
struct marks_ct {
	uint32_t ask; /* nothing but a confirmation */
	uint32_t sets[MARKS_SETS_MAX]; /* 0: there was no bit left, or the set needs none */
	uint64_t
		meant[32]; /* by the bit's number: as marks_wanted's, what it means or ever meant */
	uint32_t clocks; /* it is measured; 0: none was wanted or left */
	uint32_t used; /* every bit that ever had a meaning */
};

/**
 * marks_assign_ct() - the same for the connection mark. Connections live for days, so a bit never
 * means anything else as long as we run: what comes back has its own again, and a set that comes when
 * none is left has none.
 * @meanings: MARKS_SETS_MAX of them
 * @old: as they are now; NULL at the start
 */
void marks_assign_ct(uint32_t field, const uint64_t *meanings, const struct marks_ct *old,
		     struct marks_ct *ret_marks);

/** marks_add_clocks() - then a bit for the clocks, if they want one; it stays theirs. */
void marks_add_clocks(uint32_t field, bool is_wanted, const struct marks_ct *old,
		      struct marks_ct *marks);

/**
 * marks_put_labels() - connection labels as the kernel's bitmap of 128, in the machine's words (its
 * include/linux/bitmap.h).
 * @high: a bit for each of the labels 96 to 127; @low: 64 to 95
 */
void marks_put_labels(uint32_t high, uint32_t low, uint8_t ret_bitmap[MARKS_LABELS_BYTES]);

/** marks_used() - all bits that are in use. */
uint32_t marks_used(const struct marks *marks);

#endif
