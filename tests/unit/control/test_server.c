/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket under peers of every kind: how it begins, lines, many peers and bad ones. */
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "control/server_turns.h"

TestSuite(server, .init = setup_running, .fini = teardown, .timeout = 120);
TestSuite(server_start, .init = setup, .fini = teardown, .timeout = 120);

/* Starting. */

Test(server_start, makes_the_file_with_its_mode_and_removes_it)
{
	struct server_params params = usual_params();
	struct stat st;

	umask(0);
	start(&params);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert(S_ISSOCK(st.st_mode));
	cr_assert_eq(st.st_mode & 07777, 0660);
	server_free(server);
	umask(0777);
	params.where.mode = 0600;
	start(&params);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	server_free(server);
	server = NULL;
	cr_assert_lt(access(path, F_OK), 0);
}

Test(server_start, gives_the_file_to_a_group)
{
	struct server_params params = usual_params();
	struct stat st;

	params.where.group = getuid() == 0 ? 12345 : getgid();
	start(&params);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_gid, params.where.group);
}

Test(server_start, refuses_the_path_of_a_living_server)
{
	struct server_params params = usual_params();
	struct text_error error = {0};
	struct server *second = NULL;
	int peer;

	start(&params);
	cr_assert_eq(server_new(&params, &error, &second), -EADDRINUSE);
	cr_assert_null(second);
	cr_assert(strstr(error.what, "somebody listens there already"), "%s", error.what);
	cr_assert(strstr(error.what, path));
	peer = connect_peer();
	cr_assert_str_eq(ask(peer, VERDICT(7)), ANSWER(7));
	close(peer);
}

Test(server_start, replaces_the_file_of_a_dead_server)
{
	struct server_params params = usual_params();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM, 0), peer;

	strcpy(address.sun_path, path);
	cr_assert_eq(bind(dead, (struct sockaddr *)&address, sizeof(address)), 0);
	close(dead);
	start(&params);
	peer = connect_peer();
	cr_assert_str_eq(ask(peer, VERDICT(7)), ANSWER(7));
	close(peer);
}

Test(server_start, never_deletes_what_is_no_socket)
{
	struct server_params params = usual_params();
	struct text_error error = {0};
	struct stat st;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	cr_assert_eq(write(fd, "data", 4), 4);
	close(fd);
	cr_assert_eq(server_new(&params, &error, &server), -EEXIST);
	cr_assert(strstr(error.what, "not a socket"), "%s", error.what);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, 4);
	unlink(path);
	cr_assert_eq(symlink("/dev/null", path), 0);
	cr_assert_eq(server_new(&params, &error, &server), -EEXIST);
}

Test(server_start, leaves_a_file_that_took_its_place)
{
	struct server_params params = usual_params();
	int fd;

	start(&params);
	unlink(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	server_free(server);
	server = NULL;
	cr_assert_eq(access(path, F_OK), 0);
}

Test(server_start, tells_what_is_wrong_with_a_path)
{
	struct server_params params = usual_params();
	struct text_error error = {0};
	char long_path[200];

	params.where.path = "/nonexistent/control.sock";
	cr_assert_eq(server_new(&params, &error, &server), -ENOENT);
	cr_assert(strstr(error.what, "/nonexistent/control.sock"), "%s", error.what);
	memset(long_path, 'x', sizeof(long_path));
	long_path[199] = '\0';
	params.where.path = long_path;
	cr_assert_eq(server_new(&params, &error, &server), -ENAMETOOLONG);
	params.where.path = "";
	cr_assert_eq(server_new(&params, &error, &server), -ENAMETOOLONG);
}

Test(server_start, takes_over_a_listening_descriptor)
{
	struct server_params params = usual_params();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct text_error error = {0};
	int pair[2], peer;

	params.where.path = NULL;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	params.where.listen_fd = pair[0];
	cr_assert_eq(server_new(&params, &error, &server), -ENOTSOCK);
	params.where.listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, path);
	cr_assert_eq(bind(params.where.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(params.where.listen_fd, 5), 0);
	start(&params);
	peer = connect_peer();
	cr_assert_str_eq(ask(peer, VERDICT(7)), ANSWER(7));
	close(peer);
	server_free(server);
	server = NULL;
	cr_assert_eq(access(path, F_OK), 0, "the file belongs to whoever made it");
}

/* Lines. */

Test(server, answers_in_order)
{
	int peer = connect_peer();

	cr_assert_str_eq(ask(peer, VERDICT(1) VERDICT(2) VERDICT(3)),
			 ANSWER(1) ANSWER(2) ANSWER(3));
	cr_assert_str_eq(ask(peer, "{\"id\":\"a\",\"op\":\"status\"}\r\n"),
			 "{\"ok\":true,\"id\":\"a\",\"port\":0,\"pad\":\"\"}\n");
	close(peer);
}

Test(server, waits_for_the_rest_of_a_line)
{
	const char *text = VERDICT(1) VERDICT(2);
	int peer = connect_peer();

	for (size_t i = 0; text[i]; i++) {
		cr_assert_eq(send(peer, text + i, 1, 0), 1);
		pump();
		cr_assert_eq(request_count, i + 1 == strlen(text) ? 2 : i + 1 >= strlen(text) / 2);
	}
	cr_assert_str_eq(hear(peer), ANSWER(1) ANSWER(2));
	close(peer);
}

Test(server, garbage_gets_an_error_and_the_connection_lives_on)
{
	int peer = connect_peer();
	struct server_stats stats;
	const char *text;

	text = ask(peer, "\x01\xff garbage\n");
	cr_assert_eq(strncmp(text, "{\"ok\":false,\"error\":{\"code\":\"bad_json\"", 38), 0, "%s",
		     text);
	cr_assert(strstr(ask(peer, "\n"), "\"bad_json\""));
	cr_assert(strstr(ask(peer, "{\"op\":\"fly\",\"id\":4}\n"),
			 "\"id\":4,\"error\":{\"code\":\"unknown_op\""));
	cr_assert_str_eq(ask(peer, VERDICT(9)), ANSWER(9));
	server_get_stats(server, &stats);
	cr_assert_eq(stats.requests, 4);
	cr_assert_eq(stats.errors, 3);
	close(peer);
}

Test(server, a_last_line_needs_no_newline)
{
	int peer = connect_peer();

	say(peer, VERDICT(1) "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"port\":2}");
	shutdown(peer, SHUT_WR);
	pump();
	cr_assert_str_eq(hear(peer), ANSWER(1) ANSWER(2));
	cr_assert(is_closed(peer));
	close(peer);
}

static void say_bytes(int fd, char byte, size_t count)
{
	char data[4096];

	memset(data, byte, sizeof(data));
	while (count > 0) {
		size_t part = count < sizeof(data) ? count : sizeof(data);
		ssize_t n = send(fd, data, part, MSG_NOSIGNAL);

		if (n < 0)
			return;
		count -= (size_t)n;
		pump();
	}
}

Test(server, a_line_of_64_kib_is_read_and_a_longer_one_closes)
{
	int peer = connect_peer();

	say_bytes(peer, ' ', PROTO_LINE_MAX - strlen(VERDICT(1)) + 1);
	cr_assert_str_eq(ask(peer, VERDICT(1)), ANSWER(1));
	say_bytes(peer, ' ', PROTO_LINE_MAX - strlen(VERDICT(1)) + 2);
	say(peer, VERDICT(2));
	pump();
	cr_assert(strstr(hear(peer), "{\"ok\":false,\"error\":{\"code\":\"too_long\""));
	cr_assert(is_closed(peer));
	close(peer);
	peer = connect_peer();
	say_bytes(peer, 'x', 1 << 20);
	cr_assert(strstr(hear(peer), "\"too_long\""));
	close(peer);
	cr_assert_eq(request_count, 1);
}

Test(server, a_reply_that_is_too_long_is_an_error)
{
	int peer = connect_peer();

	reply_bytes = 300000;
	cr_assert(strstr(ask(peer, "{\"op\":\"status\",\"id\":7}\n"),
			 "{\"ok\":false,\"id\":7,\"error\":{\"code\":\"failed\""));
	reply_bytes = 0;
	cr_assert_str_eq(ask(peer, VERDICT(9)), ANSWER(9));
	close(peer);
}

/* In a process of its own, where a failed assertion would not be heard: the exit code tells. */
static int ask_as_nobody(void)
{
	static const char text[] = "{\"op\":\"forget\",\"ip\":\"192.0.2.1\",\"id\":1}\n" VERDICT(1);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const char *reply;

	strcpy(address.sun_path, path);
	if (setuid(65534) < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(fd, text, sizeof(text) - 1, 0) < 0 || shutdown(fd, SHUT_WR) < 0)
		return 2;
	reply = hear(fd);
	if (!strstr(reply, "\"id\":1,\"error\":{\"code\":\"forbidden\""))
		return 3;
	return strstr(reply, "\n" ANSWER(1)) ? 0 : 4;
}

Test(server, only_root_and_its_own_user_may_change_something)
{
	int peer = connect_peer(), status;
	pid_t child;

	cr_assert(strstr(ask(peer, "{\"op\":\"reload\"}\n"), "\"ok\":true"));
	close(peer);
	if (getuid() != 0)
		cr_skip_test("becoming another user needs root");
	chmod(dir, 0755);
	chmod(path, 0666);
	child = fork();
	if (child == 0)
		_exit(ask_as_nobody());
	while (waitpid(child, &status, WNOHANG) == 0)
		pump();
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
	cr_assert_eq(request_count, 2, "reload and the other user's verdict");
}

/* Many and bad peers. */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
}

Test(server, serves_1024_connections_and_refuses_the_next)
{
	static const char busy[] = "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":"
				   "\"too many connections\"}}\n";
	static int peers[1024];
	struct server_stats stats;
	char said[200];
	ssize_t n;
	int extra;

	raise_descriptor_limit();
	for (unsigned i = 0; i < 1024; i++) {
		peers[i] = connect_peer();
		pump();
	}
	extra = connect_peer();
	pump();
	n = recv(extra, said, sizeof(said), 0);
	cr_assert_eq(n, (ssize_t)strlen(busy));
	cr_assert_arr_eq(said, busy, strlen(busy));
	cr_assert(is_closed(extra));
	for (unsigned i = 0; i < 1024; i++)
		say(peers[i], i % 3 ? VERDICT(5) : "half a line");
	pump();
	for (unsigned i = 0; i < 1024; i++)
		cr_assert_str_eq(hear(peers[i]), i % 3 ? ANSWER(5) : "");
	server_get_stats(server, &stats);
	cr_assert_eq(stats.conns, 1024);
	cr_assert_eq(stats.refused, 1);
	for (unsigned i = 0; i < 1024; i++)
		close(peers[i]);
	pump();
	server_get_stats(server, &stats);
	cr_assert_eq(stats.conns, 0);
	close(extra);
	extra = connect_peer();
	cr_assert_str_eq(ask(extra, VERDICT(5)), ANSWER(5));
	close(extra);
}

Test(server, rests_while_descriptors_have_run_out)
{
	struct rlimit limit, few;
	uint64_t began_ms = now_ms();
	unsigned turns = 0;
	int peer = connect_peer();

	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 3; /* accept() has none, and nothing else needs one */
	setrlimit(RLIMIT_NOFILE, &few);
	for (unsigned i = 0; i < 300; i++) {
		turns += pump_at_most(100);
		sleep_ms(1);
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_leq(turns, 5 + (now_ms() - began_ms) / 20, "%u turns", turns);
	sleep_ms(150);
	cr_assert_str_eq(ask(peer, VERDICT(5)), ANSWER(5));
	close(peer);
}

Test(server, does_not_read_from_a_peer_that_does_not_read)
{
	static char lines[1000 * (sizeof(VERDICT(1)) - 1) + 1];
	size_t len = sizeof(lines) - 1, sent = 0, whole = sizeof(VERDICT(1)) - 1, before;
	int peer = connect_peer(), other = connect_peer();

	for (unsigned i = 0; i < 1000; i++)
		memcpy(lines + i * whole, VERDICT(1), whole + 1);
	reply_bytes = 1000;
	before = mallinfo2().uordblks;
	for (int idle = 0; idle < 3; pump()) {
		ssize_t n = send(peer, lines + sent % len, len - sent % len, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		idle = n > 0 ? 0 : idle + 1;
		cr_assert_lt(sent, 2 << 20, "it is read on and on");
	}
	cr_assert_lt(mallinfo2().uordblks - before, 1 << 20);
	cr_assert_gt(request_count, 0);
	cr_assert_lt(request_count, 1000, "256 KiB and a socket buffer hold less");
	reply_bytes = 0;
	cr_assert_str_eq(ask(other, VERDICT(2)), ANSWER(2));
	for (unsigned turns = 0; turns < 10000 && request_count < sent / whole + 1; turns++) {
		hear(peer);
		pump();
	}
	cr_assert_eq(request_count, sent / whole + 1, "all are answered once it reads");
	close(peer);
	close(other);
}

Test(server, a_million_lines_are_answered_in_order)
{
	static char lines[48 * 1000];
	int peer = connect_peer();
	size_t len = 0, sent = 0, want = 0, answers = 0;

	for (unsigned i = 0; i < 1000; i++)
		len += (size_t)snprintf(lines + len, sizeof(lines) - len,
					"{\"op\":\"verdict\",\"ip\":\"::1\",\"port\":%u}\n", i + 1);
	while (answers < 1000000) {
		if (want < 1000) {
			ssize_t n = send(peer, lines + sent, len - sent, MSG_NOSIGNAL);

			sent += n > 0 ? (size_t)n : 0;
			want += sent == len;
			sent %= len;
		}
		pump_at_most(4);
		for (const char *reply = hear(peer); *reply; reply = strchr(reply, '\n') + 1) {
			char expected[64];

			/* A piece may end within a line: the rest is waited for. */
			if (!strchr(reply, '\n')) {
				cr_assert_fail("replies are written whole here");
			}
			snprintf(expected, sizeof(expected), "{\"ok\":true,\"port\":%zu,",
				 answers % 1000 + 1);
			cr_assert_eq(strncmp(reply, expected, strlen(expected)), 0, "%zu", answers);
			answers++;
		}
	}
	cr_assert_eq(request_count, 1000000);
	close(peer);
}

Test(server, a_flood_does_not_keep_others_waiting)
{
	int flood = connect_peer(), other = connect_peer();

	while (send(flood, VERDICT(1), strlen(VERDICT(1)), MSG_NOSIGNAL) > 0)
		continue;
	say(other, VERDICT(2));
	/* Accepting both, then a share for each of them. */
	cr_assert_leq(pump_at_most(3), 3);
	cr_assert_str_eq(hear(other), ANSWER(2));
	cr_assert_leq(request_count, 2 * 512 + 1, "%u", request_count);
	close(flood);
	close(other);
}

Test(server, costly_requests_do_not_keep_others_waiting)
{
	static char lines[300 * (sizeof(VERDICT(1)) - 1) + 1];
	int costly = connect_peer(), other = connect_peer();

	for (unsigned i = 0; i < 300; i++)
		memcpy(lines + i * (sizeof(VERDICT(1)) - 1), VERDICT(1), sizeof(VERDICT(1)));
	reply_ms = 1;
	say(costly, lines);
	say(other, VERDICT(2));
	cr_assert_leq(pump_at_most(3), 3);
	cr_assert_str_eq(hear(other), ANSWER(2));
	cr_assert_lt(request_count, 20, "%u", request_count);
	for (unsigned turns = 0; request_count < 301 && turns < 100000; turns++) {
		pump_at_most(1);
		hear(costly);
	}
	cr_assert_eq(request_count, 301, "each is answered in the end");
	close(costly);
	close(other);
}

Test(server, forgets_peers_that_leave_in_the_middle)
{
	struct server_stats stats;

	for (unsigned i = 0; i < 50; i++) {
		int peer = connect_peer();

		say(peer, VERDICT(1) "{\"op\":\"subscribe\"}\n{\"op\":");
		if (i % 2)
			pump();
		close(peer);
		pump();
	}
	server_get_stats(server, &stats);
	cr_assert_eq(stats.conns, 0);
	cr_assert_eq(stats.subscribers, 0);
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_NEW));
}
