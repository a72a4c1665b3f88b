/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager hears from the daemon: ready, reloading, stopping, a line with figures,
 * and a sign of life that stays away as soon as one worker stands still. Its main thread alone
 * calls this, so one that hangs there is noticed as well.
 */
#ifndef SYNPRINT_DAEMON_SERVICE_H
#define SYNPRINT_DAEMON_SERVICE_H

#include "config/config.h"
#include "sys/inherit.h"
#include "sys/notify.h"

struct daemon;

struct service {
	struct notify notify;
	struct inherited inherited; /* sockets that nobody took yet */
	uint64_t ticks[CONFIG_QUEUES_MAX]; /* of each worker, when it last had made progress */
	unsigned seconds; /* how often service_tick() was called */
};

/** service_init() - look at what the service manager gave us; before any descriptor is opened. */
void service_init(struct service *service);

/** service_ready() - SYNs are diverted, or a reload is over, whatever came of it. */
void service_ready(struct daemon *daemon);

/** service_reloading() - to be followed by service_ready(). */
void service_reloading(struct daemon *daemon);

/** service_tick() - once a second. */
void service_tick(struct daemon *daemon);

/** service_stopping() - the end has begun. */
void service_stopping(struct daemon *daemon);

/** service_done() - close what is left. */
void service_done(struct service *service);

#endif
