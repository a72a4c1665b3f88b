/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What standard output is: a terminal and how wide, or something that wants plain lines. */
#ifndef SYNPRINT_CLI_SCREEN_H
#define SYNPRINT_CLI_SCREEN_H

#include "cli/line.h"

/** screen_init() - lay lines out for standard output. Return: true where it is a terminal. */
bool screen_init(enum line_color color, bool with_date, struct line_layout *ret_layout);

/** screen_follow() - lay lines out for the width that the terminal has now. */
void screen_follow(struct line_layout *layout);

/** screen_columns() - of the terminal on standard output; 0: it is none, or has no width. */
unsigned screen_columns(void);

#endif
