/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What systemd(1) understands; sd_notify(3) has the words. */
#include "daemon/service.h"

#include <unistd.h>

#include "daemon/packets/turns.h"
#include "input/nfqueue_proc.h"
#include "sys/clock.h"
#include "sys/log.h"

#define STATUS_EVERY_S 5

void service_init(struct service *service)
{
	*service = (struct service){.seconds = 0};
	inherit_init(&service->inherited);
	notify_init(&service->notify);
}

int service_hand_over(void)
{
	struct notify notify;
	int fd, rc;

	notify_init(&notify);
	nfqueue_load_module();
	fd = nfqueue_proc_open();
	if (fd >= 0) /* the one of before gives room to it */
		notify_send(&notify, "FDSTOREREMOVE=1\nFDNAME=queues");
	rc = fd < 0 ? fd : notify_send_fd(&notify, fd, "FDSTORE=1\nFDNAME=queues\nFDPOLL=0");
	if (fd >= 0)
		close(fd);
	notify_done(&notify);
	return rc;
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

void service_ready(struct service *service)
{
	inherit_done(&service->inherited, say_unused);
	notify_send(&service->notify, "READY=1");
}

void service_reloading(struct service *service)
{
	notify_send(&service->notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
		    (unsigned long long)clock_monotonic_us());
}

void service_tick(struct service *service, struct worker *const *workers, unsigned count)
{
	service->seconds++;
	if (service->notify.watchdog_ms && !turns_stalled(workers, count, service->ticks))
		notify_send(&service->notify, "WATCHDOG=1");
}

/* Not in the first second: the keeper has not looked at the rules yet. */
bool service_is_status_due(const struct service *service)
{
	return service->notify.fd >= 0 && service->seconds % STATUS_EVERY_S == 2;
}

void service_tell(const struct service *service, const struct figures *figures)
{
	notify_send(&service->notify,
		    "STATUS=diverted by %s: %llu SYNs classified, %llu passed by; %zu clients",
		    diversion(&figures->rules), (unsigned long long)figures->workers.received,
		    (unsigned long long)figures->rules.unclassified, figures->clients.used);
}

void service_stopping(struct service *service)
{
	notify_send(&service->notify, "STOPPING=1");
}

void service_done(struct service *service)
{
	inherit_done(&service->inherited, NULL);
	notify_done(&service->notify);
}
