/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a thread that holds the dead-man's switch and the diversion rules. Five times a
 * second it renews the element without which nothing is diverted, but only while every worker
 * makes progress; once a second it looks whether the rules are still there. It has a thread to
 * itself because an nft commit can wait for somebody else's.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_KEEPER_H
#define SYNPRINT_DAEMON_PACKETS_KEEPER_H

#include "config/config.h"
#include "daemon/packets/worker.h"

struct keeper;

struct keeper_stats {
	bool has_rules; /* they are in the kernel */
	bool is_diverting; /* the switch is on */
	enum rules_engine engine; /* that carries them */
	uint64_t counted; /* inbound SYNs since our start, as the rules count them */
	uint64_t unclassified; /* of these, what passed without reaching a worker */
	uint64_t restored; /* how often somebody had deleted the rules */
	uint64_t withheld; /* heartbeats left out because a worker stood still */
};

/**
 * keeper_check_alone() - whether another synprintd diverts here already: there is one table and one
 * switch, so the second would take the first one's rules away. Waits for a dead one's switch.
 * Return: 0, or -EBUSY with the reason in words.
 */
int keeper_check_alone(const struct config *config, struct text_error *ret_error);

/**
 * keeper_start() - apply the rules, unless the engine is "none", and begin to divert.
 * @config: the keeper takes a reference
 * @workers: of the configured number; they run already, and outlive the keeper
 * Return: 0; -EPERM: no privileges; -errno, with the reason in words.
 */
int keeper_start(const struct config *config, struct worker *const *workers,
		 struct text_error *ret_error, struct keeper **ret_keeper);

/** keeper_reload() - from the next beat on, keep the rules of this configuration. */
void keeper_reload(struct keeper *keeper, const struct config *config);

/** keeper_stop() - end the thread and the diversion; workers then drain their queues. NULL is allowed. */
void keeper_stop(struct keeper *keeper);

/** keeper_get_stats() - as of the last look at the rules, at most a second ago. */
void keeper_get_stats(struct keeper *keeper, struct keeper_stats *ret_stats);

#endif
