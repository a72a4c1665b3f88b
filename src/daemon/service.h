/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager hears from the daemon: ready, reloading, stopping, a line with figures,
 * and a sign of life that stays away as soon as one worker stands still. Its main thread alone
 * calls this, so one that hangs there is noticed as well.
 */
#ifndef SYNPRINT_DAEMON_SERVICE_H
#define SYNPRINT_DAEMON_SERVICE_H

#include "daemon/answers/figures.h"
#include "sys/inherit.h"
#include "sys/notify.h"

struct service {
	struct notify notify;
	struct inherited inherited; /* sockets that nobody took yet */
	uint64_t ticks[CONFIG_QUEUES_MAX]; /* of each worker, when it last had made progress */
	unsigned seconds; /* how often service_tick() was called */
};

/** service_init() - look at what the service manager gave us; before any descriptor is opened. */
void service_init(struct service *service);

/**
 * service_hand_over() - as root, before the service starts: give the service manager the kernel's
 * table of queues, which only root may open, for the service itself.
 * Return: 0 or -errno.
 */
int service_hand_over(void);

/** service_ready() - SYNs are diverted, or a reload is over, whatever came of it. */
void service_ready(struct service *service);

/** service_reloading() - to be followed by service_ready(). */
void service_reloading(struct service *service);

/** service_tick() - once a second: a sign of life, while each of @workers makes progress. */
void service_tick(struct service *service, struct worker *const *workers, unsigned count);

/** service_is_status_due() - after service_tick(): service_tell() is to be called. */
bool service_is_status_due(const struct service *service);

/** service_tell() - a line of figures. */
void service_tell(const struct service *service, const struct figures *figures);

/** service_stopping() - the end has begun. */
void service_stopping(struct service *service);

/** service_done() - close what is left. */
void service_done(struct service *service);

#endif
