/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that are handed over as descriptors 3, 4, ...: each test in a child that may use those. */
#include "sys/inherit.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char first[64], second[64];

static void listen_as(int number, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0 ||
	    dup2(fd, number) < 0)
		_exit(100);
	if (fd != number)
		close(fd);
}

static void set_variables(const char *count, int pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	setenv("LISTEN_FDS", count, 1);
	setenv("LISTEN_PID", text, 1);
}

static int told;

static void count_told(const char *path)
{
	told += strcmp(path, second) == 0;
}

/* Each returns 0, or the line that was wrong. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static int by_path(void)
{
	struct inherited inherited;

	inherit_init(&inherited);
	MUST(inherited.count == 2);
	MUST(fcntl(3, F_GETFD) == FD_CLOEXEC && fcntl(4, F_GETFD) == FD_CLOEXEC);
	MUST(inherit_take(&inherited, "/no/such/path") == -1);
	MUST(inherit_has(&inherited, first));
	MUST(inherit_take(&inherited, first) == 3);
	MUST(!inherit_has(&inherited, first) && inherit_take(&inherited, first) == -1);
	inherit_done(&inherited, count_told);
	MUST(told == 1);
	MUST(fcntl(4, F_GETFD) < 0 && errno == EBADF);
	MUST(fcntl(3, F_GETFD) >= 0);
	return 0;
}

static int for_another_process(void)
{
	struct inherited inherited;

	set_variables("2", getppid());
	inherit_init(&inherited);
	MUST(inherited.count == 0);
	inherit_done(&inherited, NULL);
	MUST(fcntl(3, F_GETFD) >= 0 && fcntl(4, F_GETFD) >= 0);
	return 0;
}

static int by_another_name(void)
{
	struct inherited inherited;
	char other[80];

	snprintf(other, sizeof(other), "/tmp/../%s", second);
	inherit_init(&inherited);
	MUST(inherit_take(&inherited, other) == 4);
	return 0;
}

static int absurd_counts(void)
{
	static const char *const counts[] = {"-1", "many", "", "0"};
	struct inherited inherited;

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		set_variables(counts[i], getpid());
		inherit_init(&inherited);
		MUST(inherited.count == 0);
	}
	set_variables("2000000000", getpid());
	for (int fd = 5; fd < 3 + 2 * INHERIT_MAX; fd++)
		dup2(3, fd);
	inherit_init(&inherited);
	MUST(inherited.count == INHERIT_MAX);
	return 0;
}

static int in_child(int (*test)(void))
{
	int status;
	pid_t child;

	snprintf(first, sizeof(first), "/tmp/test_inherit-%d.a", (int)getpid());
	snprintf(second, sizeof(second), "/tmp/test_inherit-%d.b", (int)getpid());
	child = fork();
	if (child == 0) {
		listen_as(3, first);
		listen_as(4, second);
		set_variables("2", getpid());
		_exit(test() % 256);
	}
	waitpid(child, &status, 0);
	unlink(first);
	unlink(second);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(inherit, by_path)
{
	cr_expect_eq(in_child(by_path), 0);
}

Test(inherit, for_another_process)
{
	cr_expect_eq(in_child(for_another_process), 0);
}

Test(inherit, by_another_name)
{
	cr_expect_eq(in_child(by_another_name), 0);
}

Test(inherit, absurd_counts)
{
	int line = in_child(absurd_counts);

	cr_expect_eq(line, 0, "line %d", line);
}
