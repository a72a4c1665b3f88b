/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A window over the bytes of a file. It begins small and grows to what the longest record needs,
 * which is bounded, so that a thousand files do not take a thousand times the most.
 */
#include "input/capture/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "input/capture/pcap_file.h"
#include "input/capture/pcapng.h"
#include "input/capture/stream.h"

#define WINDOW_BYTES 65536
#define NAMES_MAX 150 /* bytes of a reason that are told */

struct capture {
	const char *path;
	struct stream *stream;
	uint8_t *window;
	size_t at, len, size; /* what is to be read next, bytes there, room */
	size_t skip; /* bytes to pass that are not there yet */
	bool follows, is_ng, was_sniffed;
	uint64_t frames;
	struct pcap_file pcap;
	struct pcapng ng;
};

const char *capture_path(const struct capture *capture)
{
	return capture->path;
}

int capture_progress(const struct capture *capture)
{
	return stream_progress(capture->stream);
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	stream_close(capture->stream);
	free(capture->window);
	free(capture);
}

/* Room for @need bytes from @at on. */
static int make_room(struct capture *capture, size_t need)
{
	uint8_t *window;
	size_t size = capture->size;

	if (capture->at > 0) {
		memmove(capture->window, capture->window + capture->at, capture->len - capture->at);
		capture->len -= capture->at;
		capture->at = 0;
	}
	while (size < need || size < WINDOW_BYTES)
		size = size ? 2 * size : WINDOW_BYTES;
	if (size == capture->size)
		return 0;
	window = realloc(capture->window, size);
	if (!window)
		return -ENOMEM;
	capture->window = window;
	capture->size = size;
	return 0;
}

static void pass_skipped(struct capture *capture)
{
	size_t there = capture->len - capture->at;
	size_t passed = capture->skip < there ? capture->skip : there;

	capture->at += passed;
	capture->skip -= passed;
}

/* Return: 1 once @need bytes are there, 0 at the end of the file, -EINTR, -EIO. */
static int read_more(struct capture *capture, size_t need, struct text_error *ret_error)
{
	int n;

	if (make_room(capture, need) < 0) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -EIO;
	}
	while (capture->len - capture->at < need || capture->skip) {
		if (capture->len == capture->size)
			(void)make_room(capture, need); /* only moves: there was room */
		n = stream_read(capture->stream, capture->window + capture->len,
				capture->size - capture->len, ret_error);
		if (n <= 0)
			return n;
		capture->len += (size_t)n;
		pass_skipped(capture);
	}
	return 1;
}

static enum format_result step(struct capture *capture, struct text_error *ret_error,
			       struct format_step *ret_step)
{
	const uint8_t *data = capture->window + capture->at;
	size_t len = capture->len - capture->at;

	return capture->is_ng ? pcapng_step(&capture->ng, data, len, ret_error, ret_step)
			      : pcap_file_step(&capture->pcap, data, len, ret_error, ret_step);
}

/* Says where, in front of what went wrong. */
static int failed(const struct capture *capture, const struct text_error *error,
		  struct text_error *ret_error)
{
	text_error_set(ret_error, 0, 0, "behind packet %llu: %.*s",
		       (unsigned long long)capture->frames, NAMES_MAX, error->what);
	return -EIO;
}

static int end_of_file(const struct capture *capture, struct text_error *ret_error)
{
	struct text_error error = {0};

	if (capture->follows)
		return 0;
	if (capture->len > capture->at || capture->skip)
		text_error_set(&error, 0, 0, "the file is cut off");
	else if (!stream_is_whole(capture->stream))
		text_error_set(&error, 0, 0, "the compressed data are cut off");
	else
		return 0;
	return failed(capture, &error, ret_error);
}

/* The first bytes say which format it is. */
static int find_format(struct capture *capture, struct text_error *ret_error)
{
	int r = read_more(capture, 4, ret_error);

	if (r < 0)
		return r == -EINTR ? r : -EINVAL;
	if (r == 0 && capture->follows)
		return -EAGAIN;
	if (r == 0 && capture->len == 0) {
		text_error_set(ret_error, 0, 0, "cannot read it as a capture: it is empty");
		return -EINVAL;
	}
	capture->is_ng = pcapng_is(capture->window, capture->len);
	capture->was_sniffed = true;
	if (capture->is_ng || pcap_file_is(capture->window, capture->len))
		return 0;
	if (r == 0)
		text_error_set(ret_error, 0, 0,
			       "cannot read it as a capture: it ends after %zu bytes",
			       capture->len);
	else
		text_error_set(ret_error, 0, 0,
			       "cannot read it as a capture: it is neither pcap nor pcapng");
	return -EINVAL;
}

int capture_next(struct capture *capture, struct text_error *ret_error, struct frame *ret_frame)
{
	struct text_error error = {0};
	struct format_step next;
	int r = capture->was_sniffed ? 0 : find_format(capture, ret_error);

	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	for (;;) {
		enum format_result result = step(capture, &error, &next);

		if (result == FORMAT_BAD)
			return failed(capture, &error, ret_error);
		if (result == FORMAT_MORE) {
			r = read_more(capture, next.need, &error);
			if (r == 0)
				return end_of_file(capture, ret_error);
			if (r < 0)
				return r == -EINTR ? r : failed(capture, &error, ret_error);
			continue;
		}
		capture->skip = next.used;
		pass_skipped(capture);
		if (result != FORMAT_FRAME)
			continue;
		capture->frames++;
		*ret_frame = next.frame;
		return 1;
	}
}

int capture_open(const char *path, bool follows, struct text_error *ret_error,
		 struct capture **ret_capture)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int r;

	if (!capture) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	capture->path = path;
	capture->follows = follows;
	r = stream_open(path, ret_error, &capture->stream);
	if (r == 0)
		r = find_format(capture, ret_error);
	if (r < 0 && r != -EAGAIN) {
		capture_close(capture);
		return r;
	}
	*ret_capture = capture;
	return 0;
}
