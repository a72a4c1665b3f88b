/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules and queues. Where rules.engine is "none" they are the administrator's: those that 'synprint
 * rules print' gave, or any that lead into the daemon's queues.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cli/selftest/selftest.h"
#include "input/foreign.h"
#include "input/nfqueue_proc.h"
#include "input/rules.h"
#include "nl/nft_ask.h"

#define SWITCH_MS 500
#define TRIES 3
#define RETURN_TRIES 6 /* so long the keeper may take on a busy machine */
#define LOOKS_MIN 2 /* the keeper needs so long to see that a worker stands still */

static void check_bypass(struct selftest *test, const struct rules_status *rules)
{
	if (rules->has_bypass)
		selftest_tell(test, OUTCOME_OK, "bypass",
			      "every rule lets SYNs pass while nobody reads the queue");
	else
		selftest_tell(test, OUTCOME_FAILED, "bypass",
			      rules->is_foreign
				      ? "a rule of yours holds SYNs when synprintd is dead: add "
					"'bypass' to it, as 'synprint rules print' has it"
				      : "a rule holds SYNs when synprintd is dead: remove it and "
					"run 'synprint rules apply'");
}

/* Rules of others that lead into our queues, besides ours: leftovers, or somebody who counts as we do. */
static void check_intruders(struct selftest *test, struct nl *nl, const struct rules_status *rules)
{
	struct foreign_queues found = {.count = 0};

	if (rules->is_foreign ||
	    foreign_find_queues(nl, rules->queue_first, rules->queue_count, false, &found) < 0)
		return;
	if (found.holds)
		selftest_tell(
			test, OUTCOME_FAILED, "bypass",
			"%s leads packets into a queue of synprintd's and has no 'bypass': it "
			"holds them when synprintd is dead. Remove it, or give it another queue",
			found.holds_where);
	else if (found.count)
		selftest_tell(
			test, OUTCOME_FAILED, "rules",
			"%s leads packets into a queue of synprintd's, besides its own rules: "
			"remove it, or give it another queue",
			found.where);
}

static unsigned count_stalled(const struct selftest *test)
{
	const cJSON *queue;
	unsigned count = 0;

	cJSON_ArrayForEach (queue, ask_member(test->status, "queues"))
		count += cJSON_IsTrue(ask_member(queue, "stalled"));
	return count;
}

/*
 * On a machine that is busy a worker may stand still for a moment, and a SYN wait: what is not well
 * is looked at more often than what is.
 */
static void check_switch(struct selftest *test, struct nl *nl)
{
	struct rules_status rules = {.is_present = false};
	uint32_t waiting = UINT32_MAX;
	unsigned stalled = 0;

	for (unsigned i = 0; i < TRIES && (i < LOOKS_MIN || stalled || waiting); i++) {
		selftest_sleep_ms(SWITCH_MS);
		if (rules_get_status(nl, &rules) == 0)
			waiting &= rules.waiting;
		if (selftest_read_status(test))
			stalled = count_stalled(test);
	}
	if (rules.is_dormant)
		selftest_tell(test, OUTCOME_FAILED, "switch",
			      "table inet synprint is dormant, so nothing is diverted: 'nft add "
			      "table inet "
			      "synprint' wakes it");
	else if (stalled || waiting)
		selftest_tell(
			test, OUTCOME_FAILED, "switch",
			"SYNs pass by: a worker of synprintd stands still, or it is stopped (%u "
			"stand still, %d queues do not answer); restart it",
			stalled, __builtin_popcount(waiting));
	else
		selftest_tell(test, OUTCOME_OK, "switch", "every queue answers");
}

static void check_marks(struct selftest *test, const struct rules_status *rules)
{
	if (rules->marked)
		selftest_tell(
			test, OUTCOME_FAILED, "marks",
			"%llu SYNs came with bits of rules.mark_field in their mark, and passed "
			"unclassified: give rules.mark_field bits that nobody else uses",
			(unsigned long long)rules->marked);
	else
		selftest_tell(test, OUTCOME_OK, "marks",
			      "nobody else uses our bits of the packet mark");
}

/* Rules that we know by their tag, ours or printed by us. */
static void check_known_rules(struct selftest *test, struct nl *nl,
			      const struct rules_status *rules)
{
	selftest_tell(test, OUTCOME_OK, "rules", "engine %s, queues %u to %u, %s%s",
		      rules_engine_name(rules->engine), rules->queue_first,
		      rules->queue_first + rules->queue_count - 1u,
		      rules->interface_count ? "named interfaces" : "all interfaces",
		      rules->is_foreign ? ", loaded by you" : "");
	check_bypass(test, rules);
	check_intruders(test, nl, rules);
	check_switch(test, nl);
	check_marks(test, rules);
}

static bool is_diverting(const struct selftest *test)
{
	return cJSON_IsTrue(ask_member(ask_member(test->status, "rules"), "diverting"));
}

/* Any rules of the administrator's that lead into our queues. */
static void check_own_rules(struct selftest *test, struct nl *nl)
{
	const cJSON *queues = ask_member(test->status, "queues");
	uint16_t first = (uint16_t)ask_number(cJSON_GetArrayItem(queues, 0), "queue");
	struct foreign_queues found = {.count = 0};
	int rc = foreign_find_queues(nl, first, (uint16_t)cJSON_GetArraySize(queues), true, &found);

	if (rc < 0)
		selftest_tell(test, OUTCOME_FAILED, "rules", "cannot be read from the kernel: %s",
			      strerror(-rc));
	else if (found.holds)
		selftest_tell(test, OUTCOME_FAILED, "bypass",
			      "%s has no 'bypass': it holds SYNs when synprintd is dead",
			      found.holds_where);
	else if (found.count)
		selftest_tell(test, OUTCOME_OK, "rules",
			      "are yours (rules.engine is \"none\"), such as %s", found.where);
	else if (is_diverting(test) || ask_number(cJSON_GetArrayItem(queues, 0), "received") > 0)
		selftest_tell(test, OUTCOME_OK, "rules",
			      "are yours (rules.engine is \"none\"), and SYNs come; where they are "
			      "was not found");
	else
		selftest_tell(test, OUTCOME_FAILED, "rules",
			      "rules.engine is \"none\", and no rule leads SYNs to queue %u: load "
			      "what 'synprint rules print' prints, or set rules.engine = \"auto\"",
			      first);
}

static bool is_harmful(const struct selftest *test)
{
	return cJSON_IsTrue(ask_member(ask_member(test->status, "rules"), "harmful"));
}

static bool check_harm(struct selftest *test)
{
	const cJSON *advice;

	if (!is_harmful(test))
		return false;
	cJSON_ArrayForEach (advice, ask_member(test->status, "advice"))
		if (strcmp(ask_text(advice, "about"), "rules") == 0)
			selftest_tell(test, OUTCOME_FAILED, "rules", "%s",
				      ask_text(advice, "text"));
	return true;
}

static void check_missing_rules(struct selftest *test, struct nl *nl)
{
	uint32_t flags = 0;

	if (nft_get_table(nl, NFT_OUR_TABLE, &flags) == 0 && flags & NFT_TABLE_F_OWNER)
		selftest_tell(test, OUTCOME_FAILED, "rules",
			      "are not in the kernel: another process owns table inet synprint "
			      "(nft's flag 'owner'); end it, and synprintd restores them");
	else
		selftest_tell(
			test, OUTCOME_FAILED, "rules",
			"are not in the kernel, though synprintd looks for them twice a second: "
			"its log says what keeps it from restoring them (journalctl -u "
			"synprintd), or this is another network namespace");
}

static bool has_engine(const struct selftest *test)
{
	if (test->config)
		return test->config->engine != RULES_NONE;
	return strcmp(ask_text(ask_member(test->status, "rules"), "engine"), "none") != 0;
}

/* Rules that somebody has just removed are about to come back. */
static int look_at_rules(const struct selftest *test, struct nl *nl, struct rules_status *rules)
{
	int rc = rules_get_status(nl, rules);

	for (unsigned tries = 1; tries < RETURN_TRIES && rc == 0 && !rules->is_present &&
				 has_engine(test) && !is_harmful(test);
	     tries++) {
		selftest_sleep_ms(SWITCH_MS);
		rc = rules_get_status(nl, rules);
	}
	return rc;
}

void selftest_check_rules(struct selftest *test)
{
	struct rules_status rules = {.is_present = false};
	struct nl *nl = NULL;
	int rc = nl_open(&nl);

	rc = rc ? rc : look_at_rules(test, nl, &rules);
	if (rc == -EPERM)
		selftest_tell(test, OUTCOME_SKIPPED, "rules", "only root may look at them");
	else if (rc < 0)
		selftest_tell(test, OUTCOME_FAILED, "rules", "cannot be read from the kernel: %s",
			      strerror(-rc));
	else if (rules.is_present)
		check_known_rules(test, nl, &rules);
	else if (!has_engine(test))
		check_own_rules(test, nl);
	else if (!check_harm(test))
		check_missing_rules(test, nl);
	nl_close(nl);
}

/* The daemon may not have the right to ask, where it is a service; root has. */
static void check_drops(struct selftest *test, unsigned number, int proc_fd)
{
	struct nfqueue_figures figures;

	if (proc_fd < 0 || nfqueue_proc_read(proc_fd, number, &figures) < 0)
		return;
	if (figures.queue_dropped || figures.user_dropped)
		selftest_tell(test, OUTCOME_FAILED, "queue",
			      "the kernel dropped %llu SYNs on queue %u: raise queue.length and "
			      "queue.receive_buffer, or add queues",
			      (unsigned long long)(figures.queue_dropped + figures.user_dropped),
			      number);
}

void selftest_check_queues(struct selftest *test)
{
	const cJSON *queue;
	unsigned count = 0;
	int proc_fd = nfqueue_proc_open();

	cJSON_ArrayForEach (queue, ask_member(test->status, "queues")) {
		count++;
		if (ask_number(queue, "accept_failures") > 0)
			selftest_tell(test, OUTCOME_FAILED, "queue",
				      "the kernel refused %.0f answers on queue %.0f at first, and "
				      "their SYNs waited: the log of synprintd says why",
				      ask_number(queue, "accept_failures"),
				      ask_number(queue, "queue"));
		check_drops(test, (unsigned)ask_number(queue, "queue"), proc_fd);
	}
	if (proc_fd >= 0)
		close(proc_fd);
	selftest_tell(test, count ? OUTCOME_OK : OUTCOME_FAILED, "queues", "%u are read", count);
}
