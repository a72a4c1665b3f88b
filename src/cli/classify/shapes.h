/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shapes that nothing looks like, as a signature file to be labelled. */
#ifndef SYNPRINT_CLI_CLASSIFY_SHAPES_H
#define SYNPRINT_CLI_CLASSIFY_SHAPES_H

#include "core/learn/tally.h"

#define SHAPES_TIME_MAX 32

/** shapes_put() - append all of a capture. */
void shapes_put(struct tally *tally, bool json, struct text_buf *out);

/** shapes_format_time() - Unix time as local time, or "-". */
void shapes_format_time(uint32_t unix_s, char text[SHAPES_TIME_MAX]);

#endif
