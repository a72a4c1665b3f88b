/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the terminal and the environment once, when a command starts. */
#include "cli/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

unsigned screen_columns(void)
{
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

bool screen_init(enum line_color color, bool with_date, struct line_layout *ret_layout)
{
	bool is_terminal = isatty(STDOUT_FILENO);
	bool colored = line_wants_color(color, is_terminal, getenv("NO_COLOR"), getenv("TERM"));

	line_layout_init(ret_layout, colored, with_date, screen_columns());
	return is_terminal;
}

void screen_follow(struct line_layout *layout)
{
	line_layout_resize(layout, screen_columns());
}
