/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the terminal and the environment once, when a command starts. */
#include "cli/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool screen_init(enum line_color color, bool with_date, struct line_layout *ret_layout)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	bool colored = line_wants_color(color, is_terminal, getenv("NO_COLOR"), getenv("TERM"));
	struct winsize size = {0};

	if (is_terminal)
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	line_layout_init(ret_layout, colored, with_date, size.ws_col);
	return is_terminal;
}
