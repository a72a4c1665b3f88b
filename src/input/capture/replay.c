/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A merge of the files that are open, over a heap by the time of the frame that each waits with. A
 * file that is followed is read when it has something, since nobody knows what another one brings.
 */
#include "input/capture/replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "input/capture/capture.h"
#include "input/capture/file_list.h"

struct waiting {
	struct capture *capture;
	struct frame frame;
};

struct replay {
	struct file_list list;
	unsigned next_file; /* of the list, to be opened */
	bool follows;
	int inotify; /* -1: none */
	struct waiting heap[REPLAY_OPEN_MAX]; /* the earliest first */
	unsigned heap_count;
	struct capture *last; /* whose frame is the caller's: it is read on at the next call */
	unsigned turn; /* of those that are followed */
};

/* ---- the heap ---- */

static bool is_earlier(const struct waiting *a, const struct waiting *b)
{
	return a->frame.time_ns < b->frame.time_ns;
}

static void heap_push(struct replay *replay, struct waiting item)
{
	struct waiting *heap = replay->heap;
	unsigned at = replay->heap_count++;

	for (; at && is_earlier(&item, &heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = item;
}

static struct waiting heap_pop(struct replay *replay)
{
	struct waiting *heap = replay->heap, first = heap[0], item = heap[--replay->heap_count];
	unsigned at = 0, child;

	for (; (child = 2 * at + 1) < replay->heap_count; at = child) {
		if (child + 1 < replay->heap_count && is_earlier(&heap[child + 1], &heap[child]))
			child++;
		if (!is_earlier(&heap[child], &item))
			break;
		heap[at] = heap[child];
	}
	heap[at] = item;
	return first;
}

/* ---- files ---- */

static int tell_path(const char *path, const struct text_error *error, int r,
		     struct replay_error *ret_error)
{
	snprintf(ret_error->path, sizeof(ret_error->path), "%s", path);
	ret_error->text = *error;
	return r;
}

/* Read a file on; it goes back into the heap, or is closed at its end and where it is damaged. */
static int read_on(struct replay *replay, struct capture *capture, struct replay_error *ret_error)
{
	struct waiting item = {.capture = capture};
	struct text_error error = {0};
	int r = capture_next(capture, &error, &item.frame);

	if (r > 0) {
		heap_push(replay, item);
		return 0;
	}
	if (r == -EINTR) {
		replay->last = capture;
		return r;
	}
	if (r < 0)
		tell_path(capture_path(capture), &error, r, ret_error);
	capture_close(capture);
	return r;
}

static int open_next(struct replay *replay, struct replay_error *ret_error)
{
	const char *path = replay->list.entries[replay->next_file].path;
	struct text_error error = {0};
	struct capture *capture;
	int r;

	if (replay->heap_count == REPLAY_OPEN_MAX) {
		text_error_set(&error, 0, 0, "the times of more than %d files overlap",
			       REPLAY_OPEN_MAX);
		replay->next_file++;
		return tell_path(path, &error, -EIO, ret_error);
	}
	r = capture_open(path, false, &error, &capture);
	if (r == -EINTR)
		return r;
	replay->next_file++;
	if (r < 0)
		return tell_path(path, &error, -EIO, ret_error);
	return read_on(replay, capture, ret_error);
}

static bool is_due(const struct replay *replay)
{
	return replay->next_file < replay->list.count &&
	       (replay->heap_count == 0 ||
		replay->list.entries[replay->next_file].begin_ns <= replay->heap[0].frame.time_ns);
}

static int next_merged(struct replay *replay, struct replay_error *ret_error,
		       struct frame *ret_frame)
{
	struct waiting first;
	int r = 0;

	if (replay->last) {
		struct capture *last = replay->last;

		replay->last = NULL;
		r = read_on(replay, last, ret_error);
	}
	while (r == 0 && is_due(replay))
		r = open_next(replay, ret_error);
	if (r < 0 || replay->heap_count == 0)
		return r;
	first = heap_pop(replay);
	replay->last = first.capture;
	*ret_frame = first.frame;
	return 1;
}

/* Of files that are followed, the heap is a list of captures in any order. */
static int next_followed(struct replay *replay, struct replay_error *ret_error,
			 struct frame *ret_frame)
{
	struct text_error error = {0};

	for (unsigned tried = 0; tried < replay->heap_count; tried++) {
		struct capture *capture = replay->heap[replay->turn % replay->heap_count].capture;
		int r = capture_next(capture, &error, ret_frame);

		if (r > 0 || r == -EINTR)
			return r;
		if (r < 0) {
			tell_path(capture_path(capture), &error, r, ret_error);
			capture_close(capture);
			replay->heap[replay->turn % replay->heap_count] =
				replay->heap[replay->heap_count - 1];
			replay->heap_count--;
			return r;
		}
		replay->turn++;
	}
	return 0;
}

int replay_next(struct replay *replay, struct replay_error *ret_error, struct frame *ret_frame)
{
	return replay->follows ? next_followed(replay, ret_error, ret_frame)
			       : next_merged(replay, ret_error, ret_frame);
}

/* ---- to follow ---- */

static int follow_all(struct replay *replay, struct replay_error *ret_error)
{
	struct text_error error = {0};

	replay->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (unsigned i = 0; i < replay->list.count; i++) {
		const char *path = replay->list.entries[i].path;
		int r;

		if (i == REPLAY_OPEN_MAX) {
			text_error_set(&error, 0, 0, "more than %d files are not followed",
				       REPLAY_OPEN_MAX);
			return tell_path(path, &error, -E2BIG, ret_error);
		}
		r = capture_open(path, true, &error, &replay->heap[i].capture);
		if (r < 0)
			return tell_path(path, &error, r, ret_error);
		replay->heap_count++;
		inotify_add_watch(replay->inotify, path, IN_MODIFY);
	}
	return 0;
}

int replay_fd(const struct replay *replay)
{
	return replay->inotify;
}

void replay_drain(struct replay *replay)
{
	char events[4096];

	while (read(replay->inotify, events, sizeof(events)) > 0)
		;
}

/* ---- life ---- */

int replay_open(const struct replay_params *params, struct replay_error *ret_error,
		struct replay **ret_replay)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	struct text_error error = {0};
	int r;

	if (!replay) {
		text_error_set(&error, 0, 0, "out of memory");
		return tell_path(params->paths[0], &error, -ENOMEM, ret_error);
	}
	replay->inotify = -1;
	replay->follows = params->follows;
	r = file_list_make(params, ret_error, &replay->list);
	if (r == 0 && params->follows)
		r = follow_all(replay, ret_error);
	else if (r == 0 && replay->list.count == 1) {
		const char *path = replay->list.entries[0].path;

		r = capture_open(path, false, &error, &replay->last);
		replay->next_file = 1;
		if (r < 0)
			tell_path(path, &error, r, ret_error);
	}
	if (r < 0) {
		replay_close(replay);
		return r;
	}
	*ret_replay = replay;
	return 0;
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	for (unsigned i = 0; i < replay->heap_count; i++)
		capture_close(replay->heap[i].capture);
	capture_close(replay->last);
	if (replay->inotify >= 0)
		close(replay->inotify);
	file_list_free(&replay->list);
	free(replay);
}

unsigned replay_passed(const struct replay *replay)
{
	return replay->list.passed;
}

/* Of many files: how many were opened, and the one that is read. */
int replay_progress(const struct replay *replay)
{
	int one = replay->last ? capture_progress(replay->last) : 100;
	unsigned count = replay->list.count;

	if (count == 1 || replay->follows)
		return one;
	return (int)((replay->next_file * 100 - (one < 0 ? 0 : 100 - (unsigned)one)) / count);
}
