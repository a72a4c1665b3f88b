/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The groups of rules that make our ruleset, and what they are made from.
 *
 * A SYN that comes in: chain `divert` (priority -175) counts it and goes to `syn`. There the groups
 * stand one after another, each with what lets a SYN pass unasked; the switch is the last one and
 * sends the rest to `send`, which queues it. The agent's verdict brings it back with bits in its
 * mark, and chain `served` (-174) leads it through `back`: the switch learns that the queue
 * answers, `publish` fills sets for each bit, and the bits are cleared. So our bits exist between
 * these two priorities only.
 *
 * A group that has something to do there adds rules to `syn` or `publish`; one that looks at other
 * packets adds base chains of its own. Groups are built in the order of groups_build(), and a
 * chain's rules are in the order in which they were added.
 */
#ifndef SYNPRINT_RULESET_GROUPS_H
#define SYNPRINT_RULESET_GROUPS_H

#include "ruleset/params.h"
#include "ruleset/ruleset.h"

#define GROUPS_PRIORITY (-175) /* behind conntrack (-200), before mangle (-150) and all policy */
#define GROUPS_FOREIGN_PRIORITY 0x53594e50 /* "SYNP": no class of a qdisc is called so */
#define GROUPS_ANSWERING "answering" /* queues whose agent answered lately */
#define GROUPS_WAITING "waiting" /* queues that a SYN went into and none came back from since */

/* Sets of a trial, see group_trial.c. */
#define GROUPS_TRIAL_PASSED "trial_passed"
#define GROUPS_TRIAL_PASSED_AGAIN "trial_passed_again"
#define GROUPS_TRIAL_SENT "trial_sent"
#define GROUPS_TRIAL_SENT_AGAIN "trial_sent_again"
#define GROUPS_TRIAL_FRESH "trial_fresh"
#define GROUPS_TRIAL_SIZE 4096
#define GROUPS_TRIAL_MS 60000 /* elements stay so long; longer than a trial */

/**
 * groups_build() - the whole ruleset.
 * @engine: RULES_NFT or RULES_XT
 * @ret_ruleset: to be given to ruleset_free()
 * Return: 0 or -ENOMEM.
 */
int groups_build(const struct rules_params *params, enum rules_engine engine,
		 struct ruleset *ret_ruleset);

/* Each adds its chains, sets and rules. */
void group_divert(struct ruleset *ruleset, const struct rules_params *params);
void group_skip(struct ruleset *ruleset, const struct rules_params *params);
void group_trial(struct ruleset *ruleset, const struct rules_params *params);
void group_publish(struct ruleset *ruleset, const struct rules_params *params);
void group_switch(struct ruleset *ruleset, const struct rules_params *params);
void group_whole(struct ruleset *ruleset, const struct rules_params *params);
void group_confirm(struct ruleset *ruleset, const struct rules_params *params);
void group_clocks(struct ruleset *ruleset, const struct rules_params *params);

/* Parts of group_confirm() that stand between rules of group_switch(). */
void group_confirm_candidates(struct ruleset *ruleset, const struct rules_params *params);
void group_confirm_unasked(struct ruleset *ruleset, const struct rules_params *params,
			   const char *chain);

#endif
