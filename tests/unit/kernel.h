/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For unit tests that talk to the real kernel: a network namespace of their own, and what the
 * administrator's own tools say about it.
 */
#ifndef TESTS_UNIT_KERNEL_H
#define TESTS_UNIT_KERNEL_H

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fixture: the test runs in a process of its own, so the namespace ends with it. */
static inline void kernel_enter(void)
{
	if (unshare(CLONE_NEWNET) < 0) {
		printf("SKIP %s: no network namespace without root (%s)\n",
		       criterion_current_test->name, strerror(errno));
		fflush(stdout);
		cr_skip_test();
	}
	cr_assert_eq(system("ip link set lo up"), 0);
}

/* Runs a shell command that must succeed. */
static inline void kernel_run(const char *command)
{
	cr_assert_eq(system(command), 0, "failed: %s", command);
}

/* What a shell command prints, valid until the next call. */
static inline const char *kernel_output(const char *command)
{
	static char output[1 << 20];
	FILE *pipe = popen(command, "re");
	size_t len;

	cr_assert_not_null(pipe);
	len = fread(output, 1, sizeof(output) - 1, pipe);
	output[len] = '\0';
	pclose(pipe);
	return output;
}

static inline void kernel_expect(const char *command, const char *text)
{
	const char *output = kernel_output(command);

	cr_expect(strstr(output, text), "'%s' does not print '%s' but:\n%s", command, text, output);
}

static inline void kernel_expect_not(const char *command, const char *text)
{
	const char *output = kernel_output(command);

	cr_expect(!strstr(output, text), "'%s' prints '%s':\n%s", command, text, output);
}

/* How many lines of a command's output contain a text. */
static inline unsigned kernel_count(const char *command, const char *text)
{
	const char *pos = kernel_output(command);
	unsigned count = 0;

	while ((pos = strstr(pos, text))) {
		count++;
		pos += strlen(text);
	}
	return count;
}

#endif
