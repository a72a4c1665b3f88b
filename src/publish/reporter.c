/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses with news wait in a ring; what is to be said of each is asked of the table when the
 * batch is made, so the order of news does not matter. A ring that is full means a refill.
 */
#include "publish/reporter.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "publish/pace.h"
#include "publish/setops.h"
#include "sys/clock.h"
#include "sys/log.h"

#define WAITING_MAX 65536
#define RETRY_MS 1000
#define LOOK_EVERY_S 5

struct reporter {
	struct reporter_params params;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t has_news;
	bool must_stop, must_refill;
	bool has_heir; /* which says what is left */
	bool has_failed; /* looked after when somebody else may have finished, or others have expired */
	unsigned first, count;
	struct addr waiting[WAITING_MAX];
	struct reporter_stats stats;
};

static struct publish_op op_of(const struct reporter *reporter, const struct reporter_set *set,
			       uint64_t now_s, const struct addr *addr)
{
	struct publish_op op = {.addr = *addr, .kind = PUBLISH_REMOVE};
	uint32_t left_s =
		reporter->params.is_excepted(reporter->params.ctx, addr) ||
				(set->filter && filter_excepts(set->filter, addr))
			? 0
			: reported_left(reporter->params.reported, now_s, addr, &set->rule);

	if (left_s) {
		op.kind = PUBLISH_REFRESH;
		op.timeout_s = left_s < set->timeout_s ? left_s : set->timeout_s;
	}
	return op;
}

/* What a full set left out comes with a later refill, when others have expired. */
static int commit(struct reporter *reporter, const struct reporter_set *set,
		  const struct publish_op *ops, unsigned count)
{
	static struct log_limit limit;
	int rc = target_commit(set->target, ops, count);

	pthread_mutex_lock(&reporter->lock);
	reporter->stats.commits++;
	reporter->stats.elements += count;
	if (rc < 0) {
		reporter->stats.failed++;
		reporter->has_failed = true;
	}
	pthread_mutex_unlock(&reporter->lock);
	if (rc < 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s does not take what others say (%s)",
			    set->target->name, strerror(-rc));
	return target_is_full(rc) ? 0 : rc;
}

static bool has_heir(struct reporter *reporter)
{
	bool is_so;

	pthread_mutex_lock(&reporter->lock);
	is_so = reporter->has_heir;
	pthread_mutex_unlock(&reporter->lock);
	return is_so;
}

/* Return: 0, or -errno of a set that is to be tried again: removals must not be lost. */
static int publish(struct reporter *reporter, const struct addr *addrs, unsigned count)
{
	struct publish_op ops[SETOPS_MAX];
	uint64_t now_s = clock_boot_s();
	int rc = 0;

	for (unsigned s = 0; s < reporter->params.set_count; s++) {
		const struct reporter_set *set = &reporter->params.sets[s];
		int failed;

		for (unsigned i = 0; i < count; i++)
			ops[i] = op_of(reporter, set, now_s, &addrs[i]);
		failed = commit(reporter, set, ops, count);
		rc = rc ? rc : failed;
	}
	/* What was said by older rules meanwhile is the heir's to say again. */
	for (unsigned i = 0; (rc < 0 || has_heir(reporter)) && i < count; i++)
		reporter_note(reporter, &addrs[i]);
	return rc;
}

/* Only what belongs in it: a set that was made anew holds nothing that had to be removed. */
static void refill(struct reporter *reporter, const struct reporter_set *set)
{
	struct addr addrs[SETOPS_MAX];
	struct publish_op ops[SETOPS_MAX];
	uint64_t cursor = 0, now_s = clock_boot_s();

	do {
		unsigned n =
			reported_page(reporter->params.reported, now_s, &cursor, addrs, SETOPS_MAX);
		unsigned count = 0;

		for (unsigned i = 0; i < n; i++) {
			ops[count] = op_of(reporter, set, now_s, &addrs[i]);
			count += ops[count].kind == PUBLISH_REFRESH;
		}
		if (count)
			commit(reporter, set, ops, count);
	} while (cursor && !has_heir(reporter));
}

static void ensure(struct reporter *reporter, bool must_refill)
{
	static struct log_limit limit;

	for (unsigned i = 0; i < reporter->params.set_count; i++) {
		const struct reporter_set *set = &reporter->params.sets[i];
		struct text_error error = {.what = ""};
		bool is_intact = false, is_new = false;

		if (!must_refill && target_check(set->target, &is_intact) == 0 && is_intact)
			continue;
		if (target_ensure(set->target, &is_new, &error) == 0)
			refill(reporter, set);
		else
			log_limited(&limit, LOG_LEVEL_WARNING, "%s: %s", set->target->name,
				    error.what);
	}
}

/* With the lock held. Return: how many addresses were taken. */
static unsigned take_batch(struct reporter *reporter, struct addr *ret_addrs)
{
	unsigned count = reporter->count < SETOPS_MAX ? reporter->count : SETOPS_MAX;

	for (unsigned i = 0; i < count; i++)
		ret_addrs[i] = reporter->waiting[(reporter->first + i) % WAITING_MAX];
	reporter->first = (reporter->first + count) % WAITING_MAX;
	reporter->count -= count;
	return count;
}

/* Return: 0, or -errno; then the batch waits again. */
static int drain(struct reporter *reporter)
{
	struct addr addrs[SETOPS_MAX];
	unsigned count;
	int rc = 0;

	do {
		pthread_mutex_lock(&reporter->lock);
		count = take_batch(reporter, addrs);
		pthread_mutex_unlock(&reporter->lock);
		if (count)
			rc = publish(reporter, addrs, count);
	} while (count == SETOPS_MAX && rc == 0 && !has_heir(reporter));
	return rc;
}

/* Now and then: is everything there, and is there room for what was left out? */
static void look(struct reporter *reporter, bool must_refill)
{
	pthread_mutex_lock(&reporter->lock);
	must_refill |= reporter->has_failed;
	reporter->has_failed = false;
	pthread_mutex_unlock(&reporter->lock);
	ensure(reporter, must_refill);
}

static void wait_for_news(struct reporter *reporter)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOOK_EVERY_S;
	while (!reporter->must_stop && !reporter->must_refill && !reporter->count &&
	       pthread_cond_timedwait(&reporter->has_news, &reporter->lock, &until) != ETIMEDOUT)
		;
}

/* Or until the end. */
static void sleep_until_ms(struct reporter *reporter, uint64_t until_ms)
{
	struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
				 .tv_nsec = (long)(until_ms % 1000) * 1000000};

	pthread_mutex_lock(&reporter->lock);
	while (!reporter->must_stop &&
	       pthread_cond_timedwait(&reporter->has_news, &reporter->lock, &until) != ETIMEDOUT)
		continue;
	pthread_mutex_unlock(&reporter->lock);
}

/* Return: whether the thread ends. */
static bool wait_and_take(struct reporter *reporter, bool *ret_must_refill, bool *ret_has_news)
{
	bool must_stop;

	pthread_mutex_lock(&reporter->lock);
	wait_for_news(reporter);
	must_stop = reporter->must_stop;
	*ret_must_refill = reporter->must_refill;
	*ret_has_news = reporter->count != 0;
	reporter->must_refill = false;
	pthread_mutex_unlock(&reporter->lock);
	return must_stop;
}

static void *reporter_main(void *arg)
{
	struct reporter *reporter = arg;
	struct pace pace = {.last_ms = 0};
	uint64_t next_look_s = 0;

	prctl(PR_SET_NAME, "reports");
	for (;;) {
		bool must_refill, has_news;
		bool must_stop = wait_and_take(reporter, &must_refill, &has_news);
		uint64_t begin_ms = clock_monotonic_ms();
		int rc;

		if (!must_stop && (must_refill || begin_ms / 1000 >= next_look_s)) {
			next_look_s = begin_ms / 1000 + LOOK_EVERY_S;
			look(reporter, must_refill);
		}
		if (must_stop && has_heir(reporter))
			return NULL;
		rc = drain(reporter);
		if (must_stop)
			return NULL;
		if (!has_news)
			continue;
		pace_began(&pace, begin_ms);
		/* More news are in the next batch. */
		sleep_until_ms(reporter, rc < 0 ? begin_ms + RETRY_MS : pace_next_ms(&pace));
	}
}

static int init_lock(struct reporter *reporter)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&reporter->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&reporter->has_news, &attributes);
	pthread_condattr_destroy(&attributes);
	return 0;
}

int reporter_start(const struct reporter_params *params, struct reporter **ret_reporter)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));
	int rc;

	if (!reporter)
		return -ENOMEM;
	reporter->params = *params;
	reporter->must_refill = true;
	init_lock(reporter);
	rc = -pthread_create(&reporter->thread, NULL, reporter_main, reporter);
	if (rc < 0) {
		free(reporter);
		return rc;
	}
	*ret_reporter = reporter;
	return 0;
}

void reporter_stop(struct reporter *reporter, struct reporter *heir)
{
	if (!reporter)
		return;
	pthread_mutex_lock(&reporter->lock);
	reporter->must_stop = true;
	reporter->has_heir = heir != NULL;
	pthread_cond_signal(&reporter->has_news);
	pthread_mutex_unlock(&reporter->lock);
	pthread_join(reporter->thread, NULL);
	for (unsigned i = 0; heir && i < reporter->count; i++)
		reporter_note(heir, &reporter->waiting[(reporter->first + i) % WAITING_MAX]);
	pthread_cond_destroy(&reporter->has_news);
	pthread_mutex_destroy(&reporter->lock);
	free(reporter);
}

void reporter_note(struct reporter *reporter, const struct addr *addr)
{
	if (!reporter)
		return;
	pthread_mutex_lock(&reporter->lock);
	if (reporter->count < WAITING_MAX)
		reporter->waiting[(reporter->first + reporter->count++) % WAITING_MAX] = *addr;
	else
		reporter->must_refill = true;
	pthread_cond_signal(&reporter->has_news);
	pthread_mutex_unlock(&reporter->lock);
}

void reporter_get_stats(struct reporter *reporter, struct reporter_stats *ret_stats)
{
	*ret_stats = (struct reporter_stats){.commits = 0};
	if (!reporter)
		return;
	pthread_mutex_lock(&reporter->lock);
	*ret_stats = reporter->stats;
	pthread_mutex_unlock(&reporter->lock);
}
