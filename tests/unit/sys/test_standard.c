/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is started without standard descriptors gives their numbers to nothing else. */
#include "sys/standard.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(standard, .timeout = 60);

static bool refuses(ssize_t rc)
{
	return rc == -1 && errno == EBADF;
}

/* In a process that has none of those in @closed, a bit each. Return: whether all is as it should be. */
static bool is_held(unsigned closed)
{
	bool is_right = true;
	char byte = 0;
	int fd;

	for (fd = 0; fd < 3; fd++)
		if (closed >> fd & 1)
			close(fd);
	standard_hold();
	fd = open("/dev/null", O_RDWR);
	is_right &= fd > STDERR_FILENO;
	is_right &= !(closed & 1) || refuses(read(STDIN_FILENO, &byte, 1));
	is_right &= !(closed & 2) || refuses(write(STDOUT_FILENO, "x", 1));
	is_right &= !(closed & 4) || refuses(write(STDERR_FILENO, "x", 1));
	return is_right;
}

Test(standard, closed_ones_are_nobodys)
{
	for (unsigned closed = 0; closed < 8; closed++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(is_held(closed) ? 0 : 1);
		cr_assert_eq(waitpid(pid, &status, 0), pid);
		cr_assert_eq(status, 0, "with %u closed", closed);
	}
}

Test(standard, open_ones_stay)
{
	int ends[2];
	char byte = 0;

	cr_assert_eq(pipe(ends), 0);
	cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	standard_hold();
	cr_assert_eq(write(ends[1], "y", 1), 1);
	cr_assert_eq(read(STDIN_FILENO, &byte, 1), 1);
	cr_assert_eq(byte, 'y');
}
