/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether connections are measured here. The thread and its socket are made when a configuration
 * wants them first, and stay, parked: closing a netfilter socket makes everybody's commits wait.
 */
#include "daemon/wiring.h"
#include "sys/log.h"

/* Tried again with each reload, and with each change of the ruleset. */
static void start(struct daemon *daemon, const struct config *config)
{
	static struct log_limit limit;
	struct evidence_params evidence = {.capacity = daemon->boot->clocks_clients,
					   .v6_prefix_bits = config->ipv6_prefix,
					   .seed = daemon->pipeline.seed};
	struct timing_params params = {.group = config->clocks_group,
				       .seed = daemon->pipeline.seed};
	struct text_error error = {.what = "out of memory"};

	if (!daemon->evidence)
		daemon->evidence = evidence_new(&evidence);
	params.evidence = daemon->evidence;
	if (!daemon->evidence || timing_start(&params, &error, &daemon->timing) < 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "%s. Until then no connection is measured",
			    error.what);
}

void daemon_plan_clocks(struct daemon *daemon, struct generation *generation)
{
	const struct config *config = generation->config;
	struct evidence_table *evidence;

	if (config->clocks_enabled && !daemon->timing)
		start(daemon, config);
	evidence = config->clocks_enabled && daemon->timing ? daemon->evidence : NULL;
	/* Workers read it, when the ruleset has changed and this is asked again. */
	__atomic_store_n(&generation->evidence, evidence, __ATOMIC_RELEASE);
	generation->has_clocks = evidence && generation->confirms;
}

const char *daemon_explain_clocks(const struct generation *generation)
{
	const struct config *config = generation->config;

	if (!config->clocks_enabled || generation->has_clocks || config->engine == RULES_NONE)
		return "";
	return generation->evidence
		       ? "nobody uses conntrack here, so no connection is measured: set "
			 "rules.conntrack = true, or clocks.enabled = false"
		       : "connections cannot be measured: the log says why";
}

const char *daemon_clocks_by(const struct generation *generation)
{
	const struct config *config = generation->config;

	if (!generation->has_clocks)
		return config->engine == RULES_NONE && generation->evidence ? "rules" : "nothing";
	if (config->clocks_match != CONFIG_MATCH_MARK || !generation->ct.clocks)
		return "counter";
	return generation->has_labels ? "label" : "mark";
}
