/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes, MTUs and TTLs over the time of a capture, as a picture that gnuplot draws. Of fixed
 * size: the longer the time, the wider its steps.
 */
#ifndef SYNPRINT_CLI_CLASSIFY_PLOT_H
#define SYNPRINT_CLI_CLASSIFY_PLOT_H

#include "core/report/report.h"

struct plot;

/** plot_new() - NULL: no memory. */
struct plot *plot_new(void);
void plot_free(struct plot *plot);

/** plot_add() - count a SYN. */
void plot_add(struct plot *plot, const struct report *report);

/**
 * plot_draw() - write the picture.
 * @path: ends with .svg or .png
 * Return: CLI_OK, or the exit code, told on standard error.
 */
int plot_draw(const struct plot *plot, const struct vocab *vocab, const char *path);

/** plot_is_path() - does a path end as a picture's does? */
bool plot_is_path(const char *path);

#endif
