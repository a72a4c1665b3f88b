/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket or a file that was opened as number 2 would get every line of the log. */
#include "sys/standard.h"

#include <fcntl.h>
#include <unistd.h>

void standard_hold(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			return; /* there is no /dev/null: nothing to be done */
}
