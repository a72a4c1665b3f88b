/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload: the next generation is loaded and started beside the one at work, and takes its place
 * in one step. The old one is kept until no worker can be using it any more.
 */
#include <string.h>

#include "daemon/parts.h"
#include "sys/log.h"

/* A generation is given back when every worker has begun another burst since it was replaced. */
static bool is_unused(const struct daemon *daemon, const struct generation *generation)
{
	for (unsigned i = 0; i < generation->config->queue_count; i++)
		if (worker_ticks(daemon->workers[i]) < generation->ticks[i] + 2)
			return false;
	return true;
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

/* From here on the workers' next bursts, and all answers, come from the new one. */
static void replace_generation(struct daemon *daemon, struct generation *next,
			       struct generation **ret_old)
{
	struct generation *old = daemon->generation;
	const struct config *config = next->config;

	log_set_level(config->log_level);
	clients_set_refresh(daemon->pipeline.clients, daemon_refresh_s(config));
	clients_set_threshold(daemon->pipeline.clients, config->link_threshold);
	keeper_reload(daemon->keeper, config);
	__atomic_store_n(&daemon->generation, next, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < config->queue_count; i++)
		old->ticks[i] = worker_ticks(daemon->workers[i]);
	*ret_old = old;
	daemon->reloads++;
	log_line(LOG_LEVEL_INFO, "configuration and databases read again");
	for (unsigned i = 0; i < next->kept_count; i++)
		log_line(LOG_LEVEL_WARNING, "%s stays as it was: it changes with a restart only",
			 next->kept_keys[i]);
}

static int reload(struct daemon *daemon, struct text_error *ret_error)
{
	struct generation_source source = {config_file(daemon->boot), daemon->boot, true};
	struct generation **place = free_place(daemon);
	struct generation *next;
	char text[sizeof(ret_error->what)];
	int rc;

	if (!place)
		return text_error_set(ret_error, 0, 0, "the last reload has not ended yet");
	if (daemon->learned)
		learned_write(daemon->learned);
	if (generation_load(&source, daemon->vocab, text, sizeof(text), &next) < 0)
		return text_error_set(ret_error, 0, 0, "%s", text);
	rc = generation_start(next, daemon->pipeline.clients);
	if (rc < 0) {
		generation_stop(next, daemon->generation);
		generation_free(next);
		return text_error_set(ret_error, 0, 0, "cannot start publishing: %s",
				      strerror(-rc));
	}
	replace_generation(daemon, next, place);
	return 0;
}

int daemon_reload(void *ctx, struct text_error *ret_error)
{
	struct daemon *daemon = ctx;
	int rc;

	service_reloading(&daemon->service);
	rc = reload(daemon, ret_error);
	service_ready(&daemon->service);
	return rc;
}
