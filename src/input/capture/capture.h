/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One capture file: pcap or pcapng, compressed or not, one frame after the other. */
#ifndef SYNPRINT_INPUT_CAPTURE_CAPTURE_H
#define SYNPRINT_INPUT_CAPTURE_CAPTURE_H

#include "input/capture/frame.h"

struct capture;

/**
 * capture_open() - open a capture file.
 * @path: "-" is standard input; kept, not copied
 * @follows: a file that ends within a record goes on later
 * Return: 0, -ENOENT and the like, -EINVAL for no capture, -EINTR, -ENOMEM.
 */
int capture_open(const char *path, bool follows, struct text_error *ret_error,
		 struct capture **ret_capture);
void capture_close(struct capture *capture);

/**
 * capture_next() - the next frame.
 * @ret_error: on failure says behind which packet the file is damaged or cut off
 * @ret_frame: valid until the next call
 * Return: 1 for a frame, 0 at the end (with @follows: for now), -EINTR where a signal came first,
 * -EIO where the file cannot be read on.
 */
int capture_next(struct capture *capture, struct text_error *ret_error, struct frame *ret_frame);

const char *capture_path(const struct capture *capture);

/** capture_progress() - how far we are, 0 to 100, or -1 where the length is not known. */
int capture_progress(const struct capture *capture);

#endif
