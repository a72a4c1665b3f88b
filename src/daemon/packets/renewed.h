/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which confirmed clients' elements the kernel has renewed a short while ago: their next connections
 * need no confirmation for that. A table of fixed size in which clients push each other out: who is
 * not in it is only confirmed once more. One thread notes and forgets, any thread asks.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_RENEWED_H
#define SYNPRINT_DAEMON_PACKETS_RENEWED_H

#include "core/base/addr.h"

struct renewed;

/**
 * renewed_new() - an empty table, in which nothing of before @now_ms counts; NULL: no memory.
 * @seed: random, so that nobody can aim at others' places
 * @now_ms: Unix time, as everywhere here
 */
struct renewed *renewed_new(uint64_t seed, uint64_t now_ms);
void renewed_free(struct renewed *renewed);

/**
 * renewed_note() - the client's elements in these sets, and in no others, are fresh.
 * @seen_ms: when the SYN came that said so; the elements are no older than that. 0: nobody knows
 */
void renewed_note(struct renewed *renewed, const struct addr *addr, uint32_t sets,
		  uint64_t seen_ms);

/** renewed_forget() - somebody may have changed the sets: nothing of before @now_ms counts any more. */
void renewed_forget(struct renewed *renewed, uint64_t now_ms);

/**
 * renewed_when() - since when at the latest the client has its elements in exactly these sets.
 * Return: Unix ms, up to 64 ms too early; 0: nobody knows.
 */
uint64_t renewed_when(const struct renewed *renewed, const struct addr *addr, uint32_t sets);

#endif
