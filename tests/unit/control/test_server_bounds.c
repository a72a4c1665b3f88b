/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control server allows itself and each peer: lines, bytes, places, memory. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "alloc.h"
#include "control/server_turns.h"

static unsigned trims;

/* In the place of the C library's. */
int malloc_trim(size_t pad);
int malloc_trim(size_t pad)
{
	cr_expect_eq(pad, 0);
	trims++;
	return 1;
}

TestSuite(server_bounds, .init = setup, .fini = teardown, .timeout = 120);

static struct server_stats stats_of_server(void)
{
	struct server_stats stats;

	server_get_stats(server, &stats);
	return stats;
}

static void start_usual(void)
{
	struct server_params params = usual_params();

	start(&params);
}

#define STATUS "{\"op\":\"status\"}\n"

/* In one piece: many small ones would not fit into the socket. */
static void say_many(int fd, const char *line, unsigned count)
{
	static char text[65536];
	size_t len = strlen(line);

	for (unsigned i = 0; i < count; i++)
		memcpy(text + i * len, line, len + 1);
	say(fd, text);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

/* All that was asked is answered, also where the peer has closed its side meanwhile. */
Test(server_bounds, lines_in_a_turn)
{
	for (unsigned closes = 0; closes < 2; closes++) {
		int peer;

		start_usual();
		peer = connect_peer();
		pump();
		request_count = 0;
		say_many(peer, STATUS, 600);
		if (closes)
			shutdown(peer, SHUT_WR);
		reply_ms = 3; /* more than a connection's share of a turn */
		server_dispatch(server);
		cr_expect_eq(request_count, 1);
		reply_ms = 0;
		pump();
		cr_expect_eq(request_count, 600);
		cr_expect_eq(count_lines(hear(peer)), 600);
		cr_expect_eq(is_closed(peer), closes);
		close(peer);
		server_free(server);
		server = NULL;
	}
}

/* 256 KiB, but for the zero at a text's end. */
Test(server_bounds, bytes_of_a_reply)
{
	const size_t around = strlen("{\"ok\":true,\"port\":9,\"pad\":\"\"}");
	int peer;

	start_usual();
	peer = connect_peer();
	reply_bytes = (256 << 10) - 1 - around;
	say(peer, VERDICT(9));
	pump_at_most(10);
	cr_expect_eq(strncmp(hear(peer), "{\"ok\":true", 10), 0);
	close(peer);
	peer = connect_peer();
	reply_bytes++;
	cr_expect_not_null(strstr(ask(peer, VERDICT(9)), "longer than 262144 bytes"));
	close(peer);
}

static void send_json(const char *json)
{
	struct server_event event = {.kind = SERVER_EVENT_NEW};

	make_addr(1, &event.addr);
	server_send_event(server, &event, json, strlen(json));
}

/* An object of so many bytes. */
static const char *json_of(size_t len)
{
	static char json[70000];

	memset(json, ' ', len);
	memcpy(json, "{\"a\":1", 6);
	json[len - 1] = '}';
	json[len] = '\0';
	return json;
}

static unsigned events_until_one_is_missed(const char *json)
{
	for (unsigned count = 0; count < 1000; count++) {
		send_json(json);
		if (stats_of_server().events_missed)
			return count;
	}
	return 1000;
}

/* 4 MiB, of which 64 KiB and some bytes are each. */
Test(server_bounds, events_that_wait_for_root)
{
	struct server_params params = usual_params();
	int peer;

	params.trusted_events_max = 0;
	start(&params);
	peer = connect_peer();
	ask(peer, "{\"op\":\"subscribe\"}\n");
	cr_expect_eq(events_until_one_is_missed(json_of(65536 - 22 - 2)), 64);
	close(peer);
}

/* As another user: subscribe, and do nothing until the other end of the pipe is closed. */
static void subscribe_as_nobody(const int pipes[2])
{
	static const char text[] = "{\"op\":\"subscribe\"}\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char byte;

	close(pipes[1]);
	strcpy(address.sun_path, path);
	if (setuid(65534) < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, text, sizeof(text) - 1, 0) < 0)
		_exit(2);
	_exit(read(pipes[0], &byte, 1) != 0);
}

/* Who may not report has output_max for his events; others have a limit of their own. */
Test(server_bounds, events_that_wait_for_others)
{
	struct server_params params = usual_params();
	int pipes[2], status;
	pid_t child;

	if (getuid() != 0)
		cr_skip_test("becoming another user needs root");
	params.output_max = 4096;
	params.trusted_events_max = 8192;
	start(&params);
	chmod(dir, 0755);
	chmod(path, 0666);
	cr_assert_eq(pipe(pipes), 0);
	child = fork();
	if (child == 0)
		subscribe_as_nobody(pipes);
	while (stats_of_server().subscribers == 0) {
		cr_assert_eq(waitpid(child, &status, WNOHANG), 0);
		pump();
	}
	cr_expect_eq(events_until_one_is_missed(json_of(1000)), 4);
	close(pipes[0]);
	close(pipes[1]);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect_eq(status, 0);
}

/* What was missed is told where half of the room is free, in the place where it was missed. */
Test(server_bounds, gaps_wait_for_half_of_the_room)
{
	for (unsigned more = 0; more < 2; more++) {
		struct server_params params = usual_params();
		const char *text;
		int peer;

		params.output_max = 4096;
		start(&params);
		peer = connect_peer();
		ask(peer, "{\"op\":\"subscribe\"}\n");
		send_json(json_of(2048 - 22 - 1 + more));
		server_note_missed(server, 1);
		send_json("{\"b\":2}");
		cr_expect_eq(stats_of_server().events_missed, 1 + more);
		cr_expect_eq(stats_of_server().events_sent, 2 - more);
		pump();
		text = strchr(hear(peer), '\n') + 1;
		cr_expect_str_eq(text, more ? "{\"event\":\"gap\",\"missed\":2}\n"
					    : "{\"event\":\"gap\",\"missed\":1}\n"
					      "{\"event\":\"new\",\"seq\":2,\"b\":2}\n");
		send_json("{}");
		pump();
		cr_expect_str_eq(hear(peer), "{\"event\":\"new\",\"seq\":3}\n");
		close(peer);
		server_free(server);
		server = NULL;
	}
}

Test(server_bounds, a_new_subscription_has_missed_nothing)
{
	struct server_params params = usual_params();
	int peer;

	params.output_max = 4096;
	start(&params);
	peer = connect_peer();
	ask(peer, "{\"op\":\"subscribe\"}\n");
	send_json(json_of(3000));
	server_note_missed(server, 5);
	say(peer, "{\"op\":\"subscribe\"}\n");
	pump();
	send_json("{}");
	pump();
	cr_expect_null(strstr(hear(peer), "subscribed\":true}\n{\"event\":\"gap"));
	cr_expect_eq(stats_of_server().subscribers, 1);
	close(peer);
}

/* ---- places ---- */

static const char busy[] = "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":"
			   "\"too many connections\"}}\n";

Test(server_bounds, an_idle_peer_gives_way)
{
	struct server_params params = usual_params();
	int first, second, third;

	params.conns_max = 1;
	start(&params);
	first = connect_peer();
	pump();
	own_clock_pass(999);
	second = connect_peer();
	pump();
	cr_expect_str_eq(hear(second), busy, "the first has just come");
	cr_expect_eq(stats_of_server().refused, 1);
	own_clock_pass(1);
	third = connect_peer();
	cr_expect_str_eq(ask(third, VERDICT(3)), ANSWER(3));
	cr_expect(is_closed(first));
	cr_expect_eq(stats_of_server().gave_way, 1);
	cr_expect_eq(stats_of_server().conns, 1);
	cr_expect_eq(stats_of_server().accepted, 2);
	cr_expect_eq(stats_of_server().refused, 1);
	close(first);
	close(second);
	close(third);
}

/* ---- memory ---- */

Test(server_bounds, no_memory_to_begin)
{
	struct server_params params = usual_params();
	unsigned failures = 0;

	for (;; failures++) {
		struct text_error error = {.line = 9, .column = 9};
		int rc;

		server = NULL;
		alloc_fail_after(failures);
		rc = server_new(&params, &error, &server);
		if (!alloc_has_failed())
			break;
		cr_expect_eq(rc, -ENOMEM, "%u: %d", failures, rc);
		cr_expect_not_null(strstr(error.what, "no memory"), "%s", error.what);
		cr_expect_eq(error.line, 0);
		cr_expect_eq(error.column, 0);
		cr_expect_null(server);
	}
	cr_expect_eq(failures, 2);
	cr_expect_not_null(server);
}

Test(server_bounds, no_descriptor_to_begin)
{
	struct server_params params = usual_params();
	struct text_error error = {.line = 9, .column = 9};
	struct rlimit limit, none;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_eq(server_new(&params, &error, &server), -EMFILE);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_not_null(strstr(error.what, "cannot serve the control socket"), "%s", error.what);
	cr_expect_eq(error.line, 0);
	cr_expect_eq(error.column, 0);
	cr_expect_null(server);
}

Test(server_bounds, the_first_descriptor_is_as_good_as_others)
{
	close(0);
	start_usual();
	cr_assert_eq(server_fd(server), 0);
	server_free(server);
	server = NULL;
	cr_expect_eq(fcntl(0, F_GETFD), -1, "it is closed");
}

/* Whoever there is no memory for is told that there is no place; the next one is served. */
Test(server_bounds, no_memory_for_a_peer)
{
	unsigned failures = 0;

	start_usual();
	for (;; failures++) {
		int peer = connect_peer();

		alloc_fail_after(failures);
		server_dispatch(server);
		if (!alloc_has_failed()) {
			cr_expect_str_eq(ask(peer, VERDICT(3)), ANSWER(3));
			close(peer);
			break;
		}
		cr_expect_str_eq(hear(peer), busy);
		cr_expect(is_closed(peer));
		cr_expect_eq(stats_of_server().refused, failures + 1);
		cr_expect_eq(stats_of_server().conns, 0);
		close(peer);
	}
	cr_expect_eq(failures, 2, "the connection, and its user");
}

/* A peer whose bytes there is no memory for is closed. */
Test(server_bounds, no_memory_for_bytes)
{
	unsigned failures = 0;

	start_usual();
	for (;; failures++) {
		int peer = connect_peer();

		pump();
		say(peer, VERDICT(3));
		alloc_fail_after(failures);
		server_dispatch(server);
		if (!alloc_has_failed()) {
			pump();
			cr_expect_str_eq(hear(peer), ANSWER(3));
			close(peer);
			break;
		}
		if (strcmp(hear(peer), "") == 0)
			cr_expect(is_closed(peer), "allocation %u", failures);
		close(peer);
		pump();
		cr_expect_eq(stats_of_server().conns, 0);
	}
	cr_expect_geq(failures, 2);
}

/* Once 64 connections are gone. */
Test(server_bounds, memory_is_given_back)
{
	start_usual();
	cr_expect_eq(server_tidy(server, NULL), 0);
	for (unsigned round = 1; round <= 2; round++) {
		for (unsigned i = 0; i < 63; i++) {
			close(connect_peer());
			pump();
		}
		cr_expect_eq(server_tidy(server, NULL), 0);
		cr_expect_eq(trims, round - 1);
		close(connect_peer());
		pump();
		cr_expect_eq(server_tidy(server, NULL), 0);
		cr_expect_eq(trims, round);
		cr_expect_eq(server_tidy(server, NULL), 0);
		cr_expect_eq(trims, round);
	}
}

Test(server_bounds, a_deleted_file_is_made_again)
{
	int peer;

	start_usual();
	unlink(path);
	cr_expect_eq(server_tidy(server, NULL), 1);
	peer = connect_peer();
	cr_expect_str_eq(ask(peer, VERDICT(3)), ANSWER(3));
	close(peer);
}
