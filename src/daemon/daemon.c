/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wiring: what starts, in which order, what is done each second, and how it stops. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/wiring.h"
#include "knowledge/state.h"
#include "input/interfaces.h"
#include "sys/clerk.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "sys/log.h"

#define FEED_CAPACITY 8192
#define EVENTS_PER_TURN 256
#define HOUSEKEEPING_MS 1000
#define EXPIRE_S 10 /* what other gateways said is dropped so long after its end at the latest */
#define UNKNOWN_SHAPES 1024
#define FORGET_MAX_MS 30000 /* nothing is diverted yet; systemd waits for 60 s */
#define CLERK_MAX_MS 4000 /* at the end; then systemd waits for 15 s */
#define LOADER_MAX_MS 4000 /* the same */

static void on_stop(void *ctx)
{
	struct daemon *daemon = ctx;

	log_line(LOG_LEVEL_INFO, "stopping");
	service_stopping(&daemon->service);
	loop_stop(daemon->loop);
}

static void on_reload(void *ctx)
{
	daemon_reload(ctx);
}

static void on_feed(void *ctx)
{
	struct daemon *daemon = ctx;
	uint64_t lost;

	feed_drain(daemon->pipeline.feed, EVENTS_PER_TURN, answers_tell, &daemon->answers, &lost);
	if (lost)
		server_note_missed(daemon->server, lost);
}

/* Those put whom the agent marked into sets where he may not belong, until they were found. */
static void sweep_after_other_rules(struct daemon *daemon)
{
	struct keeper_stats stats;

	keeper_get_stats(daemon->keeper, &stats);
	if (stats.others != daemon->others_swept)
		generation_sweep(daemon->generation);
	daemon->others_swept = stats.others;
}

static void on_second(void *ctx)
{
	struct daemon *daemon = ctx;

	daemon->seconds++;
	service_tick(&daemon->service, daemon->workers, daemon->boot->queue_count);
	daemon_tidy_sockets(daemon);
	daemon_tell_figures(daemon);
	daemon_free_unused(daemon);
	answers_settle(&daemon->answers);
	if (daemon->seconds % EXPIRE_S == 0)
		reported_expire(daemon->answers.reported, clock_boot_s());
	daemon_follow_ruleset(daemon);
	sweep_after_other_rules(daemon);
	daemon_advise(daemon);
	if (!daemon->loader.is_busy) /* that may be reading it */
		learned_write_due(daemon->learned);
}

static bool wants_event(void *ctx, enum change_kind kind)
{
	const struct daemon *daemon = ctx;

	if (kind == CHANGE_NEW)
		return server_has_subscribers(daemon->server, SERVER_EVENT_NEW);
	if (kind == CHANGE_VERDICT)
		return server_has_subscribers(daemon->server, SERVER_EVENT_CHANGE);
	return server_has_subscribers(daemon->server, SERVER_EVENT_SYN);
}

static int start_learning(struct daemon *daemon)
{
	const struct config *config = daemon->boot;

	if (!config->learn_enabled)
		return 0;
	return learned_open(config->learn_file, config->learn_shapes, daemon->vocab,
			    &daemon->learned);
}

static int start_baseline(struct daemon *daemon, uint64_t seed)
{
	const struct config *config = daemon->boot;
	struct baseline_params params = {.prefixes = config->baseline_prefixes,
					 .v4_prefix_bits = config->baseline_v4_prefix,
					 .v6_prefix_bits = config->baseline_v6_prefix,
					 .half_life_s = config->baseline_half_life * 3600,
					 .seed = seed};

	if (!config->baseline_enabled)
		return 0;
	daemon->pipeline.baseline = baseline_new(&params);
	return daemon->pipeline.baseline ? 0 : -ENOMEM;
}

/* Conditions on interfaces are then never met; all else works. */
static void find_interfaces(struct daemon *daemon)
{
	int rc = interfaces_new(&daemon->pipeline.interfaces);

	if (rc < 0)
		log_line(LOG_LEVEL_WARNING, "interfaces cannot be told by name: %s", strerror(-rc));
}

static void on_interfaces(void *ctx)
{
	struct daemon *daemon = ctx;

	interfaces_dispatch(daemon->pipeline.interfaces);
	daemon_note_interfaces(daemon);
}

/* Of those who answer only what is asked for is kept: no whole SYN+ACKs. */
static int start_servers(struct daemon *daemon, const struct clients_params *of_clients)
{
	struct clients_params params = *of_clients;

	if (!daemon->boot->servers_enabled)
		return 0;
	params.capacity = daemon->boot->servers;
	params.recent = 64;
	params.v6_prefix_bits = 128;
	daemon->pipeline.servers = clients_new(&params);
	return daemon->pipeline.servers ? 0 : -ENOMEM;
}

static enum daemon_exit start_tables(struct daemon *daemon)
{
	const struct config *config = daemon->boot;
	struct clients_params params = {.capacity = config->clients,
					.recent = config->recent,
					.v6_prefix_bits = config->ipv6_prefix,
					.refresh_s = daemon_refresh_s(config),
					.vocab = daemon->vocab};

	if (getrandom(&params.seed, sizeof(params.seed), 0) != sizeof(params.seed))
		params.seed = clock_unix_s();
	daemon->pipeline.seed = params.seed;
	daemon->pipeline.clients = clients_new(&params);
	if (daemon->pipeline.clients)
		clients_set_threshold(daemon->pipeline.clients, config->link_threshold);
	daemon->pipeline.unknown =
		tally_new(&(struct tally_params){.capacity = UNKNOWN_SHAPES, .seed = params.seed});
	daemon->pipeline.feed = feed_new(config->queue_count, FEED_CAPACITY);
	daemon->loop = loop_new();
	find_interfaces(daemon);
	daemon->reported = reported_new(config->reports, params.seed);
	daemon->changes = changes_new(params.seed);
	daemon->clerk = clerk_new(false);
	if (daemon->pipeline.clients && daemon->pipeline.unknown && daemon->pipeline.feed &&
	    daemon->reported && daemon->changes && daemon->clerk && daemon->loop &&
	    start_baseline(daemon, params.seed) == 0 && start_servers(daemon, &params) == 0 &&
	    start_learning(daemon) == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "not enough memory for %d clients; lower clients.capacity",
		 config->clients);
	return DAEMON_EXIT_FAILED;
}

/* Before the sockets are there; what is made later is set where it is made. */
static enum daemon_exit open_answers(struct daemon *daemon)
{
	daemon->answers = (struct answers){.generation = &daemon->generation,
					   .vocab = daemon->vocab,
					   .clients = daemon->pipeline.clients,
					   .servers = daemon->pipeline.servers,
					   .baseline = daemon->pipeline.baseline,
					   .unknown = daemon->pipeline.unknown,
					   .reported = daemon->reported,
					   .changes = daemon->changes,
					   .learned = daemon->learned,
					   .reload = daemon_reload,
					   .gather = daemon_gather,
					   .daemon = daemon};
	return daemon_open_sockets(daemon);
}

static enum daemon_exit start_loop(struct daemon *daemon)
{
	struct loop *loop = daemon->loop;
	int rc = loop_add_signal(loop, SIGINT, on_stop, daemon);

	rc = rc ? rc : loop_add_signal(loop, SIGTERM, on_stop, daemon);
	rc = rc ? rc : loop_add_signal(loop, SIGHUP, on_reload, daemon);
	rc = rc ? rc : daemon_watch_sockets(daemon);
	rc = rc ? rc : daemon_watch_loader(daemon);
	rc = rc ? rc : loop_add_fd(loop, feed_fd(daemon->pipeline.feed), on_feed, daemon);
	if (rc == 0 && daemon->pipeline.interfaces)
		rc = loop_add_fd(loop, interfaces_fd(daemon->pipeline.interfaces), on_interfaces,
				 daemon);
	rc = rc ? rc : loop_add_timer(loop, HOUSEKEEPING_MS, on_second, daemon);
	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "cannot set up the event loop: %s", strerror(-rc));
	return DAEMON_EXIT_FAILED;
}

static enum daemon_exit check_privileges(void)
{
	if (privs_has_net_admin())
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR,
		 "CAP_NET_ADMIN is missing: run as root, or give it to the service");
	return DAEMON_EXIT_PRIVILEGES;
}

static enum daemon_exit start_publisher(struct daemon *daemon)
{
	int rc;

	generation_assign_marks(daemon->generation, NULL);
	daemon_plan_confirm(daemon, daemon->generation);
	rc = generation_start(daemon->generation, NULL, daemon->pipeline.seed,
			      daemon->pipeline.clients, daemon->reported);

	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "cannot start publishing: %s", strerror(-rc));
	return DAEMON_EXIT_FAILED;
}

/* Before anything is made in the kernel: whoever holds the queues is the only one to do that. */
static enum daemon_exit bind_queues(struct daemon *daemon)
{
	for (unsigned i = 0; i < daemon->boot->queue_count; i++) {
		struct text_error error;
		int rc = worker_new(&daemon->pipeline, daemon->boot, (unsigned)i, &error,
				    &daemon->workers[i]);

		if (rc == 0)
			continue;
		log_line(LOG_LEVEL_ERROR, "%s", error.what);
		return rc == -EBUSY   ? DAEMON_EXIT_QUEUE_BUSY
		       : rc == -EPERM ? DAEMON_EXIT_PRIVILEGES
				      : DAEMON_EXIT_FAILED;
	}
	return DAEMON_EXIT_OK;
}

static enum daemon_exit start_workers(struct daemon *daemon)
{
	for (unsigned i = 0; i < daemon->boot->queue_count; i++) {
		int rc = worker_start(daemon->workers[i]);

		if (rc == 0)
			continue;
		log_line(LOG_LEVEL_ERROR, "cannot start a thread: %s", strerror(-rc));
		return DAEMON_EXIT_FAILED;
	}
	return DAEMON_EXIT_OK;
}

static enum daemon_exit start_diversion(struct daemon *daemon)
{
	struct rules_params params;
	struct text_error error;
	int rc;

	daemon_forget_candidates(daemon, FORGET_MAX_MS);
	generation_rules_params(daemon->generation, true, &params);
	rc = keeper_start(daemon->boot, &params, daemon->workers, &daemon->pipeline.has_rules,
			  &error, &daemon->keeper);
	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s", error.what);
	return rc == -EPERM ? DAEMON_EXIT_PRIVILEGES : DAEMON_EXIT_RULES;
}

static enum daemon_exit check_alone(struct daemon *daemon)
{
	struct text_error error = {
		.what = "another synprintd works in this network namespace: stop it first"};
	int rc = daemon->lock_rc;

	if (rc < 0 && rc != -EBUSY)
		log_line(LOG_LEVEL_WARNING,
			 "cannot make a lock file in /run/synprint (%s): do not start a second "
			 "synprintd",
			 strerror(-rc));
	if (rc != -EBUSY && keeper_check_alone(daemon->boot, daemon->proc_fd, &error) == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s", error.what);
	return DAEMON_EXIT_QUEUE_BUSY;
}

/* Before the sets are filled, so that they hold at once whom they held before. */
static enum daemon_exit start_state(struct daemon *daemon)
{
	const struct config *config = daemon->boot;
	struct state_params params = {.path = config->state_file,
				      .interval_s = config->state_interval_s,
				      .tables = {.clients = daemon->pipeline.clients,
						 .baseline = daemon->pipeline.baseline,
						 .vocab = daemon->vocab}};
	int rc;

	if (!config->state_enabled)
		return DAEMON_EXIT_OK;
	file_make_directory(params.path);
	state_load(&params);
	rc = state_start(&params, &daemon->state);
	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "cannot start a thread: %s", strerror(-rc));
	return DAEMON_EXIT_FAILED;
}

static enum daemon_exit start_stages(struct daemon *daemon, const char *user)
{
	enum daemon_exit code = check_privileges();

	code = code ? code : daemon_find_user(daemon, user ? user : daemon->boot->user);
	code = code ? code : start_tables(daemon);
	code = code ? code : open_answers(daemon);
	code = code ? code : start_loop(daemon);
	daemon->proc_fd = nfqueue_proc_open();
	if (daemon->proc_fd < 0) /* it is root's: a service gets it handed over */
		daemon->proc_fd = inherit_take_proc(&daemon->service.inherited);
	/* Now, as the directory may be somebody else's later; a busy queue is told first. */
	if (code == DAEMON_EXIT_OK)
		daemon->lock_rc = lock_namespace(&daemon->lock_fd);
	code = code ? code : daemon_confine(daemon);
	code = code ? code : bind_queues(daemon);
	code = code ? code : check_alone(daemon);
	code = code ? code : daemon_start_confirmer(daemon);
	code = code ? code : start_state(daemon);
	code = code ? code : start_publisher(daemon);
	code = code ? code : start_workers(daemon);
	code = code ? code : start_diversion(daemon);
	if (code == DAEMON_EXIT_OK && daemon_watch_confirmer(daemon) < 0)
		code = DAEMON_EXIT_FAILED;
	return code;
}

static enum daemon_exit start(struct daemon *daemon, struct vocab *vocab,
			      struct generation *generation, const char *user)
{
	const struct config *config = config_ref(generation->config);
	enum daemon_exit code;

	*daemon = (struct daemon){.boot = config,
				  .lock_fd = -1,
				  .proc_fd = -1,
				  .loader.fd = -1,
				  .vocab = vocab,
				  .generation = generation,
				  .started_s = clock_boot_s(),
				  .pipeline = {.generation = &daemon->generation,
					       .vocab = vocab,
					       .wants_event = wants_event,
					       .ctx = daemon}};
	service_init(&daemon->service);
	code = start_stages(daemon, user);
	if (code != DAEMON_EXIT_OK)
		return code;
	daemon_say_confirm(daemon, daemon->generation);
	daemon_advise_anew(daemon);
	service_ready(&daemon->service);
	log_line(LOG_LEVEL_INFO, "ready: queues %d to %d, control socket %s", config->queue_first,
		 config->queue_first + config->queue_count - 1, config->socket);
	return code;
}

static enum daemon_exit run(struct daemon *daemon)
{
	int rc = loop_run(daemon->loop);

	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "the event loop failed: %s", strerror(-rc));
	return DAEMON_EXIT_FAILED;
}

/* Only what no rule of the administrator's refers to can go, and only what is ours does. */
static void remove_rules(const struct daemon *daemon)
{
	struct nl *nl = NULL;

	if (daemon->boot->engine != RULES_NONE && nl_open(&nl) == 0)
		rules_remove(nl, NULL, 0);
	nl_close(nl);
}

static void stop_generations(struct daemon *daemon)
{
	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++)
		if (daemon->retired[i]) {
			generation_stop(daemon->retired[i], daemon->generation);
			generation_free(daemon->retired[i]);
		}
	generation_stop(daemon->generation, NULL);
}

/* A load that has not ended may still use them. */
static void free_load_inputs(struct daemon *daemon)
{
	learned_close(daemon->learned);
	config_free(daemon->boot);
	vocab_free(daemon->vocab);
}

static void stop(struct daemon *daemon)
{
	bool has_made = daemon->generation->publisher || daemon->keeper, has_loaded;

	if (daemon->clerk)
		daemon_end_metrics(daemon);
	keeper_stop(daemon->keeper);
	for (unsigned i = 0; i < CONFIG_QUEUES_MAX; i++)
		worker_stop(daemon->workers[i]);
	if (has_made) /* sets that rules refer to cannot go */
		remove_rules(daemon);
	stop_generations(daemon);
	state_stop(daemon->state); /* the disk may take its time */
	generation_free(daemon->generation);
	daemon_close_sockets(daemon);
	has_loaded = loader_close(&daemon->loader, LOADER_MAX_MS);
	service_done(&daemon->service);
	loop_free(daemon->loop);
	confirmer_close(daemon->confirmer);
	timing_stop(daemon->timing);
	feed_free(daemon->pipeline.feed);
	interfaces_free(daemon->pipeline.interfaces);
	evidence_free(daemon->evidence);
	clients_free(daemon->pipeline.clients);
	clients_free(daemon->pipeline.servers);
	baseline_free(daemon->pipeline.baseline);
	tally_free(daemon->pipeline.unknown);
	reported_free(daemon->reported);
	changes_free(daemon->changes);
	if (has_loaded)
		free_load_inputs(daemon);
	clerk_close(daemon->clerk, CLERK_MAX_MS);
	if (daemon->proc_fd >= 0)
		close(daemon->proc_fd);
	unlock_namespace(daemon->lock_fd);
}

enum daemon_exit daemon_serve(struct vocab *vocab, struct generation *generation, const char *user)
{
	static struct daemon daemon;
	enum daemon_exit code = start(&daemon, vocab, generation, user);

	if (code == DAEMON_EXIT_OK)
		code = run(&daemon);
	stop(&daemon);
	return code;
}
