/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload: the next generation is loaded by a thread (loader.h) and started beside the one at work,
 * and takes its place in one step. Who asks during a load gets another one behind it: what was asked
 * for may be newer than what has been read. The old one is kept until no worker can be using it any more.
 *
 * A bit of the packet mark keeps its meaning while SYNs are on their way. The rules are loaded
 * first, with those left out whose bit meant something else until now; then the generation is
 * replaced; and when every worker has sent the verdicts of what it had, the rest is loaded too, and
 * what was missed in between is filled from the client table.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/packets/turns.h"
#include "daemon/wiring.h"
#include "sys/log.h"

#define SETTLE_MAX_MS 1000
#define SETTLE_STEP_MS 10

/* A generation is given back when every worker has begun another burst since it was replaced. */
static bool is_unused(const struct daemon *daemon, const struct generation *generation)
{
	return turns_are_over(daemon->workers, generation->config->queue_count, generation->ticks);
}

void daemon_free_unused(struct daemon *daemon)
{
	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++) {
		struct generation *generation = daemon->retired[i];

		if (generation && is_unused(daemon, generation)) {
			generation_stop(generation, daemon->generation);
			generation_free(generation);
			daemon->retired[i] = NULL;
		}
	}
}

static struct generation **free_place(struct daemon *daemon)
{
	daemon_free_unused(daemon);
	for (unsigned i = 0; i < DAEMON_RETIRED_MAX; i++)
		if (!daemon->retired[i])
			return &daemon->retired[i];
	return NULL;
}

unsigned daemon_refresh_s(const struct config *config)
{
	unsigned shortest = 7200;

	for (unsigned i = 0; i < config->set_count; i++)
		if (config->sets[i].timeout_s < shortest)
			shortest = config->sets[i].timeout_s;
	return shortest < 4 ? 1 : shortest / 2;
}

static bool is_same_file(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* From here on the workers' next bursts, and all answers, come from the new one. */
static void replace_generation(struct daemon *daemon, struct generation *next,
			       struct generation **ret_old)
{
	struct generation *old = daemon->generation;
	const struct config *config = next->config;

	log_set_level(config->log_level);
	clients_set_refresh(daemon->pipeline.clients, daemon_refresh_s(config));
	clients_set_threshold(daemon->pipeline.clients, config->link_threshold);
	if (!is_same_file(old->config->metrics_file, config->metrics_file))
		daemon_end_metrics(daemon);
	generation_retire(old);
	/* In one order with the workers' ticks: who ticks twice after it has seen the new one. */
	__atomic_store_n(&daemon->generation, next, __ATOMIC_SEQ_CST);
	turns_note(daemon->workers, config->queue_count, old->ticks);
	*ret_old = old;
	daemon->reloads++;
	log_line(LOG_LEVEL_INFO, "configuration and databases read again");
	for (unsigned i = 0; i < next->kept_count; i++)
		log_line(LOG_LEVEL_WARNING, "%s stays as it was: it changes with a restart only",
			 next->kept_keys[i]);
}

/*
 * When the last reloads have ended: their bits are through, and their generations given back. Rules
 * that the kernel did not take meanwhile are made anew by this one.
 */
static struct generation **find_place(struct daemon *daemon)
{
	return keeper_may_change(daemon->keeper) ? free_place(daemon) : NULL;
}

static int change_rules(struct daemon *daemon, const struct generation *generation, bool is_settled,
			struct text_error *ret_error)
{
	struct rules_params params;

	generation_rules_params(generation, is_settled, &params);
	params.may_resize = true; /* they are filled again */
	return keeper_change(daemon->keeper, generation->config, &params, ret_error);
}

/* The rest of the rules of the generation at work, as soon as it means what they say. */
static void settle(struct daemon *daemon)
{
	struct rules_params params;

	generation_rules_params(daemon->generation, true, &params);
	keeper_settle(daemon->keeper, &params, generation_settled, daemon->generation);
}

/* From the rules to the publisher. On failure all is as before. */
static int start_next(struct daemon *daemon, struct generation *next, struct text_error *ret_error)
{
	struct text_error error = {0};
	int rc;

	generation_assign_marks(next, daemon->generation);
	daemon_plan_confirm(daemon, next);
	rc = change_rules(daemon, next, false, &error);
	if (rc < 0)
		return text_error_set(ret_error, 0, 0, "cannot change the rules: %s", error.what);
	if (error.what[0])
		log_line(LOG_LEVEL_WARNING, "stays as it was: the %s", error.what);
	snprintf(next->kept_size, sizeof(next->kept_size), "%s", error.what);
	rc = generation_start(next, daemon->generation, daemon->pipeline.seed,
			      daemon->pipeline.clients, daemon->reported);
	if (rc == 0)
		return 0;
	change_rules(daemon, daemon->generation, false, &error);
	generation_stop(next, daemon->generation);
	settle(daemon);
	return text_error_set(ret_error, 0, 0, "cannot start publishing: %s", strerror(-rc));
}

/* On failure the next one is still the caller's. */
static int take_over(struct daemon *daemon, struct generation *next, struct text_error *ret_error)
{
	struct generation **place = find_place(daemon);
	int rc;

	if (!place)
		return text_error_set(ret_error, 0, 0, "the last reload has not ended yet");
	rc = start_next(daemon, next, ret_error);
	if (rc < 0)
		return rc;
	replace_generation(daemon, next, place);
	daemon_say_confirm(daemon, next);
	daemon_advise_anew(daemon);
	if (generation_must_settle(next))
		settle(daemon);
	return 0;
}

static void begin_load(struct daemon *daemon)
{
	struct generation_source source = {config_file(daemon->boot), daemon->boot, true};

	service_reloading(&daemon->service);
	daemon->loads++;
	daemon->must_load = false;
	daemon->waited_ms = 0;
	if (daemon->learned)
		learned_write(daemon->learned);
	loader_start(&daemon->loader, &source, daemon->vocab);
}

/* Who asks something meanwhile is answered: so it is looked again and again. */
static bool must_wait(struct daemon *daemon)
{
	if (!loader_has(&daemon->loader) || find_place(daemon) ||
	    daemon->waited_ms >= SETTLE_MAX_MS)
		return false;
	daemon->waited_ms += SETTLE_STEP_MS;
	loader_ring(&daemon->loader, SETTLE_STEP_MS);
	return true;
}

static void finish_load(struct daemon *daemon)
{
	struct generation *next = NULL;
	struct text_error error = {.what = ""};
	int rc = loader_finish(&daemon->loader, &error, &next);

	if (rc == 0)
		rc = take_over(daemon, next, &error);
	if (rc < 0) {
		generation_free(next);
		log_line(LOG_LEVEL_ERROR, "%s; keeping the old configuration and databases",
			 error.what);
	}
	snprintf(daemon->refused, sizeof(daemon->refused), "%s", rc < 0 ? error.what : "");
	answers_reloaded(&daemon->answers, daemon->loads, daemon->refused);
	if (daemon->must_load)
		begin_load(daemon);
	else
		service_ready(&daemon->service);
}

static void on_loaded(void *ctx)
{
	if (!must_wait(ctx))
		finish_load(ctx);
}

int daemon_watch_loader(struct daemon *daemon)
{
	int rc = loader_open(&daemon->loader, daemon->learned);

	return rc < 0 ? rc : loop_add_fd(daemon->loop, daemon->loader.fd, on_loaded, daemon);
}

uint64_t daemon_reload(void *ctx)
{
	struct daemon *daemon = ctx;

	if (!daemon->loader.is_busy)
		begin_load(daemon);
	else
		daemon->must_load = true;
	return daemon->loads + daemon->must_load;
}
