/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of news when a reload replaces rules about them by others. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "nap.h"
#include "numbered.h"
#include "daemon/packets/reports.h"
#include "publish/pace.h"
#include "sys/clock.h"

#define LEFT_S 1000
#define NEWS 700 /* more than one transaction takes */
#define GONE UINT32_MAX /* instead of a timeout: it was removed */

/* A set that both reporters fill; by the timeout one sees whose rules it was. */
static struct fake {
	struct target target;
	pthread_mutex_t lock; /* of what follows */
	bool is_shut; /* commits do not end */
	unsigned begun;
	uint32_t timeouts[256 * 256]; /* of 10.0.x.y */
	unsigned by_old; /* commits by the old rules */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int fake_find(struct target *target, enum setops_version version,
		     struct text_error *ret_error)
{
	(void)target;
	(void)version;
	(void)ret_error;
	return 0;
}

static void set_shut(bool is_shut)
{
	pthread_mutex_lock(&fake.lock);
	fake.is_shut = is_shut;
	pthread_mutex_unlock(&fake.lock);
}

static bool is_shut(void)
{
	bool is_so;

	pthread_mutex_lock(&fake.lock);
	is_so = fake.is_shut;
	pthread_mutex_unlock(&fake.lock);
	return is_so;
}

static int fake_commit(struct target *target, const struct setops_list lists[SETOPS_VERSIONS])
{
	const struct publish_op *ops = lists[SETOPS_V4].ops;
	size_t count = lists[SETOPS_V4].count;

	(void)target;
	pthread_mutex_lock(&fake.lock);
	fake.begun++;
	pthread_mutex_unlock(&fake.lock);
	while (is_shut())
		usleep(1000);
	pthread_mutex_lock(&fake.lock);
	for (size_t i = 0; i < count; i++)
		fake.timeouts[ops[i].addr.bytes[14] * 256u + ops[i].addr.bytes[15]] =
			ops[i].kind == PUBLISH_REMOVE ? GONE : ops[i].timeout_s;
	fake.by_old += ops[0].timeout_s == 100;
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

static int fake_ask(struct target *target, enum setops_version version,
		    const struct publish_op *ops, unsigned count)
{
	(void)target;
	(void)version;
	(void)ops;
	(void)count;
	return 0;
}

static const struct target_type fake_type = {.find = fake_find,
					     .commit = fake_commit,
					     .ask = fake_ask};

/* A generation of rules that differ by their timeout. */
static struct rules {
	struct config config;
	struct generation generation;
} old, heir;

static void start(struct rules *rules, struct reported *reported, unsigned timeout_s,
		  unsigned min_origins)
{
	rules->config.report_set_count = 1;
	rules->config.report_sets[0] =
		(struct config_report_set){.set = {.timeout_s = timeout_s},
					   .rule = {.origins = {"*"},
						    .origin_count = 1,
						    .min_origins = min_origins}};
	rules->generation.config = &rules->config;
	rules->generation.reported = reported;
	rules->generation.targets[CONFIG_SETS_MAX] = &fake.target;
	cr_assert_eq(reports_start(&rules->generation), 0);
}

/* How many of the news are in the set by rules with this timeout. */
static unsigned by(uint32_t timeout_s)
{
	unsigned count = 0;

	pthread_mutex_lock(&fake.lock);
	for (unsigned i = 0; i < NEWS; i++)
		count += fake.timeouts[i] == timeout_s;
	pthread_mutex_unlock(&fake.lock);
	return count;
}

static unsigned read_count(const unsigned *counter)
{
	unsigned count;

	pthread_mutex_lock(&fake.lock);
	count = *counter;
	pthread_mutex_unlock(&fake.lock);
	return count;
}

static void tell(struct reported *reported, const struct rules *rules, unsigned number)
{
	struct reported_word word = {.addr = numbered(number), .origin = "a", .left_s = LEFT_S};

	cr_assert_eq(reported_put(reported, clock_boot_s(), &word), 0);
	reports_note(&rules->generation, &word.addr);
}

static void *open_later(void *arg)
{
	(void)arg;
	usleep(100000);
	set_shut(false);
	return NULL;
}

static void make_fake(void)
{
	cr_assert_eq(target_init(&fake.target, &fake_type,
				 &(struct target_params){.name4 = "fake4", .timeout_s = 600},
				 "fake", 16),
		     0);
}

static uint32_t timeout_of(unsigned number)
{
	uint32_t timeout_s;

	pthread_mutex_lock(&fake.lock);
	timeout_s = fake.timeouts[number];
	pthread_mutex_unlock(&fake.lock);
	return timeout_s;
}

/* As long as enough of them say so, and no longer than each of them does. */
Test(reports, what_is_withdrawn_goes, .timeout = 120)
{
	struct reported *reported = reported_new(64, 1);
	struct reported_word word = {.addr = numbered(3), .origin = "b", .left_s = 40};

	make_fake();
	start(&old, reported, 100, 2);
	tell(reported, &old, 3);
	WAIT_FOR(timeout_of(3) == GONE);
	cr_assert_eq(reported_put(reported, clock_boot_s(), &word), 0);
	reports_note(&old.generation, &word.addr);
	WAIT_FOR(timeout_of(3) <= 40);
	word.left_s = 0;
	cr_assert_eq(reported_put(reported, clock_boot_s(), &word), 0);
	reports_note(&old.generation, &word.addr);
	WAIT_FOR(timeout_of(3) == GONE);
	publisher_stop(old.generation.reports, NULL);
	reported_free(reported);
}

/* However fast they come. */
Test(reports, news_come_in_batches, .timeout = 120)
{
	struct reported *reported = reported_new(4096, 1);
	struct reports_stats stats;
	uint64_t before_ms = clock_monotonic_ms();

	make_fake();
	start(&old, reported, 100, 1);
	tell(reported, &old, 0);
	WAIT_FOR(by(100) == 1);
	for (unsigned i = 1; i < 500; i++) {
		tell(reported, &old, i);
		usleep(1000);
	}
	WAIT_FOR(by(100) == 500);
	/* A commit is counted behind its end. */
	WAIT_FOR((reports_get_stats(&old.generation, &stats), stats.commits) >= 2);
	/* The first one at once; and one more may be the set's filling at the start. */
	cr_expect_leq(stats.commits, (clock_monotonic_ms() - before_ms) / PACE_GAP_MS + 2);
	publisher_stop(old.generation.reports, NULL);
	reported_free(reported);
}

Test(reports, news_outlive_a_reload, .timeout = 120)
{
	struct reported *reported = reported_new(4096, 1);
	struct reports_stats stats;
	unsigned before;
	pthread_t opener;

	make_fake();
	start(&old, reported, 100, 1);
	tell(reported, &old, 0);
	WAIT_FOR(by(100) == 1);
	set_shut(true);
	before = read_count(&fake.begun);
	for (unsigned i = 1; i < NEWS; i++)
		tell(reported, &old, i);
	WAIT_FOR(read_count(&fake.begun) > before);
	start(&heir, reported, 50, 1);
	cr_assert_eq(pthread_create(&opener, NULL, open_later, NULL), 0);
	publisher_stop(old.generation.reports, heir.generation.reports);
	pthread_join(opener, NULL);
	before = read_count(&fake.by_old);
	WAIT_FOR(by(50) == NEWS);
	cr_expect_eq(by(100), 0, "the old rules say nothing more");
	cr_expect_eq(read_count(&fake.by_old), before);
	tell(reported, &heir, 5000);
	reports_get_stats(&heir.generation, &stats);
	cr_expect_gt(stats.commits, 0);
	cr_expect_eq(stats.failed, 0);
	publisher_stop(heir.generation.reports, NULL);
	cr_expect_eq(fake.timeouts[5000], 50, "without an heir all is said before the end");
	reported_free(reported);
}
