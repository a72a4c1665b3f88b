/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wiring: what starts, in which order, and how it stops. */
#include "daemon/daemon.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "publish/ipset.h"
#include "publish/nftset.h"
#include "sys/lock.h"
#include "sys/log.h"
#include "sys/privs.h"

#define FEED_CAPACITY 2048
#define EVENTS_PER_TURN 256
#define HOUSEKEEPING_MS 1000
#define LIVE_LOOK_MAX 8192 /* clients in a step of a refill, so that bursts do not wait for it */
#define UNKNOWN_SHAPES 1024

static void on_stop(void *ctx)
{
	struct daemon *daemon = ctx;

	log_line(LOG_LEVEL_INFO, "stopping");
	loop_stop(daemon->loop);
}

static void on_reload(void *ctx)
{
	struct text_error error;

	if (daemon_reload(ctx, &error) < 0)
		log_line(LOG_LEVEL_ERROR, "%s; keeping the old databases", error.what);
}

static void on_socket(void *ctx)
{
	struct daemon *daemon = ctx;

	server_dispatch(daemon->server);
}

static void on_feed(void *ctx)
{
	struct daemon *daemon = ctx;
	uint64_t lost;

	feed_drain(daemon->pipeline.feed, EVENTS_PER_TURN, answers_tell, daemon, &lost);
	if (lost)
		server_note_missed(daemon->server, lost);
}

/* Databases are given back when every worker has begun another burst since they were replaced. */
static bool is_unused(const struct daemon *daemon, const struct retired *retired)
{
	for (int i = 0; i < daemon->config->queue_count; i++)
		if (worker_ticks(daemon->workers[i]) < retired->ticks[i] + 2)
			return false;
	return true;
}

static void free_unused(struct daemon *daemon)
{

	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++) {
		struct retired *retired = &daemon->retired[i];

		if (retired->knowledge && is_unused(daemon, retired)) {
			knowledge_free(retired->knowledge);
			retired->knowledge = NULL;
		}
	}
}

static void on_second(void *ctx)
{
	struct daemon *daemon = ctx;

	free_unused(daemon);
	learned_write_due(daemon->learned);
}

static struct retired *free_retired(struct daemon *daemon)
{
	free_unused(daemon);
	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++)
		if (!daemon->retired[i].knowledge)
			return &daemon->retired[i];
	return NULL;
}

int daemon_reload(struct daemon *daemon, struct text_error *ret_error)
{
	const struct config *config = daemon->config;
	struct knowledge_params params = config_knowledge_params(config);
	struct retired *retired = free_retired(daemon);
	struct knowledge_error error;
	struct knowledge *knowledge;
	int rc;

	if (!retired)
		return text_error_set(ret_error, 0, 0, "the last reload has not ended yet");
	if (daemon->learned)
		learned_write(daemon->learned);
	params.may_rename = true;
	rc = knowledge_load(&params, daemon->vocab, &error, &knowledge);
	if (rc < 0) {
		char text[sizeof(ret_error->what)];

		knowledge_error_format(&error, text, sizeof(text));
		return text_error_set(ret_error, 0, 0, "%s", text);
	}
	retired->knowledge = daemon->pipeline.knowledge;
	__atomic_store_n(&daemon->pipeline.knowledge, knowledge, __ATOMIC_RELEASE);
	for (int i = 0; i < config->queue_count; i++)
		retired->ticks[i] = worker_ticks(daemon->workers[i]);
	daemon->reloads++;
	log_line(LOG_LEVEL_INFO, "databases read again");
	return 0;
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

/* A subnet that counts as one client has no address to publish; its next SYN brings it back. */
static bool is_live(const struct daemon *daemon, const struct config_set *set,
		    const struct client *client, uint32_t silent_s)
{
	bool is_subnet = daemon->config->ipv6_prefix < 128 && !addr_is_v4(&client->addr);

	return silent_s < (uint32_t)set->timeout_s && !is_subnet &&
	       filter_match(&set->filter, daemon->vocab, &client->addr, &client->conns[0].verdict);
}

/* What a target should hold: the clients that meet its condition and were seen within its timeout. */
static unsigned live_elements(void *ctx, unsigned target, uint64_t *cursor,
			      struct publish_op *ret_ops, unsigned max)
{
	const struct daemon *daemon = ctx;
	const struct config_set *set = &daemon->config->sets[target];
	uint32_t now_s = (uint32_t)time(NULL);
	unsigned count = 0, looked = 0;

	do {
		struct client client;
		uint32_t silent_s;

		if (clients_page(daemon->pipeline.clients, *cursor, 1, &client, cursor) == 0)
			break;
		silent_s = now_s > client.last_seen_s ? now_s - client.last_seen_s : 0;
		if (is_live(daemon, set, &client, silent_s))
			ret_ops[count++] =
				(struct publish_op){.addr = client.addr,
						    .port = client.conns[0].src_port,
						    .kind = PUBLISH_REFRESH,
						    .timeout_s =
							    (uint32_t)set->timeout_s - silent_s};
	} while (*cursor && count < max && ++looked < LIVE_LOOK_MAX);
	return count;
}

static unsigned target_number(const struct daemon *daemon, const struct target *target)
{
	unsigned number = 0;

	while (number + 1 < daemon->config->set_count && daemon->targets[number] != target)
		number++;
	return number;
}

static void on_publisher_event(void *ctx, const struct target *target, enum publisher_event event,
			       const char *what)
{
	static struct log_limit failed[CONFIG_SETS_MAX], recovered[CONFIG_SETS_MAX],
		drifted[CONFIG_SETS_MAX];
	unsigned at = target_number(ctx, target);

	switch (event) {
	case PUBLISHER_FAILED:
		log_limited(&failed[at], LOG_LEVEL_WARNING,
			    "%s takes no elements (%s); it is tried again later, others go on",
			    target->name, what);
		return;
	case PUBLISHER_RECOVERED:
		log_limited(&recovered[at], LOG_LEVEL_INFO, "%s takes elements again",
			    target->name);
		return;
	case PUBLISHER_DRIFTED:
		log_limited(&drifted[at], LOG_LEVEL_WARNING,
			    "%s was changed by somebody (%s); it is filled again", target->name,
			    what);
		return;
	}
}

static int make_target(const struct config_set *set, struct target **ret_target)
{
	char name4[256], name6[256];

	snprintf(name4, sizeof(name4), "%s4", set->name);
	snprintf(name6, sizeof(name6), "%s6", set->name);
	if (set->kind == CONFIG_IPSET) {
		struct ipset_params params = {.name4 = name4,
					      .name6 = name6,
					      .timeout_s = (uint32_t)set->timeout_s,
					      .size = (uint32_t)set->size};

		return ipset_new(&params, ret_target);
	}
	{
		const char *space = strchr(set->table, ' ');
		bool is_ip = strncmp(set->table, "ip ", 3) == 0;
		bool is_ip6 = strncmp(set->table, "ip6 ", 4) == 0;
		struct nftset_params params = {.family = is_ip    ? NFTSET_IP
							 : is_ip6 ? NFTSET_IP6
								  : NFTSET_INET,
					       .table = set->is_own_table ? NULL : space + 1,
					       .name4 = is_ip6 ? NULL : name4,
					       .name6 = is_ip ? NULL : name6,
					       .timeout_s = (uint32_t)set->timeout_s,
					       .size = (uint32_t)set->size,
					       .is_foreign = !set->is_own_table};

		return nftset_new(&params, ret_target);
	}
}

static unsigned refresh_s(const struct config *config)
{
	int shortest = 7200;

	for (unsigned i = 0; i < config->set_count; i++)
		if (config->sets[i].timeout_s < shortest)
			shortest = config->sets[i].timeout_s;
	return shortest < 4 ? 1 : (unsigned)shortest / 2;
}

static int start_learning(struct daemon *daemon)
{
	const struct config *config = daemon->config;

	if (!config->learn_enabled)
		return 0;
	return learned_open(config->learn_file, (size_t)config->learn_shapes, daemon->vocab,
			    &daemon->learned);
}

static enum daemon_exit start_tables(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct clients_params params = {.capacity = (size_t)config->clients,
					.recent = (size_t)config->recent,
					.v6_prefix_bits = (unsigned)config->ipv6_prefix,
					.refresh_s = refresh_s(config),
					.vocab = daemon->vocab};

	if (getrandom(&params.seed, sizeof(params.seed), 0) != sizeof(params.seed))
		params.seed = (uint64_t)time(NULL);
	daemon->pipeline.clients = clients_new(&params);
	daemon->pipeline.unknown =
		tally_new(&(struct tally_params){.capacity = UNKNOWN_SHAPES, .seed = params.seed});
	daemon->pipeline.feed = feed_new((unsigned)config->queue_count, FEED_CAPACITY);
	daemon->loop = loop_new();
	if (daemon->pipeline.clients && daemon->pipeline.unknown && daemon->pipeline.feed &&
	    daemon->loop && start_learning(daemon) == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "not enough memory for %d clients; lower clients.capacity",
		 config->clients);
	return DAEMON_EXIT_FAILED;
}

static void make_socket_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[256];

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(directory))
		return;
	memcpy(directory, path, (size_t)(slash - path));
	directory[slash - path] = '\0';
	if (mkdir(directory, 0755) < 0)
		return; /* it is there, or the socket's own error will say what is wrong */
}

static enum daemon_exit start_server(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct server_params params = {.path = config->socket,
				       .mode = (mode_t)config->socket_mode,
				       .group = (gid_t)-1,
				       .vocab = daemon->vocab,
				       .handler = answers_handler(daemon)};
	const struct group *group = config->socket_group ? getgrnam(config->socket_group) : NULL;
	struct text_error error = {.what = "out of memory"};

	if (config->socket_group && !group) {
		log_line(LOG_LEVEL_ERROR, "%s: control.group: there is no group '%s'", config->path,
			 config->socket_group);
		return DAEMON_EXIT_INPUT;
	}
	if (group)
		params.group = group->gr_gid;
	make_socket_directory(config->socket);
	if (server_new(&params, &error, &daemon->server) < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", error.what);
		return DAEMON_EXIT_SOCKET;
	}
	return DAEMON_EXIT_OK;
}

static enum daemon_exit start_loop(struct daemon *daemon)
{
	struct loop *loop = daemon->loop;
	int rc = loop_add_signal(loop, SIGINT, on_stop, daemon);

	rc = rc ? rc : loop_add_signal(loop, SIGTERM, on_stop, daemon);
	rc = rc ? rc : loop_add_signal(loop, SIGHUP, on_reload, daemon);
	rc = rc ? rc : loop_add_fd(loop, server_fd(daemon->server), on_socket, daemon);
	rc = rc ? rc : loop_add_fd(loop, feed_fd(daemon->pipeline.feed), on_feed, daemon);
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

static enum daemon_exit drop_privileges(void)
{
	int rc = privs_drop();

	if (rc < 0)
		log_line(LOG_LEVEL_ERROR, "cannot give up privileges: %s", strerror(-rc));
	return rc < 0 ? DAEMON_EXIT_PRIVILEGES : DAEMON_EXIT_OK;
}

static enum daemon_exit start_publisher(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	struct publisher_params params = {.targets = daemon->targets,
					  .target_count = config->set_count,
					  .worker_count = (unsigned)config->queue_count + 1,
					  .deadline_ms = (unsigned)config->deadline_ms,
					  .ctx = daemon,
					  .live = live_elements,
					  .event = on_publisher_event};
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < config->set_count; i++)
		rc = make_target(&config->sets[i], &daemon->targets[i]);
	if (rc == 0 && config->set_count)
		rc = publisher_start(&params, &daemon->publisher);
	if (rc < 0) {
		log_line(LOG_LEVEL_ERROR, "cannot start publishing: %s", strerror(-rc));
		return DAEMON_EXIT_FAILED;
	}
	daemon->pipeline.publisher = daemon->publisher;
	return DAEMON_EXIT_OK;
}

/* Before anything is made in the kernel: whoever holds the queues is the only one to do that. */
static enum daemon_exit bind_queues(struct daemon *daemon)
{
	for (int i = 0; i < daemon->config->queue_count; i++) {
		struct text_error error;
		int rc = worker_new(&daemon->pipeline, (unsigned)i, &error, &daemon->workers[i]);

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
	for (int i = 0; i < daemon->config->queue_count; i++) {
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
	struct text_error error;
	int rc = keeper_start(daemon->config, daemon->workers, &error, &daemon->keeper);

	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s", error.what);
	return rc == -EPERM ? DAEMON_EXIT_PRIVILEGES : DAEMON_EXIT_RULES;
}

static enum daemon_exit check_alone(struct daemon *daemon)
{
	struct text_error error = {
		.what = "another synprintd works in this network namespace: stop it first"};
	int rc = lock_namespace(&daemon->lock_fd);

	if (rc < 0 && rc != -EBUSY)
		log_line(LOG_LEVEL_WARNING,
			 "cannot make a lock file in /run/synprint (%s): do not start a second "
			 "synprintd",
			 strerror(-rc));
	if (rc != -EBUSY && keeper_check_alone(daemon->config, &error) == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "%s", error.what);
	return DAEMON_EXIT_QUEUE_BUSY;
}

static enum daemon_exit start_stages(struct daemon *daemon)
{
	enum daemon_exit code = check_privileges();

	code = code ? code : start_tables(daemon);
	code = code ? code : start_server(daemon);
	code = code ? code : start_loop(daemon);
	code = code ? code : drop_privileges();
	code = code ? code : bind_queues(daemon);
	code = code ? code : check_alone(daemon);
	code = code ? code : start_publisher(daemon);
	code = code ? code : start_workers(daemon);
	code = code ? code : start_diversion(daemon);
	return code;
}

uint64_t daemon_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec;
}

enum daemon_exit daemon_start(struct daemon *daemon, const struct config *config,
			      struct vocab *vocab, struct knowledge *knowledge)
{
	enum daemon_exit code;

	*daemon = (struct daemon){.config = config,
				  .lock_fd = -1,
				  .vocab = vocab,
				  .started_s = daemon_clock_s(),
				  .pipeline = {.config = config,
					       .vocab = vocab,
					       .knowledge = knowledge,
					       .wants_event = wants_event,
					       .ctx = daemon}};
	code = start_stages(daemon);
	if (code == DAEMON_EXIT_OK)
		log_line(LOG_LEVEL_INFO, "ready: queues %d to %d, control socket %s",
			 config->queue_first, config->queue_first + config->queue_count - 1,
			 config->socket);
	return code;
}

enum daemon_exit daemon_run(struct daemon *daemon)
{
	int rc = loop_run(daemon->loop);

	if (rc == 0)
		return DAEMON_EXIT_OK;
	log_line(LOG_LEVEL_ERROR, "the event loop failed: %s", strerror(-rc));
	return DAEMON_EXIT_FAILED;
}

/* Only what no rule of the administrator's refers to can go, and only what is ours does. */
static void remove_from_kernel(struct daemon *daemon)
{
	struct nl *nl = NULL;

	for (unsigned i = 0; i < daemon->config->set_count; i++)
		if (daemon->targets[i])
			daemon->targets[i]->type->remove(daemon->targets[i]);
	if (daemon->config->engine != RULES_NONE && nl_open(&nl) == 0)
		rules_remove(nl, NULL, 0);
	nl_close(nl);
}

void daemon_stop(struct daemon *daemon)
{
	bool has_made = daemon->publisher || daemon->keeper;

	keeper_stop(daemon->keeper);
	for (unsigned i = 0; i < CONFIG_QUEUES_MAX; i++)
		worker_stop(daemon->workers[i]);
	publisher_stop(daemon->publisher);
	if (has_made)
		remove_from_kernel(daemon);
	for (unsigned i = 0; i < CONFIG_SETS_MAX; i++)
		if (daemon->targets[i])
			daemon->targets[i]->type->free(daemon->targets[i]);
	server_free(daemon->server);
	loop_free(daemon->loop);
	feed_free(daemon->pipeline.feed);
	clients_free(daemon->pipeline.clients);
	tally_free(daemon->pipeline.unknown);
	learned_close(daemon->learned);
	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++)
		knowledge_free(daemon->retired[i].knowledge);
	knowledge_free(daemon->pipeline.knowledge);
	unlock_namespace(daemon->lock_fd);
}
