/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keeper: a thread that sees to it that our rules stay in the kernel. It looks twice a second,
 * and changes nothing while all is well: the packets clock the switch themselves. What it mends:
 * rules that somebody deleted or changed, a table that somebody made dormant, a queue that counts as waiting
 * although its only SYN was dropped. It has a thread to itself because an nft commit can wait for
 * somebody else's.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_KEEPER_H
#define SYNPRINT_DAEMON_PACKETS_KEEPER_H

#include "config/config.h"
#include "daemon/packets/worker.h"

struct keeper;

struct keeper_stats {
	bool has_rules; /* they are in the kernel */
	bool is_diverting; /* and some queue gets SYNs */
	enum rules_engine engine; /* that carries them */
	uint64_t counted; /* inbound SYNs since our start, as the rules count them */
	uint64_t unclassified; /* of these, what passed without reaching a worker */
	uint64_t skipped; /* passed unasked: the same shape of a known client */
	uint64_t marked; /* passed because somebody else uses our bits of the mark */
	uint64_t unanswered; /* passed because their queue did not answer */
	uint64_t filled, refused; /* elements that packets brought; refused by full sets */
	uint64_t restored; /* how often somebody had deleted, changed or switched off the rules */
	uint64_t others; /* how often rules of another configuration were found in their place */
	uint32_t stalled; /* a bit for each worker that has made no progress for a second */
	uint64_t forgotten; /* queues that waited for a SYN that had been dropped */
	uint64_t trials; /* whether diverting does harm, see harm.h */
	bool is_harmful; /* it does: nothing is diverted until a reload */
	struct rules_trial trial; /* that said so */
};

/**
 * keeper_check_alone() - whether another synprintd diverts here already: there is one table, so the
 * second would take the first one's rules away. Who is dead reads no queue.
 * @proc_fd: nfqueue_proc_open()
 * Return: 0, or -EBUSY with the reason in words.
 */
int keeper_check_alone(const struct config *config, int proc_fd, struct text_error *ret_error);

/**
 * keeper_start() - apply the rules, unless the engine is "none", and begin to divert.
 * @config: the keeper takes a reference; @params point into it
 * @workers: of the configured number; they run already, and outlive the keeper
 * @has_rules: the pipeline's, which the keeper alone writes from now on
 * Return: 0; -EPERM: no privileges; -errno, with the reason in words.
 */
int keeper_start(const struct config *config, const struct rules_params *params,
		 struct worker *const *workers, bool *has_rules, struct text_error *ret_error,
		 struct keeper **ret_keeper);

/**
 * keeper_change() - replace the rules, in one transaction, from the thread that reloads. Nothing is
 * done while the engine is "none". What is left to settle is superseded, and not told as settled.
 * Return: 0, or -errno with the reason in words; then the old ones stay.
 */
int keeper_change(struct keeper *keeper, const struct config *config,
		  const struct rules_params *params, struct text_error *ret_error);

/**
 * keeper_settle() - replace them once more, when every worker has sent the verdicts of what it
 * works at now; then call @settled, from the keeper's thread. A failure is tried again.
 * @params: point into the configuration of the last keeper_change()
 */
void keeper_settle(struct keeper *keeper, const struct rules_params *params,
		   void (*settled)(void *ctx), void *ctx);

/** keeper_is_settled() - nothing is left to do. */
bool keeper_is_settled(struct keeper *keeper);

/** keeper_may_change() - no verdict of before keeper_settle() is on its way, whether that is done or not. */
bool keeper_may_change(struct keeper *keeper);

/** keeper_stop() - end the thread and the diversion; workers then drain their queues. NULL is allowed. */
void keeper_stop(struct keeper *keeper);

/**
 * keeper_refused() - elements that packets brought to full sets NAME4 and NAME6, since the last reload.
 * @ret_is_full: one of the two was full within the last minute
 */
uint64_t keeper_refused(struct keeper *keeper, const char *name, bool *ret_is_full);

/** keeper_ruleset() - a number that changed if anybody changed the ruleset, as of the last look. */
uint32_t keeper_ruleset(struct keeper *keeper);

/** keeper_get_stats() - as of the last look at the rules, at most a second ago. */
void keeper_get_stats(struct keeper *keeper, struct keeper_stats *ret_stats);

#endif
