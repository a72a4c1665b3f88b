/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dead-man's switch and the rules, kept by a thread of their own. */
#include "daemon/packets/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/log.h"

#define BEAT_MS 200
#define BEATS_PER_CHECK 5

struct keeper {
	const struct config *config; /* a reference */
	struct worker *const *workers;
	uint64_t ticks[CONFIG_QUEUES_MAX];
	struct nl *nl;
	struct rules_status status;
	uint64_t last_syns; /* as the rules counted when they were last asked */
	struct keeper_stats stats;
	bool has_ipset_switch; /* the administrator's iptables rules have one */
	pthread_t thread;
	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t wake;
	bool must_stop;
	const struct config *next; /* of a reload: a reference; NULL without */
	struct keeper_stats shown; /* the newest copy of stats */
};

/* Every worker turned its loop at least once since the last beat. */
static bool workers_progress(struct keeper *keeper)
{
	bool is_progress = true;

	for (unsigned i = 0; i < keeper->config->queue_count; i++) {
		uint64_t ticks = worker_ticks(keeper->workers[i]);

		is_progress &= ticks != keeper->ticks[i];
		keeper->ticks[i] = ticks;
	}
	return is_progress;
}

/* What the workers received of so many that the rules counted. */
static uint64_t received_before(const struct keeper *keeper, uint64_t counted)
{
	uint64_t received = 0;

	for (unsigned i = 0; i < keeper->config->queue_count; i++) {
		struct worker_stats stats;

		worker_get_stats(keeper->workers[i], &stats);
		received += stats.received;
	}
	return received < counted ? received : counted;
}

/* Adds what was counted since the last look; a smaller count means that the rules were made anew. */
static void look_at_rules(struct keeper *keeper)
{
	struct keeper_stats *stats = &keeper->stats;

	if (rules_get_status(keeper->nl, &keeper->status) < 0)
		return;
	stats->has_rules = keeper->status.is_present;
	stats->is_diverting =
		(keeper->status.is_present && keeper->status.is_armed) || keeper->has_ipset_switch;
	if (!keeper->status.is_present) {
		keeper->last_syns = 0;
		return;
	}
	stats->engine = keeper->status.engine;
	stats->counted += keeper->status.syns >= keeper->last_syns
				  ? keeper->status.syns - keeper->last_syns
				  : keeper->status.syns;
	keeper->last_syns = keeper->status.syns;
	stats->unclassified = stats->counted - received_before(keeper, stats->counted);
}

static void restore_rules(struct keeper *keeper)
{
	static struct log_limit limit;
	struct rules_params params = config_rules_params(keeper->config);
	struct text_error error = {0};

	if (rules_apply(keeper->nl, &params, NULL, &error) < 0) {
		log_limited(
			&limit, LOG_LEVEL_ERROR,
			"the rules are gone and cannot be made again (%s); SYNs pass unclassified",
			error.what);
		return;
	}
	rules_heartbeat(keeper->nl, RULES_ALIVE_TIMEOUT_MS);
	keeper->stats.restored++;
	log_limited(&limit, LOG_LEVEL_WARNING, "somebody deleted the rules; they are there again");
}

/* There is one rule for each interface, or one for all. */
static bool has_all_rules(const struct keeper *keeper)
{
	return keeper->stats.has_rules &&
	       keeper->status.interface_count == keeper->config->interface_count;
}

/* Rules of the administrator's own may have a switch too: nft's, or an ipset for iptables. */
static int renew_switch(struct keeper *keeper)
{
	if (keeper->config->engine == RULES_NONE)
		keeper->has_ipset_switch = rules_heartbeat_ipset(keeper->nl) == 0;
	return rules_heartbeat(keeper->nl, RULES_ALIVE_TIMEOUT_MS);
}

static void beat(struct keeper *keeper, unsigned number)
{
	bool is_managed = keeper->config->engine != RULES_NONE;
	int rc = 0;

	if (workers_progress(keeper))
		rc = renew_switch(keeper);
	else
		keeper->stats.withheld++;
	if (rc != -ENOENT && number % BEATS_PER_CHECK)
		return;
	look_at_rules(keeper);
	if (is_managed && (rc == -ENOENT || !has_all_rules(keeper)))
		restore_rules(keeper);
}

static bool divert_the_same(const struct config *a, const struct config *b)
{
	if (a->interface_count != b->interface_count || a->rules_limit != b->rules_limit)
		return false;
	for (unsigned i = 0; i < a->interface_count; i++)
		if (strcmp(a->interfaces[i], b->interfaces[i]) != 0)
			return false;
	return true;
}

/* The rules are replaced in one transaction, so no SYN finds none; until it succeeds the old stay. */
static void change_rules(struct keeper *keeper)
{
	static struct log_limit limit;
	struct rules_params params = config_rules_params(keeper->config);
	struct text_error error = {0};

	look_at_rules(keeper);
	if (rules_apply(keeper->nl, &params, NULL, &error) < 0)
		log_limited(&limit, LOG_LEVEL_ERROR, "cannot change the rules (%s)", error.what);
	rules_heartbeat(keeper->nl, RULES_ALIVE_TIMEOUT_MS);
}

static void take_next(struct keeper *keeper)
{
	const struct config *old = keeper->config, *next;

	pthread_mutex_lock(&keeper->lock);
	next = keeper->next;
	keeper->next = NULL;
	pthread_mutex_unlock(&keeper->lock);
	if (!next)
		return;
	keeper->config = next;
	if (next->engine != RULES_NONE && !divert_the_same(old, next))
		change_rules(keeper);
	config_free(old);
}

static struct timespec next_beat(struct timespec at)
{
	struct timespec now = clock_read(CLOCK_MONOTONIC);

	at = clock_add_ms(at, BEAT_MS);
	if (at.tv_sec < now.tv_sec) /* we stood still: no need to catch up */
		return now;
	return at;
}

/* Sleeps until the time is there; false where the keeper is to end. */
static bool wait_for_beat(struct keeper *keeper, const struct timespec *at)
{
	bool must_stop;

	pthread_mutex_lock(&keeper->lock);
	keeper->shown = keeper->stats;
	while (!keeper->must_stop &&
	       pthread_cond_timedwait(&keeper->wake, &keeper->lock, at) != ETIMEDOUT)
		continue;
	must_stop = keeper->must_stop;
	pthread_mutex_unlock(&keeper->lock);
	return !must_stop;
}

static void *keeper_main(void *arg)
{
	struct keeper *keeper = arg;
	struct timespec at = clock_read(CLOCK_MONOTONIC);

	prctl(PR_SET_NAME, "keeper");
	for (unsigned number = 1;; number++) {
		at = next_beat(at);
		if (!wait_for_beat(keeper, &at))
			return NULL;
		take_next(keeper);
		beat(keeper, number);
	}
}

static void keeper_free(struct keeper *keeper)
{
	nl_close(keeper->nl);
	config_free(keeper->next);
	config_free(keeper->config);
	pthread_cond_destroy(&keeper->wake);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}

static struct keeper *keeper_new(const struct config *config, struct worker *const *workers)
{
	struct keeper *keeper = calloc(1, sizeof(*keeper));
	pthread_condattr_t attr;

	if (!keeper)
		return NULL;
	keeper->config = config_ref(config);
	keeper->workers = workers;
	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attr);
	pthread_condattr_destroy(&attr);
	return keeper;
}

static void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

/* Rules that an earlier process left have counted before us. */
static int apply_rules(struct keeper *keeper, struct text_error *ret_error)
{
	struct rules_params params = config_rules_params(keeper->config);
	bool is_managed = keeper->config->engine != RULES_NONE;
	int rc = 0;

	if (is_managed)
		rc = rules_apply(keeper->nl, &params, NULL, ret_error);
	if (rc < 0)
		return rc;
	look_at_rules(keeper);
	keeper->stats.counted = keeper->stats.unclassified = 0;
	rc = renew_switch(keeper);
	if (rc == -ENOENT && !is_managed)
		return 0;
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot begin to divert SYNs: %s", strerror(-rc));
	return rc;
}

/* What a killed synprintd left is told from a living one by its switch, which goes off soon. */
static int check_switch(struct nl *nl, struct text_error *ret_error)
{
	struct rules_status status = {.is_present = false};

	for (unsigned waited_ms = 0; waited_ms <= 2 * RULES_ALIVE_TIMEOUT_MS;
	     waited_ms += BEAT_MS) {
		if (rules_get_status(nl, &status) < 0 || !status.is_present || !status.is_armed)
			return 0;
		sleep_ms(BEAT_MS);
	}
	text_error_set(ret_error, 0, 0,
		       "another synprintd diverts SYNs here, to queues from %u on: stop it first",
		       status.queue_first);
	return -EBUSY;
}

int keeper_check_alone(const struct config *config, struct text_error *ret_error)
{
	struct nl *nl = NULL;
	int rc = 0;

	if (config->engine != RULES_NONE && nl_open(&nl) == 0)
		rc = check_switch(nl, ret_error);
	nl_close(nl);
	return rc;
}

int keeper_start(const struct config *config, struct worker *const *workers,
		 struct text_error *ret_error, struct keeper **ret_keeper)
{
	struct keeper *keeper = keeper_new(config, workers);
	int rc;

	text_error_set(ret_error, 0, 0, "out of memory");
	if (!keeper)
		return -ENOMEM;
	rc = nl_open(&keeper->nl);
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot open a netfilter netlink socket: %s",
			       strerror(-rc));
	else
		rc = apply_rules(keeper, ret_error);
	if (rc == 0)
		rc = -pthread_create(&keeper->thread, NULL, keeper_main, keeper);
	if (rc < 0) {
		keeper_free(keeper);
		return rc;
	}
	*ret_keeper = keeper;
	return 0;
}

void keeper_reload(struct keeper *keeper, const struct config *config)
{
	const struct config *unused;

	pthread_mutex_lock(&keeper->lock);
	unused = keeper->next;
	keeper->next = config_ref(config);
	pthread_mutex_unlock(&keeper->lock);
	config_free(unused);
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->must_stop = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	rules_disarm(keeper->nl);
	if (keeper->has_ipset_switch)
		rules_disarm_ipset(keeper->nl);
	if (keeper->config->engine != RULES_NONE)
		rules_undivert(keeper->nl);
	keeper_free(keeper);
}

void keeper_get_stats(struct keeper *keeper, struct keeper_stats *ret_stats)
{
	pthread_mutex_lock(&keeper->lock);
	*ret_stats = keeper->shown;
	pthread_mutex_unlock(&keeper->lock);
}
