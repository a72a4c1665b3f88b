/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bits of a packet's mark mean in a generation, and how one takes them over from another. */
#ifndef SYNPRINT_DAEMON_PACKETS_GENERATION_MARKS_H
#define SYNPRINT_DAEMON_PACKETS_GENERATION_MARKS_H

#include "daemon/packets/generation.h"

/**
 * generation_assign_marks() - which bits of the packet mark mean which set.
 * @old: at work until now, so that a bit keeps its meaning; NULL at the start
 */
void generation_assign_marks(struct generation *generation, const struct generation *old);

/**
 * generation_rules_params() - what the ruleset is made from; points into the configuration.
 * @is_settled: no SYN is on its way with bits of the generation before; else what has been given a
 * bit that meant something else is left alone
 */
void generation_rules_params(const struct generation *generation, bool is_settled,
			     struct rules_params *ret_params);

/** generation_must_settle() - whether the rules differ then. */
bool generation_must_settle(const struct generation *generation);

/**
 * generation_bits_of() - our bits of a packet's mark.
 * @met: the targets that the client belongs in
 * @withheld: those that it belongs in and is left out of
 */
uint32_t generation_bits_of(const struct generation *generation, const struct syn *syn,
			    const struct verdict *verdict, uint32_t met, uint32_t withheld);

/** generation_kept() - targets that packets filled in @old as they do now; NULL: none. */
uint32_t generation_kept(const struct generation *generation, const struct generation *old);

/**
 * generation_is_renewed() - has the kernel put the client into all sets that wait for a confirmation, and
 * that it belongs in, a short while ago? Then this connection needs none.
 * @met: the targets that the client belongs in
 */
bool generation_is_renewed(const struct generation *generation, const struct addr *addr,
			   uint32_t met, uint64_t now_ms);

/** generation_note_renewed() - it just has. @met: the targets that the connection's SYN belonged in */
void generation_note_renewed(const struct generation *generation, const struct addr *addr,
			     uint32_t met, uint64_t seen_ms);

#endif
