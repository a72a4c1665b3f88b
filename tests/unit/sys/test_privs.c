/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which directories are handed over, and with what in them. As root; else only what needs none. */
#include "sys/privs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOMEBODY 54321

static const struct privs_user somebody = {.uid = SOMEBODY, .gid = SOMEBODY};
static char top[] = "/tmp/test_privs-XXXXXX";

static const char *below(const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static uid_t owner(const char *name)
{
	struct stat status;

	cr_assert_eq(lstat(below(name), &status), 0, "%s: %d", name, errno);
	return status.st_uid;
}

static void make_file(const char *name)
{
	int fd = open(below(name), O_CREAT | O_WRONLY, 0600);

	cr_assert_geq(fd, 0);
	close(fd);
}

static void set_up(void)
{
	cr_assert_not_null(mkdtemp(top));
}

static void tear_down(void)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(privs, .init = set_up, .fini = tear_down);

Test(privs, new_directory_and_ours)
{
	if (geteuid() != 0)
		return;
	cr_expect_eq(privs_give_directory(below("new"), &somebody), 0);
	cr_expect_eq(owner("new"), SOMEBODY);
	cr_assert_eq(mkdir(below("synprint"), 0755), 0);
	make_file("synprint/learned.db");
	make_file("outside");
	cr_assert_eq(symlink("../outside", below("synprint/link")), 0);
	cr_expect_eq(privs_give_directory(below("synprint"), &somebody), 0);
	cr_expect_eq(owner("synprint"), SOMEBODY);
	cr_expect_eq(owner("synprint/learned.db"), SOMEBODY);
	cr_expect_eq(owner("outside"), 0, "a link was followed");
}

Test(privs, what_is_others_stays)
{
	if (geteuid() != 0)
		return;
	cr_assert_eq(mkdir(below("run"), 0755), 0);
	cr_expect_eq(privs_give_directory(below("run"), &somebody), 0);
	cr_expect_eq(owner("run"), 0, "a directory of the system was given away");
}

/* From one user to the next, and back to root: with a run as the one, the other has his state. */
Test(privs, ours_goes_from_hand_to_hand)
{
	struct privs_user other = {.uid = SOMEBODY + 1, .gid = SOMEBODY + 1}, root = {0};

	if (geteuid() != 0)
		return;
	cr_assert_eq(mkdir(below("synprint"), 0755), 0);
	make_file("synprint/state");
	cr_expect_eq(privs_give_directory(below("synprint"), &somebody), 0);
	make_file("synprint/planted"); /* such as a link to a file of root's */
	cr_expect_eq(privs_give_directory(below("synprint"), &other), 0);
	cr_expect_eq(owner("synprint"), SOMEBODY + 1);
	cr_expect_eq(owner("synprint/state"), SOMEBODY + 1);
	cr_expect_eq(owner("synprint/planted"), 0, "it was not the owner's to leave");
	cr_expect_eq(privs_give_directory(below("synprint"), &root), 0);
	cr_expect_eq(owner("synprint"), 0);
	cr_expect_eq(owner("synprint/state"), 0);
}

Test(privs, what_is_no_directory)
{
	make_file("file");
	cr_expect_eq(privs_give_directory(below("file"), &somebody), -ENOTDIR);
	cr_expect_eq(privs_give_directory(below("no/parent"), &somebody), -ENOENT);
	cr_assert_eq(symlink("/", below("link")), 0);
	cr_expect_lt(privs_give_directory(below("link"), &somebody), 0);
}

Test(privs, users)
{
	struct privs_user user = {.uid = 1};

	cr_expect_eq(privs_find_user("root", &user), 0);
	cr_expect_eq(user.uid, 0);
	user.uid = 7;
	cr_expect_eq(privs_find_user("no-such-user", &user), -ENOENT);
	cr_expect_eq(user.uid, 7, "an output was touched on failure");
}
