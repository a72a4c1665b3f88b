/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the packets come from: files, files that grow, or an interface. One loop serves all. */
#ifndef SYNPRINT_CLI_CLASSIFY_SOURCE_H
#define SYNPRINT_CLI_CLASSIFY_SOURCE_H

#include "input/capture/live.h"
#include "input/capture/peel.h"
#include "input/capture/replay.h"

struct source_params {
	struct replay_params files; /* without an interface */
	struct live_params live; /* its interface is NULL where files are read */
	bool decaps;
};

enum source_result {
	SOURCE_END,
	SOURCE_PACKET,
	SOURCE_IDLE, /* nothing for now: source_wait() */
	SOURCE_BAD_FILE, /* one file was damaged; the others go on */
	SOURCE_FAILED,
};

struct source;

/** source_open() - Return: CLI_OK, or the exit code, told on standard error. */
int source_open(const struct source_params *params, struct source **ret_source);
void source_close(struct source *source);

/** source_next() - @ret_packet: valid until the next call */
enum source_result source_next(struct source *source, struct packet *ret_packet);

/** source_tell() - what went wrong, on standard error. Return: the exit code. */
int source_tell(const struct source *source);

/** source_wait() - until there is something. Return: false where somebody wants it to end. */
bool source_wait(struct source *source);

/** source_goes_on() - it has no end of its own, so each line is wanted at once. */
bool source_goes_on(const struct source *source);

/** source_is_any() - all interfaces, on which what is forwarded comes twice. */
bool source_is_any(const struct source *source);

const struct peel_counts *source_counts(const struct source *source);

/** source_passed() - files of folders that are no captures. */
unsigned source_passed(const struct source *source);

/** source_progress() - 0 to 100, or -1 where nobody knows. */
int source_progress(const struct source *source);

/** source_link_name() - a link type in words, with its number. */
void source_link_name(int link_type, char *buf, size_t size);

/** source_tell_drops() - on standard error, where the kernel dropped packets since the last time. */
void source_tell_drops(struct source *source);

#endif
