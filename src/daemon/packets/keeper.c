/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking at the rules. The ruleset's generation tells whether anybody changed anything, which is
 * cheaper for everybody than nf_tables' notifications: with a listener each commit, however large,
 * has to tell of each element. Counters are read once a second.
 */
#include "daemon/packets/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "config/config_rules.h"
#include "daemon/packets/beats.h"
#include "daemon/packets/turns.h"
#include "daemon/packets/harm.h"
#include "input/nfqueue_proc.h"
#include "input/rules_full.h"
#include "nl/nft_ask.h"
#include "sys/clock.h"
#include "sys/log.h"

#define LOOK_MS 500
#define LOOKS_PER_COUNT 2 /* looks between two at the counters */
#define SETTLE_MS 20 /* between two looks at the workers' progress */

/* What waits for the workers. */
struct settling {
	bool is_due;
	struct rules_params params;
	uint64_t ticks[CONFIG_QUEUES_MAX];
	uint64_t retry_ms; /* after a failure, not before then */
	void (*settled)(void *ctx);
	void *ctx;
};

struct keeper {
	const struct config *config; /* a reference */
	struct rules_params params;
	struct settling settling;
	struct worker *const *workers;
	struct nl *nl;
	struct harm harm; /* whether diverting does any */
	struct beats beats; /* of switches that live by heartbeats: the administrator's */
	uint32_t generation; /* of the ruleset when it was last looked at; atomic */
	uint32_t fingerprint; /* of the rules that are to be there, once they were compared */
	bool *has_rules; /* the pipeline's, atomic */
	bool has_others; /* rules of another configuration are there */
	uint64_t received[CONFIG_QUEUES_MAX], ticks[CONFIG_QUEUES_MAX]; /* at the last look */
	uint32_t suspects; /* queues that counted as waiting then, and received nothing */
	struct rules_status status; /* when they were last looked at */
	struct rules_full full; /* sets that packets fill */
	struct keeper_stats stats;
	pthread_t thread;
	sem_t wake;
	bool must_stop; /* atomic */
	pthread_mutex_t work; /* of all above: the thread's turns, and who changes the rules */
	pthread_mutex_t lock; /* of what is below */
	struct keeper_stats shown; /* the newest copy of stats */
	struct rules_status shown_status; /* and of the rules */
	uint64_t shown_full; /* of the sets in it those that are full, a bit each */
};

static bool is_managed(const struct keeper *keeper)
{
	return keeper->config->engine != RULES_NONE;
}

/* What a counter grew by; a smaller count means that the rules were made anew. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static uint64_t without(uint64_t all, uint64_t some)
{
	return all > some ? all - some : 0;
}

static void add_counters(struct keeper *keeper, const struct rules_status *now)
{
	const struct rules_status *last = &keeper->status;
	struct keeper_stats *stats = &keeper->stats;
	uint64_t filled = grown(now->filled, last->filled);
	struct worker_stats workers;

	workers_sum_stats(keeper->workers, keeper->config->queue_count, &workers);
	stats->counted += grown(now->syns, last->syns);
	stats->skipped += grown(now->skipped, last->skipped);
	stats->marked += grown(now->marked, last->marked);
	stats->unanswered += grown(now->unanswered, last->unanswered);
	stats->filled += filled;
	stats->refused += without(grown(now->tried, last->tried), filled);
	stats->unclassified = without(without(stats->counted, workers.received), stats->skipped);
}

static void find_full(struct keeper *keeper)
{
	static struct log_limit limit;
	uint64_t news = rules_full_note(&keeper->full, &keeper->status, clock_monotonic_ms());

	for (; news; news &= news - 1)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "nft set %s is full: new clients are left out until some leave it",
			    keeper->status.sets[__builtin_ctzll(news)].name);
}

/* What the rules have to say: ours, or those that an administrator has printed and loaded. */
static bool are_as_wanted(struct keeper *keeper)
{
	uint32_t there = keeper->status.fingerprint;
	struct rules_params params;

	if (!is_managed(keeper) && (!there || there != keeper->fingerprint)) {
		config_rules_params(keeper->config, NULL, NULL, &params);
		keeper->fingerprint = rules_printed_fingerprint(&params, &keeper->status);
	}
	return there == keeper->fingerprint;
}

/* Rules of another configuration put whom we mark into other sets: so nobody is marked. */
static void compare_rules(struct keeper *keeper)
{
	bool are_others = keeper->status.is_present && !are_as_wanted(keeper);

	__atomic_store_n(keeper->has_rules, !are_others, __ATOMIC_RELEASE);
	if (are_others && !keeper->has_others) {
		keeper->stats.others++;
		if (!is_managed(keeper))
			log_line(LOG_LEVEL_WARNING,
				 "table inet synprint has rules of another configuration or "
				 "version: until what 'synprint rules print' prints now is loaded, "
				 "sets are filled by commits, and those that wait for "
				 "confirmations stay as they are");
	}
	keeper->has_others = are_others;
}

static void look_at_rules(struct keeper *keeper)
{
	struct keeper_stats *stats = &keeper->stats;
	uint32_t all = (UINT32_C(1) << keeper->config->queue_count) - 1;
	struct rules_status now;

	if (rules_get_status(keeper->nl, &now) < 0)
		return;
	stats->has_rules = now.is_present;
	stats->is_diverting = (now.is_present && !now.is_dormant && (now.waiting & all) != all) ||
			      beats_are_there(&keeper->beats);
	if (now.is_present)
		stats->engine = now.engine;
	add_counters(keeper, &now);
	keeper->status = now;
	find_full(keeper);
	compare_rules(keeper);
}

/* All rules are there, they are those of our configuration, and at work. */
static bool is_well(const struct keeper *keeper)
{
	return keeper->status.is_present && keeper->status.is_complete &&
	       !keeper->status.is_dormant && keeper->status.fingerprint == keeper->fingerprint;
}

static int apply(struct keeper *keeper, const struct rules_params *params,
		 struct text_error *ret_error)
{
	struct rules_applied applied;
	int rc;

	look_at_rules(keeper); /* what is replaced takes its counters with it */
	if (keeper->params.clocks.is_on && !params->clocks.is_on)
		turns_remove_clocks(keeper->nl, keeper->workers, keeper->config->queue_count);
	rc = rules_apply(keeper->nl, params, &applied, ret_error);
	if (rc == 0) {
		keeper->params = *params;
		keeper->fingerprint = applied.fingerprint;
	}
	look_at_rules(keeper);
	return rc;
}

static void restore_rules(struct keeper *keeper)
{
	static struct log_limit limit;
	struct text_error error = {0};
	const char *what = keeper->status.is_present ? "changed" : "deleted";

	if (keeper->status.is_dormant)
		what = "switched off";
	if (apply(keeper, &keeper->params, &error) < 0) {
		log_limited(&limit, LOG_LEVEL_ERROR,
			    "the rules are gone and cannot be laid (%s); SYNs pass unclassified",
			    error.what);
		return;
	}
	keeper->stats.restored++;
	log_limited(&limit, LOG_LEVEL_WARNING, "somebody %s the rules; they are there again", what);
}

static void look_for_stalled(struct keeper *keeper)
{
	keeper->stats.stalled =
		turns_stalled(keeper->workers, keeper->config->queue_count, keeper->ticks);
}

/*
 * Queues that count as waiting although their workers turn their loops and received nothing between
 * two looks: what went in was dropped there, with a base chain that somebody removed.
 */
static void mend_waiting(struct keeper *keeper)
{
	uint32_t suspects = keeper->status.waiting & ~keeper->stats.stalled, forgotten;

	for (unsigned i = 0; i < keeper->config->queue_count; i++) {
		struct worker_stats stats;

		workers_sum_stats(&keeper->workers[i], 1, &stats);
		if (stats.received != keeper->received[i])
			suspects &= ~(UINT32_C(1) << i);
		keeper->received[i] = stats.received;
	}
	forgotten = suspects & keeper->suspects;
	keeper->suspects = suspects & ~forgotten;
	if (forgotten && rules_forget_waiting(keeper->nl, &keeper->status, forgotten) == 0)
		keeper->stats.forgotten += (uint64_t)__builtin_popcount(forgotten);
}

/* The rules are the same, with a trial or without. */
static int apply_trial(struct keeper *keeper, bool is_trial)
{
	struct rules_params params = keeper->params;
	int rc;

	params.is_trial = is_trial;
	rc = apply(keeper, &params, NULL);
	if (rc == 0 && !is_trial)
		rules_trial_forget(keeper->nl);
	return rc;
}

static void say_harm(const struct rules_trial *seen)
{
	log_line(LOG_LEVEL_ERROR,
		 "diverting does harm here: of %u SYNs that came back from the queue %u were sent "
		 "again, and of %u that passed by it %u; something behind the queue loses them. "
		 "Nothing is diverted any more, and SYNs pass unclassified, until a reload or a "
		 "restart",
		 seen->sent, seen->sent_again, seen->passed, seen->passed_again);
}

static void end_trial(struct keeper *keeper)
{
	struct harm *harm = &keeper->harm;

	if (apply_trial(keeper, false) < 0 || harm->state != HARM_FOUND)
		return;
	rules_undivert(keeper->nl);
	look_at_rules(keeper);
	keeper->stats.is_harmful = true;
	keeper->stats.trial = harm->seen;
	say_harm(&harm->seen);
}

static void look_for_harm(struct keeper *keeper, uint64_t now_ms)
{
	struct harm *harm = &keeper->harm;
	struct worker_stats stats;
	struct rules_trial seen;

	if (harm->state == HARM_TRYING) {
		if (rules_trial_read(keeper->nl, &seen) < 0)
			harm_give_up(harm, now_ms); /* somebody has changed the rules */
		else if (!harm_try(harm, now_ms, &seen))
			return;
	}
	if (keeper->params.is_trial) { /* also where that has failed */
		end_trial(keeper);
		return;
	}
	workers_sum_stats(keeper->workers, keeper->config->queue_count, &stats);
	if (harm->state == HARM_FOUND ||
	    !harm_watch(harm, now_ms, stats.results[SYN_OK], stats.repeats) ||
	    keeper->stats.stalled)
		return;
	harm_begin(harm, now_ms);
	keeper->stats.trials = harm->trials;
	if (apply_trial(keeper, true) < 0)
		harm_give_up(harm, now_ms);
}

static void look(struct keeper *keeper, unsigned number)
{
	bool must_count = number % LOOKS_PER_COUNT == 0;
	uint32_t generation = 0;

	look_for_stalled(keeper);
	if (nft_generation(keeper->nl, &generation) < 0)
		return;
	if (generation != keeper->generation || must_count || keeper->suspects)
		look_at_rules(keeper);
	if (is_managed(keeper) && !keeper->stats.is_harmful && !is_well(keeper))
		restore_rules(keeper);
	mend_waiting(keeper);
	if (must_count && is_managed(keeper) && !keeper->settling.is_due)
		look_for_harm(keeper, clock_monotonic_ms());
	__atomic_store_n(&keeper->generation, generation, __ATOMIC_RELEASE);
}

static bool have_turned(const struct keeper *keeper)
{
	return turns_are_over(keeper->workers, keeper->config->queue_count, keeper->settling.ticks);
}

static void settle(struct keeper *keeper)
{
	static struct log_limit limit;
	struct settling *settling = &keeper->settling;
	struct text_error error = {0};

	if (!settling->is_due || !have_turned(keeper) || clock_monotonic_ms() < settling->retry_ms)
		return;
	if (apply(keeper, &settling->params, &error) < 0) {
		log_limited(&limit, LOG_LEVEL_ERROR,
			    "cannot change the rules (%s); sets that the reload changed are not "
			    "filled until this works",
			    error.what);
		settling->retry_ms = clock_monotonic_ms() + LOOK_MS;
		return;
	}
	settling->is_due = false;
	settling->settled(settling->ctx);
}

/* Under `work`, which guards what is copied: a reload writes it too, from the main thread. */
static void show(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->shown = keeper->stats;
	keeper->shown_status = keeper->status;
	keeper->shown_full = keeper->full.bits;
	pthread_mutex_unlock(&keeper->lock);
}

/* Sleeps; false where the keeper is to end. */
static bool wait_ms(struct keeper *keeper, unsigned ms)
{
	struct timespec at = clock_in_ms(ms);

	sem_clockwait(&keeper->wake, CLOCK_MONOTONIC, &at);
	return !__atomic_load_n(&keeper->must_stop, __ATOMIC_ACQUIRE);
}

/* One turn of the thread. Return: how long to sleep. */
static unsigned turn(struct keeper *keeper, uint64_t *next_look_ms, unsigned *number)
{
	uint64_t now_ms = clock_monotonic_ms();
	unsigned ms;

	pthread_mutex_lock(&keeper->work);
	settle(keeper);
	if (now_ms >= *next_look_ms) {
		look(keeper, (*number)++);
		*next_look_ms = now_ms + LOOK_MS;
	}
	if (!is_managed(keeper))
		beats_beat(&keeper->beats, keeper->nl, keeper->workers,
			   keeper->config->queue_count);
	ms = keeper->settling.is_due           ? SETTLE_MS
	     : beats_are_there(&keeper->beats) ? BEAT_MS
					       : (unsigned)(*next_look_ms - now_ms);
	show(keeper);
	pthread_mutex_unlock(&keeper->work);
	return ms ? ms : 1;
}

static void *keeper_main(void *arg)
{
	struct keeper *keeper = arg;
	uint64_t next_look_ms = clock_monotonic_ms() + LOOK_MS;
	unsigned number = 1;

	prctl(PR_SET_NAME, "keeper");
	while (wait_ms(keeper, turn(keeper, &next_look_ms, &number)))
		continue;
	return NULL;
}

static void keeper_free(struct keeper *keeper)
{
	nl_close(keeper->nl);
	config_free(keeper->config);
	sem_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
	pthread_mutex_destroy(&keeper->work);
	free(keeper);
}

static struct keeper *keeper_new(const struct config *config, const struct rules_params *params,
				 struct worker *const *workers)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));

	if (!keeper)
		return NULL;
	keeper->config = config_ref(config);
	keeper->params = *params;
	keeper->workers = workers;
	pthread_mutex_init(&keeper->work, NULL);
	pthread_mutex_init(&keeper->lock, NULL);
	sem_init(&keeper->wake, 0, 0);
	return keeper;
}

/* Rules that an earlier process left have counted before us, and its SYNs will not come back. */
static int begin(struct keeper *keeper, struct text_error *ret_error)
{
	int rc = 0;

	look_for_stalled(keeper);
	if (is_managed(keeper))
		rc = apply(keeper, &keeper->params, ret_error);
	else
		beats_beat(&keeper->beats, keeper->nl, keeper->workers, 0);
	if (rc < 0)
		return rc;
	look_at_rules(keeper);
	rc = rules_forget_waiting(keeper->nl, &keeper->status, UINT32_MAX);
	if (rc < 0) {
		text_error_set(ret_error, 0, 0, "cannot begin to divert SYNs: %s", strerror(-rc));
		return rc;
	}
	look_at_rules(keeper);
	keeper->stats = (struct keeper_stats){.has_rules = keeper->stats.has_rules,
					      .is_diverting = keeper->stats.is_diverting,
					      .engine = keeper->stats.engine};
	keeper->shown = keeper->stats;
	return 0;
}

/* Whether somebody reads a queue that rules of ours lead to, and that is none of ours. */
static bool has_other_reader(const struct config *config, const struct rules_status *status,
			     int proc_fd)
{
	struct nfqueue_figures figures;

	for (unsigned i = 0; i < status->queue_count; i++) {
		unsigned queue = status->queue_first + i;
		bool is_ours = queue >= config->queue_first &&
			       queue < config->queue_first + config->queue_count;

		if (!is_ours && nfqueue_proc_read(proc_fd, queue, &figures) == 0)
			return true;
	}
	return false;
}

int keeper_check_alone(const struct config *config, int proc_fd, struct text_error *ret_error)
{
	struct rules_status status = {.is_present = false};
	struct nl *nl = NULL;
	bool is_alone;

	if (config->engine == RULES_NONE || proc_fd < 0)
		return 0;
	is_alone = nl_open(&nl) < 0 || rules_get_status(nl, &status) < 0 || !status.is_present ||
		   !has_other_reader(config, &status, proc_fd);
	nl_close(nl);
	if (is_alone)
		return 0;
	text_error_set(ret_error, 0, 0,
		       "another synprintd diverts SYNs here, to queues from %u on: stop it first",
		       status.queue_first);
	return -EBUSY;
}

int keeper_start(const struct config *config, const struct rules_params *params,
		 struct worker *const *workers, bool *has_rules, struct text_error *ret_error,
		 struct keeper **ret_keeper)
{
	struct keeper *keeper = keeper_new(config, params, workers);
	int rc;

	text_error_set(ret_error, 0, 0, "out of memory");
	if (!keeper)
		return -ENOMEM;
	keeper->has_rules = has_rules;
	rc = nl_open(&keeper->nl);
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot open a netfilter netlink socket: %s",
			       strerror(-rc));
	else
		rc = begin(keeper, ret_error);
	if (rc == 0)
		rc = -pthread_create(&keeper->thread, NULL, keeper_main, keeper);
	if (rc < 0) {
		keeper_free(keeper);
		return rc;
	}
	*ret_keeper = keeper;
	return 0;
}

int keeper_change(struct keeper *keeper, const struct config *config,
		  const struct rules_params *params, struct text_error *ret_error)
{
	int rc = 0;

	pthread_mutex_lock(&keeper->work);
	if (is_managed(keeper)) {
		rc = apply(keeper, params, ret_error);
		rules_trial_forget(keeper->nl);
	} else {
		keeper->fingerprint = 0;
	}
	if (rc == 0) {
		keeper->harm = (struct harm){.trials = keeper->harm.trials};
		keeper->stats.is_harmful = false;
		config_free(keeper->config);
		keeper->config = config_ref(config);
		keeper->params = *params;
		keeper->settling.is_due = false;
		look_at_rules(keeper);
	}
	pthread_mutex_unlock(&keeper->work);
	return rc;
}

void keeper_settle(struct keeper *keeper, const struct rules_params *params,
		   void (*settled)(void *ctx), void *ctx)
{
	pthread_mutex_lock(&keeper->work);
	keeper->settling = (struct settling){.is_due = true,
					     .params = *params,
					     .settled = settled,
					     .ctx = ctx};
	turns_note(keeper->workers, keeper->config->queue_count, keeper->settling.ticks);
	pthread_mutex_unlock(&keeper->work);
	sem_post(&keeper->wake);
}

bool keeper_is_settled(struct keeper *keeper)
{
	bool is_settled;

	pthread_mutex_lock(&keeper->work);
	is_settled = !keeper->settling.is_due;
	pthread_mutex_unlock(&keeper->work);
	return is_settled;
}

bool keeper_may_change(struct keeper *keeper)
{
	bool may_change;

	pthread_mutex_lock(&keeper->work);
	may_change = !keeper->settling.is_due || have_turned(keeper);
	pthread_mutex_unlock(&keeper->work);
	return may_change;
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper)
		return;
	__atomic_store_n(&keeper->must_stop, true, __ATOMIC_RELEASE);
	sem_post(&keeper->wake);
	pthread_join(keeper->thread, NULL);
	beats_stop(&keeper->beats, keeper->nl);
	if (is_managed(keeper))
		rules_undivert(keeper->nl);
	keeper_free(keeper);
}

uint64_t keeper_refused(struct keeper *keeper, const char *name, bool *ret_is_full)
{
	uint64_t refused;

	pthread_mutex_lock(&keeper->lock);
	refused = rules_full_refused(&keeper->shown_status, keeper->shown_full, name, ret_is_full);
	pthread_mutex_unlock(&keeper->lock);
	return refused;
}

uint32_t keeper_ruleset(struct keeper *keeper)
{
	return __atomic_load_n(&keeper->generation, __ATOMIC_ACQUIRE);
}

void keeper_get_stats(struct keeper *keeper, struct keeper_stats *ret_stats)
{
	pthread_mutex_lock(&keeper->lock);
	*ret_stats = keeper->shown;
	pthread_mutex_unlock(&keeper->lock);
}
