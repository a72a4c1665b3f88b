/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All figures of one moment, from the parts that count them, and who is told of them unasked. */
#include <errno.h>
#include <string.h>

#include "daemon/answers/metrics.h"
#include "daemon/wiring.h"
#include "knowledge/learned.h"
#include "knowledge/state.h"
#include "sys/clock.h"

static void gather_queues(const struct daemon *daemon, struct figures *figures)
{
	figures->queue_count = daemon->boot->queue_count;
	for (unsigned i = 0; i < figures->queue_count; i++) {
		struct figures_queue *queue = &figures->queues[i];

		queue->number = daemon->boot->queue_first + i;
		workers_sum_stats(&daemon->workers[i], 1, &queue->worker);
		queue->is_stalled = figures->rules.stalled >> i & 1;
		queue->has_kernel =
			nfqueue_proc_read(daemon->proc_fd, queue->number, &queue->kernel) == 0;
	}
	workers_sum_stats(daemon->workers, figures->queue_count, &figures->workers);
}

static void gather_tables(const struct daemon *daemon, struct figures *figures)
{
	const struct pipeline *pipeline = &daemon->pipeline;

	clients_get_stats(pipeline->clients, &figures->clients);
	tally_get_stats(pipeline->unknown, &figures->unknown);
	reported_get_stats(daemon->reported, &figures->reported);
	figures->has_baseline = pipeline->baseline != NULL;
	if (pipeline->baseline)
		baseline_get_stats(pipeline->baseline, &figures->baseline);
	figures->has_learned = daemon->learned != NULL;
	if (daemon->learned)
		learn_get_stats(learned_learn(daemon->learned), &figures->learned);
}

/* What packets bring to sets is counted by the rules. */
static void gather_refused(const struct daemon *daemon, struct figures *figures)
{
	const struct generation *generation = daemon->generation;

	for (unsigned i = 0; i < generation->config->set_count; i++) {
		struct publisher_target_stats *target = &figures->publish.targets[i];
		bool is_full;

		if (!(generation->mark_sets >> i & 1))
			continue;
		target->failed +=
			keeper_refused(daemon->keeper, generation->config->sets[i].name, &is_full);
		target->is_full |= is_full;
	}
}

static void gather_clocks(const struct daemon *daemon, struct figures *figures)
{
	figures->has_clocks = daemon->generation->config->clocks_enabled;
	figures->clocks_by = daemon_clocks_by(daemon->generation);
	timing_get_stats(daemon->timing, &figures->timing);
	if (daemon->evidence)
		evidence_get_stats(daemon->evidence, &figures->evidence);
}

static void advise_file(const char *key, const char *path, int rc, struct advice_list *list)
{
	if (rc == -EINVAL)
		advice_add(list, ADVICE_FAULT, "files",
			   "%s: %s is no regular file: move it away, or correct the key", key,
			   path);
	else if (rc < 0)
		advice_add(list, ADVICE_FAULT, "files",
			   "%s: %s cannot be written: %s (its folder must be synprintd's to write, "
			   "have room, and ReadWritePaths= of the service must name it)",
			   key, path, strerror(-rc));
}

/* The file that the administrator has, and the one that is at work. */
static void advise_config(const struct daemon *daemon, struct advice_list *list)
{
	const struct generation *generation = daemon->generation;
	char keys[128];
	struct text_buf buf;

	text_buf_init(&buf, keys, sizeof(keys));
	for (unsigned i = 0; i < generation->kept_count; i++)
		text_putf(&buf, "%s%s", i ? ", " : "", generation->kept_keys[i]);
	if (generation->kept_count)
		advice_add(list, ADVICE_NOTE, "config",
			   "%s of the file are not at work before a restart: 'systemctl restart "
			   "synprintd'",
			   keys);
	if (daemon->refused[0])
		advice_add(list, ADVICE_FAULT, "config",
			   "the last reload was refused, and what was read before is at work: %s. "
			   "Mend that, and reload",
			   daemon->refused);
	else if (config_is_changed(generation->config))
		advice_add(list, ADVICE_NOTE, "config",
			   "%s was changed after it was read: 'synprintd -t' checks it, 'synprint "
			   "reload' takes it",
			   generation->config->path);
}

static void gather_advice(const struct daemon *daemon, const struct keeper_stats *rules,
			  struct advice_list *list)
{
	const struct config *config = daemon->generation->config;
	const char *clocks = daemon_explain_clocks(daemon->generation);

	*list = daemon->advised.list;
	if (rules->is_harmful)
		advice_add(list, ADVICE_FAULT, "rules",
			   "diverting does harm here, so nothing is diverted: of %u SYNs that came "
			   "back from the queue %u were sent again, of %u that passed by it %u. "
			   "Find what behind the queue loses them, then reload",
			   rules->trial.sent, rules->trial.sent_again, rules->trial.passed,
			   rules->trial.passed_again);
	advise_config(daemon, list);
	if (*clocks)
		advice_add(list, ADVICE_FAULT, "clocks", "%s", clocks);
	if (config->metrics_file)
		advise_file("metrics.textfile", config->metrics_file,
			    daemon->metrics_rc ? daemon->metrics_rc
					       : clerk_get_error(daemon->clerk),
			    list);
	advise_file("state.file", daemon->boot->state_file, state_get_error(daemon->state), list);
	advise_file("learn.file", daemon->boot->learn_file, learned_get_error(daemon->learned),
		    list);
}

void daemon_gather(const void *ctx, struct figures *ret_figures)
{
	const struct daemon *daemon = ctx;
	const struct generation *generation = daemon->generation;

	*ret_figures = (struct figures){.generation = generation,
					.uptime_s = clock_boot_s() - daemon->started_s,
					.reloads = daemon->reloads,
					.links = linkdb_count(generation->knowledge->linkdb),
					.socket = daemon->boot->socket,
					.p0f_socket = daemon->boot->p0f_socket,
					.has_p0f = daemon->p0f != NULL};
	sigdb_get_stats(generation->knowledge->sigdb, &ret_figures->sigdb);
	keeper_get_stats(daemon->keeper, &ret_figures->rules);
	confirmer_get_stats(daemon->confirmer, &ret_figures->confirm);
	ret_figures->confirms = generation->confirms;
	ret_figures->confirms_by = !generation->confirms    ? "nothing"
				   : generation->has_labels ? "label"
							    : "mark";
	daemon_explain_confirm(daemon, generation, ret_figures->confirm_note,
			       sizeof(ret_figures->confirm_note));
	gather_clocks(daemon, ret_figures);
	gather_advice(daemon, &ret_figures->rules, &ret_figures->advice);
	gather_queues(daemon, ret_figures);
	gather_tables(daemon, ret_figures);
	reports_get_stats(generation, &ret_figures->reports);
	if (generation->publisher)
		publisher_get_stats(generation->publisher, &ret_figures->publish);
	gather_refused(daemon, ret_figures);
	server_get_stats(daemon->server, &ret_figures->control);
	ret_figures->events_held = changes_held(daemon->changes);
	if (daemon->p0f)
		p0f_server_get_stats(daemon->p0f, &ret_figures->p0f);
}

void daemon_end_metrics(struct daemon *daemon)
{
	const char *path = daemon->generation->config->metrics_file;

	if (path)
		clerk_write(daemon->clerk, path, NULL, 0);
}

/* First as soon as the keeper has looked at the rules. */
static bool is_file_second(const struct daemon *daemon)
{
	unsigned interval_s = (unsigned)daemon->generation->config->metrics_interval_s;

	return (daemon->seconds + interval_s - 2) % interval_s == 0;
}

void daemon_tell_figures(struct daemon *daemon)
{
	const struct config *config = daemon->generation->config;
	bool is_status_due = service_is_status_due(&daemon->service);
	bool is_file_due = config->metrics_file && is_file_second(daemon);
	struct figures figures;
	int rc;

	if (!is_status_due && !is_file_due)
		return;
	daemon_gather(daemon, &figures);
	if (is_status_due)
		service_tell(&daemon->service, &figures);
	if (!is_file_due)
		return;
	rc = metrics_write(daemon->clerk, config->metrics_file, &figures);
	daemon->metrics_rc = rc == -EBUSY ? 0 : rc; /* the file before it is not removed yet */
}
