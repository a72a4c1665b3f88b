/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/service.h"

#include <time.h>

#include "daemon/daemon.h"
#include "sys/log.h"

#define STATUS_EVERY_S 5

void service_init(struct service *service)
{
	*service = (struct service){.seconds = 0};
	inherit_init(&service->inherited);
	notify_init(&service->notify);
}

static void say_unused(const char *path)
{
	log_line(
		LOG_LEVEL_WARNING,
		"nothing in the configuration is called %s: the socket that was handed over is not "
		"served; whoever connects there waits",
		*path ? path : "so");
}

static const char *diversion(const struct keeper_stats *stats)
{
	if (stats->is_diverting)
		return stats->has_rules ? rules_engine_name(stats->engine) : "own rules";
	return stats->has_rules ? "nothing, the switch is off" : "nothing, no rules";
}

static void send_status(struct daemon *daemon)
{
	struct keeper_stats rules;
	struct clients_stats clients;
	unsigned long long received = 0;

	keeper_get_stats(daemon->keeper, &rules);
	clients_get_stats(daemon->pipeline.clients, &clients);
	for (int i = 0; i < daemon->boot->queue_count; i++) {
		struct worker_stats stats;

		worker_get_stats(daemon->workers[i], &stats);
		received += stats.received;
	}
	notify_send(&daemon->service.notify,
		    "STATUS=diverted by %s: %llu SYNs classified, %llu passed by; %zu clients",
		    diversion(&rules), received, (unsigned long long)rules.unclassified,
		    clients.used);
}

void service_ready(struct daemon *daemon)
{
	inherit_done(&daemon->service.inherited, say_unused);
	notify_send(&daemon->service.notify, "READY=1");
}

void service_reloading(struct daemon *daemon)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send(&daemon->service.notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)now.tv_sec * 1000000 +
			    (unsigned long long)now.tv_nsec / 1000);
}

/* A worker turns its loop ten times a second even when it has nothing to do. */
static bool workers_progress(struct daemon *daemon)
{
	bool is_progress = true;

	for (int i = 0; i < daemon->boot->queue_count; i++) {
		uint64_t ticks = worker_ticks(daemon->workers[i]);

		is_progress &= ticks != daemon->service.ticks[i];
		daemon->service.ticks[i] = ticks;
	}
	return is_progress;
}

void service_tick(struct daemon *daemon)
{
	struct service *service = &daemon->service;

	if (service->notify.watchdog_ms && workers_progress(daemon))
		notify_send(&service->notify, "WATCHDOG=1");
	/* Not in the first second: the keeper has not looked at the rules yet. */
	if (service->notify.fd >= 0 && service->seconds++ % STATUS_EVERY_S == 1)
		send_status(daemon);
}

void service_stopping(struct daemon *daemon)
{
	notify_send(&daemon->service.notify, "STOPPING=1");
}

void service_done(struct service *service)
{
	inherit_done(&service->inherited, NULL);
	notify_done(&service->notify);
}
