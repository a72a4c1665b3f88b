/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From copies of packets to evidence; see timing.h. */
#include "daemon/packets/timing.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "input/nflog.h"
#include "ruleset/params.h"
#include "sys/clock.h"
#include "sys/log.h"

#define PENDING 8192 /* connections at the same time: 400 a second that stay silent */
#define BATCH 1024 /* copies under one lock, so that status waits for a millisecond at the most */
#define RETRY_MS 1000 /* after a failure of the socket */

struct timing {
	struct timing_params params;
	struct nflog *nflog;
	int stop_fd;
	pthread_t thread;
	bool is_started;
	bool wants_times; /* the kernel was told so */
	pthread_mutex_t lock; /* of what is below */
	struct clocks *clocks;
	struct timing_stats stats;
};

/* A SYN+ACK that this machine sends has no time, and needs none. */
static bool read_segment(struct timing *timing, const struct nflog_copy *copy,
			 struct syn *ret_segment)
{
	const unsigned answer = SYN_TCP_SYN | SYN_TCP_ACK;

	if (syn_parse_segment(copy->bytes, copy->len, ret_segment) != SYN_OK)
		return false;
	if (copy->time_ns || (ret_segment->tcp_flags & answer) == answer)
		return true;
	if (!timing->wants_times)
		nflog_want_times(timing->nflog);
	timing->wants_times = true;
	return false;
}

static void take(struct timing *timing, const struct nflog_copy *copy)
{
	struct clocks_measure measure;
	struct syn segment;

	timing->stats.copies++;
	if (!read_segment(timing, copy, &segment)) {
		timing->stats.unreadable++;
		return;
	}
	if (clocks_feed(timing->clocks, copy->time_ns, &segment, &measure) == CLOCKS_MEASURED)
		evidence_note(timing->params.evidence, clock_steady_s(), &measure, NULL);
}

/* Return: 1 where more may be there, 0, or -errno. */
static int take_batch(struct timing *timing)
{
	struct nflog_copy copy;
	int rc = 1;

	pthread_mutex_lock(&timing->lock);
	for (unsigned i = 0; i < BATCH && rc > 0; i++) {
		rc = nflog_next(timing->nflog, &copy);
		if (rc > 0)
			take(timing, &copy);
	}
	pthread_mutex_unlock(&timing->lock);
	return rc;
}

static void *timing_main(void *arg)
{
	static struct log_limit limit;
	struct timing *timing = arg;
	struct pollfd fds[] = {{.fd = nflog_fd(timing->nflog), .events = POLLIN},
			       {.fd = timing->stop_fd, .events = POLLIN}};

	prctl(PR_SET_NAME, "clocks");
	for (;;) {
		int rc;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		rc = take_batch(timing);
		if (rc >= 0)
			continue;
		log_limited(&limit, LOG_LEVEL_ERROR,
			    "copies of packets cannot be read (%d): no connection is measured",
			    -rc);
		poll(&fds[1], 1, RETRY_MS);
	}
}

static void discard(struct timing *timing)
{
	nflog_close(timing->nflog);
	clocks_free(timing->clocks);
	if (timing->stop_fd >= 0)
		close(timing->stop_fd);
	pthread_mutex_destroy(&timing->lock);
	free(timing);
}

static int start(struct timing *timing, struct text_error *ret_error)
{
	struct nflog_params params = {timing->params.group, "clocks.nflog_group", false};
	int rc;

	if (!timing->clocks || timing->stop_fd < 0) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	rc = nflog_open(&params, ret_error, &timing->nflog);
	if (rc < 0)
		return rc;
	rc = -pthread_create(&timing->thread, NULL, timing_main, timing);
	timing->is_started = rc == 0;
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot start a thread: %s", strerror(-rc));
	return rc;
}

int timing_start(const struct timing_params *params, struct text_error *ret_error,
		 struct timing **ret_timing)
{
	struct timing *timing = calloc(1, sizeof(*timing));
	int rc;

	if (!timing) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	timing->params = *params;
	timing->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	timing->clocks = clocks_new(&(struct clocks_params){.capacity = PENDING,
							    .segments_max = RULES_CLOCKS_PACKETS,
							    .seed = params->seed});
	pthread_mutex_init(&timing->lock, NULL);
	rc = start(timing, ret_error);
	if (rc < 0)
		discard(timing);
	else
		*ret_timing = timing;
	return rc;
}

void timing_stop(struct timing *timing)
{
	if (!timing)
		return;
	eventfd_write(timing->stop_fd, 1);
	pthread_join(timing->thread, NULL);
	discard(timing);
}

void timing_get_stats(struct timing *timing, struct timing_stats *ret_stats)
{
	struct nflog_stats nflog;

	memset(ret_stats, 0, sizeof(*ret_stats));
	if (!timing)
		return;
	pthread_mutex_lock(&timing->lock);
	clocks_expire(timing->clocks, clock_unix_ms() * 1000000);
	clocks_get_stats(timing->clocks, &timing->stats.clocks);
	nflog_get_stats(timing->nflog, &nflog);
	timing->stats.lost = nflog.lost;
	*ret_stats = timing->stats;
	pthread_mutex_unlock(&timing->lock);
}
