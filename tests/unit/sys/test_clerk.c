/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that stands still as long as the test says: only the clerk waits for it. */
#include "sys/clerk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/file.h"

static char dir[] = "/tmp/synprint-clerk-XXXXXX";
static char path[64], other[64], temporary[80];
static struct clerk *clerk;
static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER; /* who holds it stops the disk */

/* In libc's place. */
int fsync(int fd)
{
	struct stat status;

	pthread_mutex_lock(&disk);
	pthread_mutex_unlock(&disk);
	return fstat(fd, &status);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/folder/file", dir);
	snprintf(other, sizeof(other), "%s/folder/other", dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	clerk = clerk_new(true);
	cr_assert_not_null(clerk);
}

static void teardown(void)
{
	unlink(path);
	unlink(other);
	snprintf(path, sizeof(path), "%s/folder", dir);
	rmdir(path);
	rmdir(dir);
}

TestSuite(clerk, .init = setup, .fini = teardown, .timeout = 60);

static int write_text(const char *name, const char *text)
{
	return clerk_write(clerk, name, text ? strdup(text) : NULL, text ? strlen(text) : 0);
}

static void wait_for(const char *name)
{
	while (access(name, F_OK) < 0)
		usleep(1000);
}

static void expect(const char *text)
{
	char *bytes;
	size_t len;

	cr_assert_eq(file_read(path, &bytes, &len), 0);
	cr_assert_eq(len, strlen(text));
	cr_assert_eq(memcmp(bytes, text, len), 0, "it has other contents");
	free(bytes);
}

Test(clerk, nobody_else_waits_for_the_disk)
{
	pthread_mutex_lock(&disk);
	cr_assert_eq(write_text(path, "first"), 0);
	wait_for(temporary);
	cr_assert_eq(write_text(path, "second"), 0);
	cr_assert_eq(write_text(path, "third"), 0);
	cr_assert_eq(write_text(other, "x"), -EBUSY);
	cr_assert_not(clerk_wait(clerk, 0));
	cr_assert_eq(access(path, F_OK), -1);
	pthread_mutex_unlock(&disk);
	cr_assert(clerk_wait(clerk, -1));
	expect("third");
	cr_assert_eq(write_text(other, "x"), 0);
	clerk_close(clerk, -1);
	cr_assert_eq(access(other, F_OK), 0, "what was handed over last is written");
}

Test(clerk, the_end_waits_for_a_while_only)
{
	pthread_mutex_lock(&disk);
	cr_assert_eq(write_text(path, "late"), 0);
	wait_for(temporary);
	clerk_close(clerk, 1);
	cr_assert_eq(access(path, F_OK), -1);
	pthread_mutex_unlock(&disk);
	wait_for(path);
	expect("late");
}

Test(clerk, removes_what_it_has_written)
{
	cr_assert_eq(write_text(other, "x"), 0);
	cr_assert(clerk_wait(clerk, -1));
	cr_assert_eq(write_text(other, NULL), 0);
	cr_assert(clerk_wait(clerk, -1));
	cr_assert_eq(access(other, F_OK), -1);
	cr_assert_eq(file_replace(path, "somebody's", 10, true), 0);
	cr_assert_eq(write_text(path, NULL), 0);
	clerk_close(clerk, -1);
	expect("somebody's");
}

Test(clerk, tells_what_went_wrong)
{
	cr_assert_eq(write_text("/proc/nowhere/file", "x"), 0);
	cr_assert(clerk_wait(clerk, -1));
	cr_assert_eq(clerk_get_error(clerk), -ENOENT);
	cr_assert_eq(write_text(path, "x"), 0);
	cr_assert(clerk_wait(clerk, -1));
	cr_assert_eq(clerk_get_error(clerk), 0);
	cr_assert_eq(clerk_get_error(NULL), 0);
	clerk_close(clerk, -1);
	clerk_close(NULL, -1);
}
