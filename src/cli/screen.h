/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What standard output is: a terminal and how wide, or something that wants plain lines. */
#ifndef SYNPRINT_CLI_SCREEN_H
#define SYNPRINT_CLI_SCREEN_H

#include "cli/line.h"

/** screen_init() - lay lines out for standard output. Return: true where it is a terminal. */
bool screen_init(enum line_color color, bool with_date, struct line_layout *ret_layout);

#endif
