/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses with news wait at the publisher; what is to be said of each is asked of the table when the
 * batch is made, so the order of news does not matter. When too many wait, all is said again.
 */
#include "publish/reporter.h"

#include <errno.h>
#include <stdlib.h>

#include "publish/publisher.h"
#include "sys/clock.h"
#include "sys/log.h"

#define WAITING_MAX 65536

struct reporter {
	struct reporter_params params;
	struct target *targets[REPORTER_SETS_MAX];
	struct publisher *publisher;
};

/* Whether by what is said now an address belongs in a set, and then for how long. */
static bool belongs(void *ctx, unsigned target, struct publish_op *op)
{
	const struct reporter_params *params = &((const struct reporter *)ctx)->params;
	const struct reporter_set *set = &params->sets[target];
	uint32_t left_s;

	if (params->is_excepted(params->ctx, &op->addr) ||
	    (set->filter && filter_excepts(set->filter, &op->addr)))
		return false;
	left_s = reported_left(params->reported, clock_boot_s(), &op->addr, &set->rule);
	if (!left_s)
		return false;
	op->kind = PUBLISH_REFRESH;
	op->timeout_s = left_s < set->timeout_s ? left_s : set->timeout_s;
	return true;
}

static unsigned live(void *ctx, unsigned target, uint64_t *cursor, struct publish_op *ret_ops,
		     unsigned max)
{
	struct reporter *reporter = ctx;
	struct addr addrs[SETOPS_MAX];
	unsigned kept = 0, count = reported_page(reporter->params.reported, clock_boot_s(), cursor,
						 addrs, max < SETOPS_MAX ? max : SETOPS_MAX);

	for (unsigned i = 0; i < count; i++) {
		ret_ops[kept] = (struct publish_op){.addr = addrs[i]};
		kept += belongs(ctx, target, &ret_ops[kept]);
	}
	return kept;
}

static void on_event(void *ctx, const struct target *target, enum publisher_event event,
		     const char *what)
{
	static struct log_limit limit;

	(void)ctx;
	if (event == PUBLISHER_FAILED || event == PUBLISHER_HALF)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s does not take what others say (%s)",
			    target->name, what);
	else if (event == PUBLISHER_FULL)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "%s is full, and does not take all of what others say", target->name);
}

int reporter_start(const struct reporter_params *params, struct reporter **ret_reporter)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));
	struct publisher_params publisher = {.name = "reports",
					     .target_count = params->set_count,
					     .later_max = WAITING_MAX,
					     .is_paced = true,
					     .ctx = reporter,
					     .live = live,
					     .belongs = belongs,
					     .event = on_event};
	int rc;

	if (!reporter)
		return -ENOMEM;
	reporter->params = *params;
	for (unsigned i = 0; i < params->set_count; i++)
		reporter->targets[i] = params->sets[i].target;
	publisher.targets = reporter->targets;
	rc = publisher_start(&publisher, &reporter->publisher);
	if (rc < 0)
		free(reporter);
	else
		*ret_reporter = reporter;
	return rc;
}

void reporter_stop(struct reporter *reporter, struct reporter *heir)
{
	if (!reporter)
		return;
	if (heir)
		publisher_retire(reporter->publisher);
	publisher_stop(reporter->publisher, heir ? heir->publisher : NULL);
	free(reporter);
}

void reporter_note(struct reporter *reporter, const struct addr *addr)
{
	if (reporter)
		publisher_note(reporter->publisher, PUBLISHER_LOOK_AGAIN, UINT32_MAX, addr, 0);
}

void reporter_get_stats(struct reporter *reporter, struct reporter_stats *ret_stats)
{
	struct publisher_stats stats;

	*ret_stats = (struct reporter_stats){.commits = 0};
	if (!reporter)
		return;
	publisher_get_stats(reporter->publisher, &stats);
	for (unsigned i = 0; i < reporter->params.set_count; i++) {
		ret_stats->commits += stats.targets[i].commits;
		ret_stats->failed += stats.targets[i].commits_failed;
	}
}
