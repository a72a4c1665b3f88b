/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking connections in: so many a turn, not while descriptors have run out, and on a file anew. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "control/acceptor.h"
#include "control/peers.h"

#define PEERS 70

static char dir[] = "/tmp/synprint-acceptor-XXXXXX";
static char path[64];
static struct acceptor acceptor;
static struct text_error error;
static int epoll_fd;
static int taken[PEERS];
static unsigned taken_count;

static struct acceptor_params usual_params(void)
{
	return (struct acceptor_params){.path = path, .mode = 0600, .group = (gid_t)-1};
}

static int open_usual(int watcher)
{
	struct acceptor_params params = usual_params();

	error = (struct text_error){.line = 9, .column = 9};
	return acceptor_open(&params, watcher, &error, &acceptor);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/a.sock", dir);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	cr_assert_eq(open_usual(epoll_fd), 0, "%s", error.what);
}

static void teardown(void)
{
	acceptor_close(&acceptor);
	unlink(path);
	rmdir(dir);
}

TestSuite(acceptor, .init = setup, .fini = teardown, .timeout = 120);

static void take(void *ctx, int fd)
{
	cr_assert_eq(ctx, &taken_count);
	cr_expect(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	taken[taken_count++] = fd;
}

/* What epoll says next within @wait_ms; NULL: nothing. */
static const void *next_event(int wait_ms)
{
	struct epoll_event event;

	return epoll_wait(epoll_fd, &event, 1, wait_ms) == 1 ? event.data.ptr : NULL;
}

static void handle(const void *data)
{
	acceptor_handle(&acceptor, data, take, &taken_count);
}

static int connect_peer(void)
{
	return connect_at(path, SOCK_NONBLOCK);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(acceptor, events_are_told_apart)
{
	int other;

	cr_expect(acceptor_owns(&acceptor, &acceptor.listener.fd));
	cr_expect(acceptor_owns(&acceptor, &acceptor.timer_fd));
	cr_expect_not(acceptor_owns(&acceptor, &other));
	cr_expect_null(next_event(0), "nobody has come");
	connect_peer();
	cr_expect_eq(next_event(0), &acceptor.listener.fd);
	handle(&other);
	cr_expect_eq(taken_count, 0, "an event that is none of the acceptor's");
	handle(&acceptor.listener.fd);
	cr_expect_eq(taken_count, 1);
	cr_expect_null(next_event(0));
	cr_expect_not(acceptor.is_paused);
}

Test(acceptor, takes_64_in_a_turn)
{
	for (unsigned i = 0; i < PEERS; i++)
		connect_peer();
	handle(next_event(0));
	cr_expect_eq(taken_count, 64, "%u", taken_count);
	handle(next_event(0));
	cr_expect_eq(taken_count, PEERS, "%u", taken_count);
	cr_expect_null(next_event(0));
}

static struct rlimit limit;

static void take_descriptors_away(void)
{
	struct rlimit none;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void give_descriptors_back(void)
{
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

Test(acceptor, looks_away_while_descriptors_have_run_out)
{
	struct itimerspec rest, late = {.it_value = {.tv_sec = 60}},
				soon = {.it_value = {.tv_nsec = 1}};

	connect_peer();
	take_descriptors_away();
	handle(next_event(0));
	cr_assert_eq(timerfd_gettime(acceptor.timer_fd, &rest), 0);
	cr_expect(acceptor.is_paused);
	cr_expect_eq(rest.it_value.tv_sec, 0);
	cr_expect_leq(rest.it_value.tv_nsec, 100000000, "%ld", rest.it_value.tv_nsec);
	cr_expect(rest.it_value.tv_nsec || next_event(0) == &acceptor.timer_fd);
	cr_expect_eq(rest.it_interval.tv_nsec, 0, "once");
	timerfd_settime(acceptor.timer_fd, 0, &late, NULL);
	handle(&acceptor.timer_fd);
	cr_expect(acceptor.is_paused, "it has not run out");
	timerfd_settime(acceptor.timer_fd, 0, &soon, NULL);
	/* Then the timer is all that is heard of, and once it was read the peer again. */
	cr_expect_eq(next_event(10000), &acceptor.timer_fd);
	handle(&acceptor.timer_fd);
	cr_expect_not(acceptor.is_paused);
	give_descriptors_back();
	cr_expect_eq(next_event(0), &acceptor.listener.fd);
	handle(&acceptor.listener.fd);
	cr_expect_eq(taken_count, 1);
}

/* Which may have run out by now, and would be heard of as well. */
static void stop_timer(void)
{
	timerfd_settime(acceptor.timer_fd, 0, &(struct itimerspec){.it_value = {0}}, NULL);
}

Test(acceptor, a_descriptor_that_was_closed_wakes_it)
{
	connect_peer();
	take_descriptors_away();
	handle(next_event(0));
	give_descriptors_back();
	cr_expect_neq(next_event(0), &acceptor.listener.fd);
	stop_timer();
	acceptor_resume(&acceptor);
	cr_expect_not(acceptor.is_paused);
	cr_expect_eq(next_event(0), &acceptor.listener.fd);
}

/* ---- a file that somebody deleted ---- */

static int check(void)
{
	error = (struct text_error){0};
	return acceptor_check(&acceptor, &error);
}

Test(acceptor, makes_its_file_again)
{
	int before = connect_peer(), was = acceptor.listener.fd;

	cr_expect_eq(check(), 0, "it is there");
	cr_expect_eq(acceptor.listener.fd, was);
	handle(next_event(0));
	unlink(path);
	acceptor.is_paused = true; /* what the new listener is not */
	cr_assert_eq(check(), 1, "%s", error.what);
	cr_expect_not(acceptor.is_paused);
	connect_peer();
	cr_expect_eq(next_event(0), &acceptor.listener.fd);
	handle(&acceptor.listener.fd);
	cr_expect_eq(taken_count, 2);
	cr_expect_eq(send(taken[0], "x", 1, 0), 1);
	cr_expect_eq(recv(before, &(char){0}, 1, 0), 1, "who came before is served on");
	cr_expect_eq(check(), 0);
}

/* Once for each time that it is gone. */
Test(acceptor, says_once_that_it_cannot)
{
	char away[70];

	snprintf(away, sizeof(away), "%s.away", dir);
	for (unsigned round = 0; round < 2; round++) {
		unlink(path);
		cr_assert_eq(rename(dir, away), 0);
		cr_expect_eq(check(), -ENOENT);
		cr_expect_not_null(strstr(error.what, path), "%s", error.what);
		cr_expect_eq(check(), 0, "it was said");
		cr_expect_eq(check(), 0);
		cr_assert_eq(rename(away, dir), 0);
		cr_expect_eq(check(), 1, "%s", error.what);
	}
	unlink(path);
	cr_assert_eq(rename(dir, away), 0);
	cr_expect_eq(check(), -ENOENT);
	cr_assert_eq(rename(away, dir), 0);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	cr_expect_eq(check(), 0, "somebody else's file is left alone");
	unlink(path);
	cr_assert_eq(rename(dir, away), 0);
	cr_expect_eq(check(), -ENOENT, "and this is another time");
	cr_assert_eq(rename(away, dir), 0);
}

Test(acceptor, says_that_nobody_hears_the_new_file)
{
	unlink(path);
	acceptor.epoll_fd = -1;
	cr_expect_eq(check(), -EBADF);
	acceptor.epoll_fd = epoll_fd;
}

/* ---- beginning and end ---- */

static void expect_nothing_left(void)
{
	cr_expect_eq(acceptor.listener.fd, -1);
	cr_expect_eq(acceptor.timer_fd, -1);
	cr_expect_neq(access(path, F_OK), 0, "no file");
}

Test(acceptor, closes_all)
{
	int listener = acceptor.listener.fd, timer = acceptor.timer_fd;

	acceptor_close(&acceptor);
	cr_expect_not(is_open(listener));
	cr_expect_not(is_open(timer));
	expect_nothing_left();
	acceptor_close(&acceptor);
	cr_expect(is_open(epoll_fd), "which is the server's");
}

/* Descriptors 0 are as good as others. */
Test(acceptor, closes_the_first_descriptor_too)
{
	acceptor_close(&acceptor);
	close(0);
	cr_assert_eq(open_usual(epoll_fd), 0);
	cr_assert_eq(acceptor.listener.fd, 0);
	acceptor_close(&acceptor);
	cr_expect_not(is_open(0));
}

/* The listener is handed over, so that the timer gets it. */
Test(acceptor, a_timer_may_be_the_first_descriptor)
{
	struct acceptor_params params = {.listen_fd = dup(acceptor.listener.fd)};

	acceptor_close(&acceptor);
	close(0);
	cr_assert_eq(acceptor_open(&params, epoll_fd, &error, &acceptor), 0);
	cr_expect_eq(acceptor.timer_fd, 0);
	acceptor_close(&acceptor);
	cr_expect_not(is_open(0));
}

Test(acceptor, a_peer_may_be_the_first_descriptor)
{
	connect_peer();
	close(0);
	handle(next_event(0));
	cr_expect_eq(taken_count, 1);
	cr_expect_eq(taken[0], 0);
}

Test(acceptor, says_why_it_cannot_serve)
{
	int pipes[2], next;

	acceptor_close(&acceptor);
	cr_assert_eq(pipe(pipes), 0);
	next = dup(0);
	close(next);
	cr_expect_eq(open_usual(pipes[0]), -EINVAL, "a pipe is no epoll instance");
	cr_expect_not_null(strstr(error.what, "cannot serve a socket"), "%s", error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	expect_nothing_left();
	cr_expect_eq(dup(0), next, "no descriptor is left open");
}

Test(acceptor, says_why_it_cannot_listen)
{
	struct acceptor_params params = usual_params();

	acceptor_close(&acceptor);
	params.path = "/nowhere/to/be/seen.sock";
	cr_expect_eq(acceptor_open(&params, epoll_fd, &error, &acceptor), -ENOENT);
	cr_expect_not_null(strstr(error.what, "/nowhere"), "%s", error.what);
	expect_nothing_left();
	params.path = NULL;
	params.listen_fd = epoll_fd;
	cr_expect_eq(acceptor_open(&params, epoll_fd, &error, &acceptor), -ENOTSOCK);
	expect_nothing_left();
}

/* The listener has the last descriptor, the timer none. */
Test(acceptor, needs_a_timer)
{
	struct rlimit one;
	int next;

	acceptor_close(&acceptor);
	next = dup(0);
	close(next);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	one = (struct rlimit){.rlim_cur = (rlim_t)next + 1, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &one), 0);
	cr_expect_eq(open_usual(epoll_fd), -EMFILE);
	give_descriptors_back();
	expect_nothing_left();
	cr_expect_not(is_open(next));
}
