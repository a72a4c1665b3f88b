/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGINT and SIGTERM end what has no end of its own, in order: they are read from a descriptor,
 * beside packets. What ends by itself they kill, as ever.
 */
#include "cli/classify/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

#define WAIT_MS 1000 /* between looks at dropped packets, and at files of other machines */

struct source {
	struct replay *replay; /* or live */
	struct live *live;
	bool follows, is_any, is_pipe, is_ending;
	struct peel peel;
	int signals; /* -1: none */
	const char *interface;
	uint64_t dropped; /* as told */
	struct replay_error error;
};

static int open_live(const struct source_params *params, struct source *source)
{
	struct text_error *error = &source->error.text;
	int r = live_open(&params->live, error, &source->live);

	source->interface = params->live.interface;
	source->is_any = strcmp(params->live.interface, "any") == 0;
	if (r == 0)
		return CLI_OK;
	return cli_error(r == -EPERM    ? CLI_NO_PRIVILEGES
			 : r == -EINVAL ? CLI_USAGE
					: CLI_FAILED,
			 "%s", error->what);
}

static int open_files(const struct source_params *params, struct source *source)
{
	int r = replay_open(&params->files, &source->error, &source->replay);
	struct stat status;

	source->follows = params->files.follows;
	source->is_pipe = strcmp(params->files.paths[0], "-") == 0 &&
			  fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode);
	if (r == 0)
		return CLI_OK;
	return cli_error(r == -ENOMEM ? CLI_FAILED : CLI_BAD_INPUT, "%s: %s", source->error.path,
			 source->error.text.what);
}

static void catch_signals(struct source *source)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	source->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int source_open(const struct source_params *params, struct source **ret_source)
{
	struct source *source = calloc(1, sizeof(*source));
	int r;

	if (!source)
		return cli_error(CLI_FAILED, "out of memory");
	source->signals = -1;
	source->peel.decaps = params->decaps;
	r = params->live.interface ? open_live(params, source) : open_files(params, source);
	if (r != CLI_OK) {
		source_close(source);
		return r;
	}
	if (source->live || source->follows)
		catch_signals(source);
	if (source->live)
		fprintf(stderr, "synprint: listening on %s\n", source->interface);
	*ret_source = source;
	return CLI_OK;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	replay_close(source->replay);
	live_close(source->live);
	if (source->signals >= 0)
		close(source->signals);
	free(source);
}

enum source_result source_next(struct source *source, struct packet *ret_packet)
{
	struct frame frame;
	int r;

	do {
		r = source->live ? live_next(source->live, &source->error.text, &frame)
				 : replay_next(source->replay, &source->error, &frame);
		if (r > 0 && peel_frame(&source->peel, &frame, ret_packet))
			return SOURCE_PACKET;
	} while (r > 0 || r == -EINTR);
	if (r == 0)
		return source->live || source->follows ? SOURCE_IDLE : SOURCE_END;
	return source->live ? SOURCE_FAILED : SOURCE_BAD_FILE;
}

int source_tell(const struct source *source)
{
	if (source->live)
		return cli_error(CLI_FAILED, "%s: %s", source->interface, source->error.text.what);
	return cli_error(CLI_BAD_INPUT, "%s: %s", source->error.path, source->error.text.what);
}

bool source_wait(struct source *source)
{
	struct pollfd fds[] = {
		{.fd = source->live ? live_fd(source->live) : replay_fd(source->replay),
		 .events = POLLIN},
		{.fd = source->signals, .events = POLLIN},
		{.fd = STDOUT_FILENO}, /* its reader has gone */
	};

	if (source->is_ending || (poll(fds, 3, WAIT_MS) < 0 && errno != EINTR))
		return false;
	if (source->replay)
		replay_drain(source->replay);
	/* What came before the end is read. */
	source->is_ending = fds[1].revents != 0;
	return !fds[2].revents && (!source->is_ending || fds[0].revents);
}

bool source_goes_on(const struct source *source)
{
	return source->live || source->follows || source->is_pipe;
}

bool source_is_any(const struct source *source)
{
	return source->is_any;
}

const struct peel_counts *source_counts(const struct source *source)
{
	return &source->peel.counts;
}

unsigned source_passed(const struct source *source)
{
	return source->replay ? replay_passed(source->replay) : 0;
}

int source_progress(const struct source *source)
{
	return source->replay ? replay_progress(source->replay) : -1;
}

void source_link_name(int link_type, char *buf, size_t size)
{
	const char *name = pcap_datalink_val_to_name(link_type);

	snprintf(buf, size, "%s (%d)", name ? name : "unnamed", link_type);
}

void source_tell_drops(struct source *source)
{
	struct live_stats stats = {0};

	if (!source->live)
		return;
	live_get_stats(source->live, &stats);
	if (stats.dropped > source->dropped)
		fprintf(stderr, "synprint: %s: the kernel dropped %llu packets, which nobody saw\n",
			source->interface, (unsigned long long)(stats.dropped - source->dropped));
	source->dropped = stats.dropped;
}
