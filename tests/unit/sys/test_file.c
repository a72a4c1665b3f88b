/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are replaced, whatever somebody has put at the temporary name beside them. */
#include "sys/file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/synprint-file-XXXXXX";
static char path[64], temporary[80], victim[64];

static void write_text(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/figures", dir);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	snprintf(victim, sizeof(victim), "%s/victim", dir);
	write_text(victim, "precious");
	write_text(path, "old");
}

static void teardown(void)
{
	unlink(path);
	unlink(temporary);
	unlink(victim);
	rmdir(dir);
}

TestSuite(file, .init = setup, .fini = teardown, .timeout = 60);

static void expect(const char *name, const char *text)
{
	char *bytes;
	size_t len;

	cr_assert_eq(file_read(name, &bytes, &len), 0);
	cr_assert_eq(len, strlen(text));
	cr_assert_eq(memcmp(bytes, text, len), 0, "%s has other contents", name);
	free(bytes);
}

static int write_pieces(void)
{
	struct file_writer writer;
	int rc = file_begin(path, &writer);

	return rc < 0 ? rc : file_end(&writer, file_write(&writer, "pieces", 6));
}

static void expect_replaced(void)
{
	cr_assert_eq(file_replace(path, "figures", 7, false), 0);
	expect(path, "figures");
	cr_assert_lt(access(temporary, F_OK), 0);
	expect(victim, "precious");
}

Test(file, is_replaced_beside_a_fifo)
{
	struct stat status;

	cr_assert_eq(mkfifo(temporary, 0666), 0);
	expect_replaced();
	cr_assert_eq(mkfifo(temporary, 0666), 0);
	cr_assert_eq(write_pieces(), 0);
	expect(path, "pieces");
	cr_assert_eq(lstat(path, &status), 0);
	cr_assert(S_ISREG(status.st_mode));
}

Test(file, is_replaced_beside_links)
{
	cr_assert_eq(symlink(victim, temporary), 0);
	expect_replaced();
	cr_assert_eq(link(victim, temporary), 0);
	expect_replaced();
	cr_assert_eq(symlink(victim, temporary), 0);
	cr_assert_eq(write_pieces(), 0);
	expect(victim, "precious");
}

Test(file, a_directory_in_the_way_is_an_error)
{
	cr_assert_eq(mkdir(temporary, 0755), 0);
	cr_assert_lt(file_replace(path, "figures", 7, true), 0);
	cr_assert_lt(write_pieces(), 0);
	expect(path, "old");
	cr_assert_eq(rmdir(temporary), 0);
}

static void expect_untouched(mode_t type)
{
	char aside[128];
	struct stat status;

	cr_assert_eq(file_replace(path, "figures", 7, false), -EINVAL);
	cr_assert_eq(write_pieces(), -EINVAL);
	cr_assert_eq(file_put_aside(path, aside, sizeof(aside)), -EINVAL);
	cr_assert_eq(lstat(path, &status), 0);
	cr_assert_eq(status.st_mode & S_IFMT, type);
	cr_assert_lt(access(temporary, F_OK), 0);
	cr_assert_eq(unlink(path), 0);
}

/* As root, /dev/null or /dev/stdout would be a file from then on, for everybody. */
Test(file, only_regular_files_are_replaced)
{
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(mkfifo(path, 0666), 0);
	expect_untouched(S_IFIFO);
	cr_assert_eq(symlink("/dev/null", path), 0);
	expect_untouched(S_IFLNK);
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_eq(file_replace(path, "figures", 7, false), -EISDIR);
	cr_assert_eq(rmdir(path), 0);
	cr_assert_eq(symlink(victim, path), 0);
	expect_replaced();
	cr_assert_str_eq(file_error_text(-EINVAL), "it is no regular file");
	cr_assert_str_eq(file_error_text(-EISDIR), strerror(EISDIR));
}

Test(file, is_the_same_by_another_name)
{
	char other[80];

	snprintf(other, sizeof(other), "%s/./figures", dir);
	cr_assert(file_is_same(path, other));
	cr_assert(file_is_same(temporary, temporary), "though it is not there");
	cr_assert_not(file_is_same(path, victim));
	cr_assert_not(file_is_same(path, temporary));
	cr_assert_eq(symlink(path, temporary), 0);
	cr_assert(file_is_same(path, temporary));
}

/* A hardened root's 077 would keep a socket's group away from it. */
Test(file, a_socket_s_folder_is_open_whatever_the_umask)
{
	mode_t before = umask(077);
	struct stat status;
	char folder[64], inside[80];

	snprintf(folder, sizeof(folder), "%s/run", dir);
	snprintf(inside, sizeof(inside), "%s/x.sock", folder);
	cr_assert_eq(file_make_open_directory(inside), 0);
	cr_assert_eq(stat(folder, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0755);
	cr_assert_eq(chmod(folder, 0710), 0);
	cr_assert_eq(file_make_open_directory(inside), 0);
	cr_assert_eq(stat(folder, &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0710, "the administrator's stays as it is");
	cr_assert_eq(rmdir(folder), 0);
	umask(before);
}

Test(file, only_regular_files_are_read)
{
	char *bytes;
	size_t len;

	cr_assert_eq(file_read(dir, &bytes, &len), -EISDIR);
	cr_assert_eq(mkfifo(temporary, 0666), 0);
	cr_assert_eq(file_read(temporary, &bytes, &len), -EINVAL);
	unlink(temporary);
	cr_assert_eq(file_read(temporary, &bytes, &len), -ENOENT);
}
