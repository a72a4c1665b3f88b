/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a file or of standard input, decompressed where they are gzip, xz or Zstandard (told
 * by their first bytes, not by a name). Memory is bounded whatever the file says.
 */
#ifndef SYNPRINT_INPUT_CAPTURE_STREAM_H
#define SYNPRINT_INPUT_CAPTURE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

struct stream;

/**
 * stream_open() - open a file.
 * @path: "-" is standard input
 * @ret_error: why not
 * Return: 0, -ENOMEM, or -errno of open(2).
 */
int stream_open(const char *path, struct text_error *ret_error, struct stream **ret_stream);
void stream_close(struct stream *stream);

/**
 * stream_read() - the next bytes, as many as there are, at most @size.
 * @ret_error: on failure, what is wrong with the file
 * Return: their number, 0 at the end (a file that grows may have more later), -EINTR where a signal
 * came first, or -EIO.
 */
int stream_read(struct stream *stream, uint8_t *buf, size_t size, struct text_error *ret_error);

/** stream_is_whole() - false where compressed bytes ended before their end. */
bool stream_is_whole(const struct stream *stream);

/** stream_progress() - how far we are, 0 to 100, or -1 where the length is not known. */
int stream_progress(const struct stream *stream);

#endif
