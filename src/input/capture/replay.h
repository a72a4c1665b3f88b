/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files, one or many, as one sequence of frames in the order of time. A file is open only
 * while its time is, so a month of rotated captures takes the memory of one.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_REPLAY_H
#define SYNPRINT_INPUT_CAPTURE_REPLAY_H

#include "input/capture/frame.h"

#define REPLAY_FILES_MAX 65536
#define REPLAY_OPEN_MAX 256 /* files whose times overlap */

struct replay;

/* Which file is meant, and what is wrong with it. */
struct replay_error {
	char path[1024]; /* cut where it is longer */
	struct text_error text;
};

struct replay_params {
	const char *const *paths; /* files and folders; "-" is standard input */
	unsigned count; /* at least 1 */
	bool follows; /* go on when a file grows, in the order in which frames come */
};

/**
 * replay_open() - open capture files.
 *
 * Of a folder every file is taken that is a capture, and of its folders likewise.
 * @ret_error: which file and why not
 * Return: 0, -EINVAL, -EINTR, -ENOMEM, -E2BIG, or -errno of open(2).
 */
int replay_open(const struct replay_params *params, struct replay_error *ret_error,
		struct replay **ret_replay);

/** replay_close() - NULL is allowed. */
void replay_close(struct replay *replay);

/**
 * replay_next() - the next frame.
 * @ret_error: on failure says of which file, and behind which packet it is damaged or cut off
 * @ret_frame: valid until the next call
 * Return: 1 for a frame, 0 at the end (for now, where it follows), -EINTR where a signal came
 * first, -EIO where one of the files cannot be read on: the next call goes on with the others.
 */
int replay_next(struct replay *replay, struct replay_error *ret_error, struct frame *ret_frame);

/** replay_fd() - readable when a file that is followed may have grown; -1 where none is. */
int replay_fd(const struct replay *replay);

/** replay_drain() - forget that files have grown, before they are read on. */
void replay_drain(struct replay *replay);

/** replay_passed() - files of folders that are no captures. */
unsigned replay_passed(const struct replay *replay);

/** replay_progress() - how far we are, 0 to 100, or -1 where the length is not known. */
int replay_progress(const struct replay *replay);

#endif
