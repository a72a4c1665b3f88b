/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses with news wait at the publisher; what is to be said of each is asked of the table when the
 * batch is made, so the order of news does not matter. When too many wait, all is said again.
 */
#include "daemon/packets/reports.h"

#include "sys/clock.h"
#include "sys/log.h"

#define WAITING_MAX 65536

/* Whether by what is said now an address belongs in a set, and then for how long. */
static bool belongs(void *ctx, unsigned target, struct publish_op *op)
{
	const struct generation *generation = ctx;
	const struct config_report_set *report_set = &generation->config->report_sets[target];
	const struct config_set *set = &report_set->set;
	uint32_t left_s, timeout_s = (uint32_t)set->timeout_s;

	if (config_is_excepted(generation->config, &op->addr) ||
	    filter_excepts(&set->filter, &op->addr))
		return false;
	left_s = reported_left(generation->reported, clock_boot_s(), &op->addr, &report_set->rule);
	if (!left_s)
		return false;
	op->kind = PUBLISH_REFRESH;
	op->timeout_s = left_s < timeout_s ? left_s : timeout_s;
	return true;
}

static unsigned live(void *ctx, unsigned target, uint64_t *cursor, struct publish_op *ret_ops,
		     unsigned max)
{
	const struct generation *generation = ctx;
	struct addr addrs[SETOPS_MAX];
	unsigned kept = 0, count = reported_page(generation->reported, clock_boot_s(), cursor,
						 addrs, max < SETOPS_MAX ? max : SETOPS_MAX);

	for (unsigned i = 0; i < count; i++) {
		ret_ops[kept] = (struct publish_op){.addr = addrs[i]};
		kept += belongs(ctx, target, &ret_ops[kept]);
	}
	return kept;
}

static void on_event(void *ctx, unsigned target, enum publisher_event event, const char *what)
{
	static struct log_limit limit;
	const struct generation *generation = ctx;
	const char *name = generation->targets[CONFIG_SETS_MAX + target]->name;

	if (event == PUBLISHER_FAILED)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s does not take what others say (%s)",
			    name, what);
	else if (event == PUBLISHER_HALF)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s takes a part of what others say (%s)",
			    name, what);
	else if (event == PUBLISHER_FULL)
		log_limited(&limit, LOG_LEVEL_WARNING,
			    "%s is full, and does not take all of what others say", name);
}

int reports_start(struct generation *generation)
{
	struct publisher_params params = {.name = "reports",
					  .targets = generation->targets + CONFIG_SETS_MAX,
					  .target_count = generation->config->report_set_count,
					  .later_max = WAITING_MAX,
					  .is_paced = true,
					  .ctx = generation,
					  .live = live,
					  .belongs = belongs,
					  .event = on_event};

	return params.target_count ? publisher_start(&params, &generation->reports) : 0;
}

void reports_note(const struct generation *generation, const struct addr *addr)
{
	if (generation->reports)
		publisher_note(generation->reports, PUBLISHER_LOOK_AGAIN, UINT32_MAX, addr, 0);
}

unsigned reports_forget(const struct generation *generation, const struct addr_net *net)
{
	unsigned words = reported_forget(generation->reported, net);

	if (generation->reports)
		publisher_note(generation->reports, PUBLISHER_SWEEP, UINT32_MAX, &net->addr,
			       net->bits);
	return words;
}

void reports_get_stats(const struct generation *generation, struct reports_stats *ret_stats)
{
	struct publisher_stats stats;

	*ret_stats = (struct reports_stats){.commits = 0};
	if (!generation->reports)
		return;
	publisher_get_stats(generation->reports, &stats);
	for (unsigned i = 0; i < generation->config->report_set_count; i++) {
		ret_stats->commits += stats.targets[i].commits;
		ret_stats->failed += stats.targets[i].commits_failed;
	}
}
