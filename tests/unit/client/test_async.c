/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests without waiting, against a server that answers late, in pieces, or not at all. */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nap.h"
#include "synprint/async.h"

#define TIMEOUT_MS 2000 /* of the test that is about it */
#define PATIENT_MS 60000

static char directory[] = "/tmp/synprint-async-XXXXXX";
static char path[64];
static int listener = -1, peer = -1;
static struct synprint_async *async;

/* What was said to whoever asked, in order: "1=line" or "1!errno". */
static char said[4096];

static void listen_at_path(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 4), 0);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	listen_at_path();
	cr_assert_eq(synprint_async_new(path, PATIENT_MS, &async), 0);
}

static void teardown(void)
{
	synprint_async_free(async);
	close(listener);
	close(peer);
	unlink(path);
	rmdir(directory);
}

TestSuite(async, .init = setup, .fini = teardown);

static void note(void *ctx, int rc, const char *line)
{
	size_t len = strlen(said);

	if (rc == 0)
		snprintf(said + len, sizeof(said) - len, "%s=%s ", (const char *)ctx, line);
	else
		snprintf(said + len, sizeof(said) - len, "%s!%d ", (const char *)ctx, -rc);
}

static int ask(const char *request, char *who)
{
	return synprint_async_request(async, request, note, who);
}

/* Dispatches until nothing comes any more for so long. */
static void run_ms(int quiet_ms)
{
	struct pollfd ready = {.fd = synprint_async_fd(async), .events = POLLIN};

	do
		synprint_async_dispatch(async);
	while (poll(&ready, 1, quiet_ms) > 0);
}

static void meet(void)
{
	if (peer >= 0)
		close(peer);
	peer = accept(listener, NULL, NULL);
	cr_assert_geq(peer, 0);
}

static void say(const char *text)
{
	cr_assert_eq(send(peer, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void expect_heard(const char *text)
{
	char heard[4096] = "";

	cr_assert_gt(recv(peer, heard, sizeof(heard) - 1, 0), 0);
	cr_expect_str_eq(heard, text);
}

Test(async, answers_reach_who_asked_in_order)
{
	cr_assert_eq(ask("{1}", "a"), 0);
	cr_assert_eq(ask("{2}", "b"), 0);
	run_ms(0);
	meet();
	expect_heard("{1}\n{2}\n");
	say("one\ntw");
	run_ms(5);
	cr_expect_str_eq(said, "a=one ");
	say("o\n");
	run_ms(5);
	cr_expect_str_eq(said, "a=one b=two ");
}

Test(async, a_late_answer_is_nobodys)
{
	synprint_async_free(async);
	cr_assert_eq(synprint_async_new(path, TIMEOUT_MS, &async), 0);
	cr_assert_eq(ask("{1}", "a"), 0);
	WAIT_FOR((run_ms(0), said[0] != '\0'));
	cr_expect_str_eq(said, "a!110 ");
	cr_expect_eq(ask("{2}", "b"), -EAGAIN,
		     "an answer is overdue: nobody is made to wait for it");
	meet();
	say("one\n");
	run_ms(5);
	cr_assert_eq(ask("{2}", "b"), 0);
	run_ms(0);
	say("two\n");
	run_ms(5);
	cr_expect_str_eq(said, "a!110 b=two ");
}

Test(async, a_broken_connection_is_told_and_made_again)
{
	cr_assert_eq(ask("{1}", "a"), 0);
	cr_assert_eq(ask("{2}", "b"), 0);
	run_ms(0);
	meet();
	expect_heard("{1}\n{2}\n");
	say("one\n");
	close(peer);
	peer = -1;
	run_ms(5);
	cr_expect_str_eq(said, "a=one b!32 ");
	usleep(110000); /* tried again ten times a second */
	cr_assert_eq(ask("{3}", "c"), 0);
	run_ms(0);
	meet();
	expect_heard("{3}\n");
	say("three\n");
	run_ms(5);
	cr_expect_str_eq(said, "a=one b!32 c=three ");
}

/* What it says to a request just after the daemon has come back; 1: it was not just after. */
static int ask_who_came_back(void)
{
	uint64_t before_ms = now_ms();
	int rc;

	synprint_async_free(async);
	cr_assert_eq(synprint_async_new(path, PATIENT_MS, &async), 0);
	cr_expect_eq(ask("{1}", "b"), -ENOENT);
	listen_at_path();
	rc = ask("{1}", "b");
	return now_ms() - before_ms < 100 ? rc : 1;
}

Test(async, no_daemon_is_said_at_once)
{
	int rc = 1;

	for (unsigned i = 0; i < 50 && rc == 1; i++) {
		close(listener);
		unlink(path);
		rc = ask_who_came_back();
	}
	cr_expect_eq(rc, -ECONNREFUSED, "not tried again within 100 ms: %d", rc);
	said[0] = '\0';
	usleep(110000);
	cr_expect_eq(ask("{1}", "a"), 0);
	synprint_async_free(async);
	async = NULL;
	cr_expect_str_eq(said, "a!125 ", "who waits is told of the end");
}

Test(async, as_many_wait_as_there_is_room)
{
	for (unsigned i = 0; i < 4096; i++)
		cr_assert_eq(ask("{}", "x"), 0);
	cr_expect_eq(ask("{}", "y"), -EAGAIN);
}

Test(async, a_request_without_room_is_refused)
{
	char *big = malloc(700000);

	memset(big, 'x', 699999);
	big[699999] = '\0';
	cr_expect_eq(ask(big, "a"), 0);
	cr_expect_eq(ask(big, "b"), -EAGAIN);
	free(big);
}

Test(async, events_come_until_paused_and_after_a_reconnection)
{
	cr_assert_eq(synprint_async_subscribe(async, "\"syns\":true", note, "e"), 0);
	cr_expect_eq(synprint_async_subscribe(async, NULL, note, NULL), -EBUSY);
	run_ms(5);
	meet();
	expect_heard("{\"op\":\"subscribe\",\"syns\":true}\n");
	say("{\"ok\":true}\n1\n2\n");
	run_ms(5);
	cr_expect_str_eq(said, "e=1 e=2 ");
	synprint_async_pause(async, true);
	say("3\n");
	run_ms(5);
	cr_expect_str_eq(said, "e=1 e=2 ");
	synprint_async_pause(async, false);
	run_ms(5);
	cr_expect_str_eq(said, "e=1 e=2 e=3 ");
	close(peer);
	peer = -1;
	run_ms(1500);
	meet();
	expect_heard("{\"op\":\"subscribe\",\"syns\":true}\n");
	say("{\"ok\":true}\n4\n");
	run_ms(5);
	cr_expect_str_eq(said, "e=1 e=2 e=3 e!32 e=4 ");
}

Test(async, refused_options_are_told)
{
	cr_assert_eq(synprint_async_subscribe(async, "\"x\":1", note, "e"), 0);
	run_ms(5);
	meet();
	say("{\"ok\":false,\"error\":{}}\n");
	run_ms(5);
	cr_expect_str_eq(said, "e!22 ");
}

static void pause_itself(void *ctx, int rc, const char *line)
{
	note(ctx, rc, line);
	synprint_async_pause(async, true);
}

Test(async, a_reader_that_pauses_itself_gets_one_line_at_a_time)
{
	cr_assert_eq(synprint_async_subscribe(async, NULL, pause_itself, "e"), 0);
	run_ms(5);
	meet();
	say("{\"ok\":true}\n1\n2\n");
	run_ms(5);
	cr_expect_str_eq(said, "e=1 ");
	synprint_async_pause(async, false);
	run_ms(5);
	cr_expect_str_eq(said, "e=1 e=2 ");
}

Test(async, a_path_too_long_for_a_socket)
{
	struct synprint_async *none;
	char text[200];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_expect_eq(synprint_async_new(text, 0, &none), -ENAMETOOLONG);
}
