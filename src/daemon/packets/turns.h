/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns of the workers' loops: after two of them, what a worker had when one began to look is sent
 * back to the kernel.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_TURNS_H
#define SYNPRINT_DAEMON_PACKETS_TURNS_H

#include "daemon/packets/worker.h"
#include "nl/nl.h"

/** turns_note() - where each of @count workers is now. */
void turns_note(struct worker *const *workers, unsigned count, uint64_t *ret_ticks);

/** turns_are_over() - whether each has turned its loop twice since. */
bool turns_are_over(struct worker *const *workers, unsigned count, const uint64_t *ticks);

/**
 * turns_stalled() - who has not turned its loop since the last call, after which all were woken. Each
 * caller calls again when a sound worker has had time for a turn.
 * @ticks: where each was at the last call; where it is now
 * Return: a bit for each worker that stands still
 */
uint32_t turns_stalled(struct worker *const *workers, unsigned count, uint64_t *ticks);

/**
 * turns_remove_clocks() - take the chains of group_clocks.c away. Who removes a base chain drops what
 * waits in a queue, so nothing is diverted until the queues have run dry, a fifth of a second; where
 * one does not, the chains stay. The diverting rules are to be loaded again behind it.
 */
void turns_remove_clocks(struct nl *nl, struct worker *const *workers, unsigned count);

#endif
