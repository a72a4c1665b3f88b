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

/* What nft prints for flags is another text from version 1.1 on: that of Debian 13, in @output. */
static inline void kernel_put_newer_flags(const char *text, char *output, size_t size)
{
	static const char old[] = "tcp flags syn / fin,syn,rst,ack";
	const char *at = strstr(text, old);

	if (at)
		snprintf(output, size, "%.*stcp flags & (fin | syn | rst | ack) == syn%s",
			 (int)(at - text), text, at + strlen(old));
	else
		snprintf(output, size, "%s", text);
}

static inline void kernel_expect(const char *command, const char *text)
{
	const char *output = kernel_output(command);
	char newer[1024];

	kernel_put_newer_flags(text, newer, sizeof(newer));
	cr_expect(strstr(output, text) || strstr(output, newer),
		  "'%s' does not print '%s' but:\n%s", command, text, output);
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
