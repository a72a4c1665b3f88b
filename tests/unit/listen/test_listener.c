/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets that listen: every way in which making or taking one over can fail, told in words. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listen/listener.h"

static char dir[] = "/tmp/synprint-listener-XXXXXX";
static char path[64];
static struct text_error error;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.sock", dir);
}

static void teardown(void)
{
	unlink(path);
	rmdir(dir);
}

TestSuite(listener, .init = setup, .fini = teardown);

static int open_at(const char *at, struct listener *listener)
{
	error = (struct text_error){.line = 9, .column = 9};
	return listener_open(at, 0640, (gid_t)-1, &error, listener);
}

static void expect_refused(const char *at, int expected, const char *what)
{
	struct listener listener = {.fd = -7};

	cr_expect_eq(open_at(at, &listener), expected, "%s: %s", at, error.what);
	cr_expect_not_null(strstr(error.what, what), "%s: %s", at, error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	cr_expect_eq(listener.fd, -7, "%s: the output changed", at);
}

static bool exists(const char *at)
{
	return access(at, F_OK) == 0;
}

static int bound_socket(int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	strcpy(address.sun_path, path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

Test(listener, lengths_of_paths)
{
	char at[300], longest[200];
	struct listener listener;

	expect_refused("", -ENAMETOOLONG, "1 to 107 bytes, not 0");
	snprintf(longest, sizeof(longest), "%s/%0*d", dir, (int)(107 - strlen(dir) - 1), 7);
	cr_assert_eq(open_at(longest, &listener), 0, "%s", error.what);
	cr_expect_str_eq(listener.path, longest);
	cr_expect(exists(longest));
	listener_close(&listener);
	cr_expect_not(exists(longest));
	snprintf(at, sizeof(at), "%s8", longest);
	expect_refused(at, -ENAMETOOLONG, "1 to 107 bytes, not 108");
}

Test(listener, what_is_at_the_path)
{
	struct listener listener;
	int fd;

	expect_refused("/nowhere/to/be/seen.sock", -ENOENT, "cannot make /nowhere/to/be/seen.sock");
	expect_refused(dir, -EEXIST, "exists and is not a socket");
	fd = bound_socket(SOCK_DGRAM);
	expect_refused(path, -EADDRINUSE, "somebody listens there already");
	close(fd);
	cr_expect(exists(path), "and it was left alone");
	unlink(path);
	fd = bound_socket(SOCK_STREAM);
	expect_refused(path, -EADDRINUSE, "somebody listens there already");
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	expect_refused(path, -EADDRINUSE, "somebody listens there already");
	listener_remove_dead(path);
	cr_expect_eq(accept(fd, NULL, NULL), -1,
		     "asking would start the service of a socket's unit");
	cr_expect_eq(errno, EAGAIN);
	close(fd);
	cr_assert_eq(open_at(path, &listener), 0, "the file of a dead one: %s", error.what);
	listener_close(&listener);
}

/* Half a socket leaves neither a file nor a descriptor. */
Test(listener, no_descriptors)
{
	struct rlimit limit, none;
	int next = dup(0);

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	close(next);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	expect_refused(path, -EMFILE, "cannot make");
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_not(exists(path));
}

Test(listener, mode_group_and_flags)
{
	struct listener listener;
	struct stat st;

	cr_assert_eq(listener_open(path, 0604, getegid(), &error, &listener), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0604);
	cr_expect_eq(st.st_ino, listener.ino);
	cr_expect_eq(st.st_dev, listener.dev);
	cr_expect_eq(listener.mode, 0604);
	cr_expect_eq(listener.group, getegid());
	cr_expect_not(listener.is_adopted);
	cr_expect(fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(listener.fd, F_GETFD) & FD_CLOEXEC);
	cr_expect(listener_is_there(&listener));
	unlink(path);
	cr_expect_not(listener_is_there(&listener));
	listener_close(&listener);
}

/* Another group than a new file has; only root may give one away. */
Test(listener, a_group_that_is_not_ours)
{
	gid_t group = geteuid() == 0 ? getegid() + 1 : getegid();
	struct listener listener;
	struct stat st;

	cr_assert_eq(listener_open(path, 0600, group, &error, &listener), 0, "%s", error.what);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_gid, group);
	listener_close(&listener);
}

Test(listener, closing_leaves_what_is_not_its_own)
{
	struct listener listener;
	int fd;

	cr_assert_eq(open_at(path, &listener), 0);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(fd, 0);
	close(fd);
	listener_close(&listener);
	cr_expect(exists(path));
}

Test(listener, renewed_like_the_first)
{
	struct listener listener, again;
	struct stat st;

	cr_assert_eq(open_at(path, &listener), 0);
	unlink(path);
	cr_assert_eq(listener_renew(&listener, &error, &again), 0, "%s", error.what);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0640);
	listener_close(&listener);
	cr_expect(exists(path), "the second one's");
	listener_close(&again);
	cr_expect_not(exists(path));
}

Test(listener, removes_the_files_of_dead_ones_alone)
{
	char longest[200];
	int fd = bound_socket(SOCK_STREAM);

	cr_assert_eq(listen(fd, 1), 0);
	listener_remove_dead(path);
	cr_expect(exists(path), "it is alive");
	close(fd);
	listener_remove_dead(path);
	cr_expect_not(exists(path));
	listener_remove_dead(path);
	listener_remove_dead("");
	snprintf(longest, sizeof(longest), "%s/%0*d", dir, (int)(108 - strlen(dir) - 1), 7);
	listener_remove_dead(longest);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	listener_remove_dead(path);
	cr_expect(exists(path), "no socket");
}

static void expect_not_adopted(int fd, const char *name)
{
	struct listener listener = {.fd = -7};

	error = (struct text_error){.line = 9, .column = 9};
	cr_expect_eq(listener_adopt(fd, &error, &listener), -ENOTSOCK, "%s", name);
	cr_expect_not_null(strstr(error.what, "no listening Unix stream socket"), "%s", name);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	cr_expect_eq(listener.fd, -7);
}

Test(listener, descriptors_that_cannot_be_taken_over)
{
	int tcp = socket(AF_INET, SOCK_STREAM, 0), stream = bound_socket(SOCK_STREAM), pipes[2];
	int packets = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0synprint-test"};

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(listen(tcp, 1), 0);
	snprintf(abstract.sun_path + 1, 40, "synprint-test-%d", (int)getpid());
	cr_assert_eq(bind(packets, (struct sockaddr *)&abstract, sizeof(abstract)), 0);
	cr_assert_eq(listen(packets, 1), 0);
	expect_not_adopted(-1, "none");
	expect_not_adopted(pipes[0], "a pipe");
	expect_not_adopted(tcp, "TCP");
	expect_not_adopted(stream, "a stream that does not listen");
	expect_not_adopted(packets, "packets");
}

Test(listener, takes_over)
{
	int fd = bound_socket(SOCK_STREAM);
	struct listener listener;

	cr_assert_eq(chmod(path, 0613), 0);
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(listener_adopt(fd, &error, &listener), 0);
	cr_expect_eq(listener.fd, fd);
	cr_expect(listener.is_adopted);
	cr_expect_str_eq(listener.path, path);
	cr_expect_eq(listener.mode, 0613);
	cr_expect_eq(listener.group, getegid());
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	listener_close(&listener);
	cr_expect(exists(path), "the service manager's file");
}

/* A path is one from the root on: where a relative one begins is known to its maker alone. */
Test(listener, takes_over_a_relative_path)
{
	struct listener listener;
	int fd;

	cr_assert_eq(chdir(dir), 0);
	strcpy(path, "a.sock");
	fd = bound_socket(SOCK_STREAM);
	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(listener_adopt(fd, &error, &listener), 0);
	cr_expect_str_eq(listener.path, "");
	listener_close(&listener);
}

Test(listener, takes_over_without_a_file)
{
	int fd = bound_socket(SOCK_STREAM);
	struct listener listener;

	cr_assert_eq(listen(fd, 1), 0);
	unlink(path);
	cr_assert_eq(listener_adopt(fd, &error, &listener), 0);
	cr_expect_str_eq(listener.path, "");
	cr_expect(listener_is_there(&listener), "nobody waits for a file that never was");
	listener_close(&listener);
}

/* Somebody deleted the file, another one was made, and who made that is gone, or was killed. */
Test(listener, takes_over_what_leads_to_nobody_any_more)
{
	int fd = bound_socket(SOCK_STREAM);
	struct listener listener, again;

	cr_assert_eq(listen(fd, 1), 0);
	cr_assert_eq(chmod(path, 0613), 0);
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(listener_adopt(dup(fd), &error, &listener), 0);
		cr_expect_eq(listener_is_there(&listener), i == 0);
		unlink(path);
		cr_assert_eq(listener_renew(&listener, &error, &again), 0, "%s", error.what);
		listener_close(&again);
		cr_expect(exists(path), "it tells the next one");
		listener_close(&listener);
	}
	cr_assert_eq(listener_adopt(fd, &error, &listener), 0);
	cr_assert_eq(listener_renew(&listener, &error, &again), 0, "%s", error.what);
	cr_expect_eq(again.mode, 0613);
	listener_close(&again);
	listener_close(&listener);
}

/* Descriptor 0 is as good as others: for what listens, and for asking who does. */
Test(listener, the_first_descriptor)
{
	struct listener first, second = {.fd = -7};

	close(0);
	cr_assert_eq(open_at(path, &first), 0, "%s", error.what);
	cr_expect_eq(first.fd, 0);
	cr_expect_eq(dup2(first.fd, 100), 100);
	close(0);
	cr_expect_eq(open_at(path, &second), -EADDRINUSE, "%s", error.what);
	cr_expect_eq(second.fd, -7);
	close(100);
	cr_assert_eq(open_at(path, &second), 0, "%s", error.what);
	cr_expect_eq(second.fd, 0);
	listener_close(&second);
	cr_expect_eq(fcntl(0, F_GETFD), -1);
	cr_expect_not(exists(path));
}

/* Whatever goes wrong, no descriptor stays open. */
Test(listener, failures_leave_no_descriptor)
{
	int next = dup(0), fd;

	close(next);
	expect_refused("/nowhere/to/be/seen.sock", -ENOENT, "cannot make");
	fd = bound_socket(SOCK_STREAM);
	cr_assert_eq(listen(fd, 1), 0);
	expect_refused(path, -EADDRINUSE, "listens there already");
	close(fd);
	cr_expect_eq(dup(0), next);
}
