/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reload leaves to the keeper, with a kernel and workers that do as they are told. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/packets/beats.h"
#include "daemon/packets/keeper.h"
#include "input/nfqueue_proc.h"
#include "input/rules.h"
#include "nap.h"
#include "nl/nft.h"

#define FINGERPRINT 4000
#define PRINTED 5000 /* of what is printed for an administrator */
#define WAIT_MS 30000 /* where the test is not about time */

/* In place of the kernel and the workers; what the keeper's thread reads is atomic. */
static struct {
	unsigned refused; /* rules, a bit for each limit */
	unsigned applied, failed, settled;
	uint32_t fingerprint; /* of the rules that are there; of ours it is FINGERPRINT + limit */
	uint32_t waiting; /* queues, as the rules have it */
	unsigned forgotten;
	bool is_trial; /* the rules in force try whether diverting does harm */
	bool is_spoiled; /* somebody has deleted the trial's sets: it is over */
	uint64_t repeats;
	uint64_t received; /* by the worker, one more whenever it is asked, where it receives */
	bool receives;
	unsigned undiverted,
		removed; /* removed: chains of the clocks, and after how many of the other */
	uint32_t limit; /* of the rules in force, by which they are told apart */
	uint64_t ticks;
	bool turns; /* the worker has turned its loop whenever it is asked */
} fake;

static unsigned read_count(const unsigned *count)
{
	return __atomic_load_n(count, __ATOMIC_SEQ_CST);
}

int rules_apply(struct nl *nl, const struct rules_params *params, struct rules_applied *ret_applied,
		struct text_error *ret_error)
{
	int rc = read_count(&fake.refused) >> params->limit & 1 ? -EBUSY : 0;

	(void)nl;
	text_error_set(ret_error, 0, 0, "as the test says");
	if (rc == 0) {
		ret_applied->fingerprint = FINGERPRINT + params->limit;
		__atomic_store_n(&fake.fingerprint, ret_applied->fingerprint, __ATOMIC_SEQ_CST);
		__atomic_store_n(&fake.limit, params->limit, __ATOMIC_SEQ_CST);
		__atomic_store_n(&fake.is_trial, params->is_trial, __ATOMIC_SEQ_CST);
	}
	__atomic_add_fetch(rc ? &fake.failed : &fake.applied, 1, __ATOMIC_SEQ_CST);
	return rc;
}

int rules_get_status(struct nl *nl, struct rules_status *ret_status)
{
	(void)nl;
	*ret_status =
		(struct rules_status){.is_present = true,
				      .is_complete = true,
				      .queue_count = 1,
				      .fingerprint =
					      __atomic_load_n(&fake.fingerprint, __ATOMIC_SEQ_CST),
				      .waiting = __atomic_load_n(&fake.waiting, __ATOMIC_SEQ_CST)};
	return 0;
}

uint32_t rules_printed_fingerprint(const struct rules_params *params,
				   const struct rules_status *status)
{
	(void)params;
	(void)status;
	return PRINTED;
}

int rules_forget_waiting(struct nl *nl, const struct rules_status *status, uint32_t queues)
{
	(void)nl;
	(void)status;
	if (queues != UINT32_MAX) /* at the start */
		__atomic_add_fetch(&fake.forgotten, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int rules_trial_read(struct nl *nl, struct rules_trial *ret_trial)
{
	(void)nl;
	*ret_trial = (struct rules_trial){.sent = 0};
	return __atomic_load_n(&fake.is_spoiled, __ATOMIC_SEQ_CST) ? -ENOENT : 0;
}

int rules_trial_forget(struct nl *nl)
{
	(void)nl;
	return 0;
}

int rules_undivert(struct nl *nl)
{
	(void)nl;
	__atomic_add_fetch(&fake.undiverted, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int rules_remove_clocks(struct nl *nl)
{
	(void)nl;
	__atomic_store_n(&fake.removed, read_count(&fake.undiverted), __ATOMIC_SEQ_CST);
	return 0;
}

void beats_beat(struct beats *beats, struct nl *nl, struct worker *const *workers, unsigned count)
{
	(void)beats;
	(void)nl;
	(void)workers;
	(void)count;
}

bool beats_are_there(const struct beats *beats)
{
	(void)beats;
	return false;
}

void beats_stop(struct beats *beats, struct nl *nl)
{
	(void)beats;
	(void)nl;
}

uint64_t worker_ticks(const struct worker *worker)
{
	(void)worker;
	if (__atomic_load_n(&fake.turns, __ATOMIC_SEQ_CST))
		__atomic_add_fetch(&fake.ticks, 2, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&fake.ticks, __ATOMIC_SEQ_CST);
}

void worker_wake(struct worker *worker)
{
	(void)worker;
}

void workers_sum_stats(struct worker *const *workers, unsigned count,
		       struct worker_stats *ret_stats)
{
	(void)workers;
	(void)count;
	if (__atomic_load_n(&fake.receives, __ATOMIC_SEQ_CST))
		__atomic_add_fetch(&fake.received, 1, __ATOMIC_SEQ_CST);
	*ret_stats =
		(struct worker_stats){.received = __atomic_load_n(&fake.received, __ATOMIC_SEQ_CST),
				      .repeats = __atomic_load_n(&fake.repeats, __ATOMIC_SEQ_CST)};
}

static void expect_more(const unsigned *count, unsigned than, const char *what)
{
	for (unsigned ms = 0; read_count(count) <= than && ms < WAIT_MS; ms += 5)
		usleep(5000);
	cr_assert(read_count(count) > than, "%s", what);
}

static void on_settled(void *ctx)
{
	(void)ctx;
	__atomic_add_fetch(&fake.settled, 1, __ATOMIC_SEQ_CST);
}

static struct config *config;
static struct worker *workers[CONFIG_QUEUES_MAX];
static struct keeper *keeper;
static bool has_rules; /* atomic */

static struct rules_params params_with(uint32_t limit)
{
	return (struct rules_params){.queue_count = config->queue_count, .limit = limit};
}

static void start(void)
{
	struct text_error error = {.what = ""};
	struct rules_params params;

	cr_assert_eq(config_load(NULL, &error, &config), 0, "%s", error.what);
	params = params_with(1);
	cr_assert_eq(keeper_start(config, &params, workers, &has_rules, &error, &keeper), 0, "%s",
		     error.what);
}

static void stop(void)
{
	keeper_stop(keeper);
	config_free(config);
}

static void refuse(unsigned limits)
{
	__atomic_store_n(&fake.refused, limits, __ATOMIC_SEQ_CST);
}

static void turn_workers(void)
{
	__atomic_add_fetch(&fake.ticks, 2, __ATOMIC_SEQ_CST);
}

TestSuite(keeper, .init = start, .fini = stop, .timeout = 120);

Test(keeper, settles_when_every_worker_has_turned)
{
	struct rules_params params = params_with(2);

	keeper_settle(keeper, &params, on_settled, NULL);
	cr_assert_not(keeper_is_settled(keeper));
	cr_assert_not(keeper_may_change(keeper));
	usleep(100000);
	cr_assert_eq(read_count(&fake.settled), 0, "no worker has turned its loop");
	turn_workers();
	expect_more(&fake.settled, 0, "it is told");
	cr_assert(keeper_is_settled(keeper));
	cr_assert(keeper_may_change(keeper));
	cr_assert_eq(read_count(&fake.limit), 2, "the rules are in force");
}

Test(keeper, tries_again_what_the_kernel_did_not_take)
{
	struct rules_params params = params_with(2);

	refuse(1u << 2);
	keeper_settle(keeper, &params, on_settled, NULL);
	turn_workers();
	expect_more(&fake.failed, 1, "it is tried more than once");
	cr_assert_eq(read_count(&fake.settled), 0);
	cr_assert_not(keeper_is_settled(keeper));
	refuse(0);
	expect_more(&fake.settled, 0, "it works at last");
	cr_assert_eq(read_count(&fake.limit), 2);
}

Test(keeper, lets_a_reload_supersede_what_failed)
{
	struct rules_params old = params_with(2), next = params_with(3);
	struct text_error error = {.what = ""};

	refuse(1u << 2 | 1u << 3);
	keeper_settle(keeper, &old, on_settled, NULL);
	turn_workers();
	expect_more(&fake.failed, 0, "it is tried");
	cr_assert(keeper_may_change(keeper), "a reload does not wait for it");
	cr_assert_eq(keeper_change(keeper, config, &next, &error), -EBUSY);
	cr_assert_not(keeper_is_settled(keeper), "a reload that failed leaves it to do");
	refuse(1u << 2); /* else the keeper might try again before the reload does */
	cr_assert_eq(keeper_change(keeper, config, &next, &error), 0);
	cr_assert(keeper_is_settled(keeper));
	refuse(0);
	usleep(700000); /* longer than between two tries */
	cr_assert_eq(read_count(&fake.limit), 3, "the old ones do not come back");
	cr_assert_eq(read_count(&fake.settled), 0, "and nobody is told so");
}

/* The kernel drops what waits in a queue when a base chain goes. */
Test(keeper, removes_chains_only_from_empty_queues)
{
	struct rules_params off = params_with(2), on = off;
	struct text_error error = {.what = ""};

	on.clocks.is_on = true;
	cr_assert_eq(keeper_change(keeper, config, &on, &error), 0);
	cr_assert_eq(read_count(&fake.undiverted), 0, "nothing is to be removed");
	cr_assert_eq(keeper_change(keeper, config, &off, &error), 0);
	cr_assert_eq(read_count(&fake.undiverted), 1);
	cr_assert_eq(read_count(&fake.removed), 0,
		     "no worker has turned its loop: the chains stay");
	cr_assert_eq(keeper_change(keeper, config, &on, &error), 0);
	__atomic_store_n(&fake.turns, true, __ATOMIC_SEQ_CST);
	cr_assert_eq(keeper_change(keeper, config, &off, &error), 0);
	cr_assert_eq(read_count(&fake.removed), 2, "behind the second time");
}

static bool knows_rules(void)
{
	return __atomic_load_n(&has_rules, __ATOMIC_SEQ_CST);
}

static uint64_t found_others(void)
{
	struct keeper_stats stats;

	keeper_get_stats(keeper, &stats);
	return stats.others;
}

/* As a firewall's file does that was saved long ago, or `synprint rules apply` with another one. */
Test(keeper, replaces_rules_of_another_configuration)
{
	unsigned applied = read_count(&fake.applied);

	cr_assert(knows_rules());
	cr_assert_eq(found_others(), 0);
	usleep(1200000); /* two looks */
	cr_assert_eq(read_count(&fake.applied), applied, "the right ones stay as they are");
	__atomic_store_n(&fake.fingerprint, 17, __ATOMIC_SEQ_CST);
	expect_more(&fake.applied, applied, "those of ours are there again");
	WAIT_FOR(found_others() == 1);
	cr_assert(knows_rules());
	cr_assert_eq(__atomic_load_n(&fake.fingerprint, __ATOMIC_SEQ_CST), FINGERPRINT + 1);
}

/* Nobody but the administrator replaces his; until then they get no bits. */
Test(keeper, marks_nobody_for_rules_that_were_printed_before)
{
	struct text_error error = {.what = ""};
	struct rules_params params = {.queue_count = 1};
	unsigned applied = read_count(&fake.applied);

	keeper_stop(keeper);
	config->engine = RULES_NONE;
	has_rules = false;
	__atomic_store_n(&fake.fingerprint, 17, __ATOMIC_SEQ_CST);
	cr_assert_eq(keeper_start(config, &params, workers, &has_rules, &error, &keeper), 0, "%s",
		     error.what);
	cr_assert_not(knows_rules());
	__atomic_store_n(&fake.fingerprint, PRINTED, __ATOMIC_SEQ_CST);
	WAIT_FOR(knows_rules());
	__atomic_store_n(&fake.fingerprint, 18, __ATOMIC_SEQ_CST);
	WAIT_FOR(!knows_rules());
	cr_assert_eq(read_count(&fake.applied), applied);
}

/* A SYN that is on its way to the worker is none that was dropped. */
Test(keeper, forgets_what_waits_only_where_it_stays_so)
{
	__atomic_store_n(&fake.waiting, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&fake.receives, true, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 30; i++) {
		turn_workers();
		usleep(50000);
	}
	cr_assert_eq(read_count(&fake.forgotten), 0, "each look finds another one");
	__atomic_store_n(&fake.receives, false, __ATOMIC_SEQ_CST);
	for (int i = 0; read_count(&fake.forgotten) == 0 && i < WAIT_MS / 50; i++) {
		turn_workers();
		usleep(50000);
	}
	cr_assert_eq(read_count(&fake.forgotten), 1);
}

static bool is_trying(void)
{
	return __atomic_load_n(&fake.is_trial, __ATOMIC_SEQ_CST);
}

/* Else half of the SYNs would pass unasked for ever. */
Test(keeper, ends_a_trial_though_the_kernel_refused_it_at_first)
{
	__atomic_store_n(&fake.turns, true, __ATOMIC_SEQ_CST);
	__atomic_store_n(&fake.repeats, 100, __ATOMIC_SEQ_CST);
	WAIT_FOR(is_trying());
	refuse(1u << 1);
	__atomic_store_n(&fake.is_spoiled, true, __ATOMIC_SEQ_CST);
	expect_more(&fake.failed, 1, "it is tried again");
	cr_assert(is_trying());
	refuse(0);
	WAIT_FOR(!is_trying());
}
