/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket under peers of every kind. Server and peers run in one thread, in turns, so
 * that each test decides what has happened when.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/server.h"

#define SNAPSHOT_CLIENTS 1000

static char dir[] = "/tmp/synprint-test-XXXXXX";
static char path[64];
static struct vocab *vocab;
static struct server *server;
static unsigned request_count;
static size_t reply_bytes; /* of padding in each reply */
static unsigned reply_ms; /* that each takes */

static void answer(void *ctx, const struct proto_request *req, const struct server_peer *peer,
		   struct text_buf *reply)
{
	cr_assert_eq(ctx, &request_count);
	cr_assert_gt(peer->who.pid, 0);
	request_count++;
	if (reply_ms)
		nanosleep(&(struct timespec){.tv_nsec = reply_ms * 1000000L}, NULL);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"port\":%u,\"pad\":\"", req->port);
	for (size_t i = 0; i < reply_bytes; i++)
		text_put_char(reply, 'x');
	text_put(reply, "\"}");
}

static void make_addr(unsigned number, struct addr *ret_addr)
{
	char text[32];

	snprintf(text, sizeof(text), "10.0.%u.%u", number >> 8, number & 255);
	cr_assert_eq(addr_parse(text, ret_addr), 0);
}

static uint64_t snapshot_page(void *ctx, uint64_t cursor, size_t max,
			      struct server_snapshot *snapshot)
{
	struct verdict verdict = {0};
	char json[300];
	struct addr addr;

	(void)ctx;
	cr_assert_eq(max, 128);
	for (size_t i = 0; i < max && cursor < SNAPSHOT_CLIENTS; i++, cursor++) {
		make_addr((unsigned)cursor, &addr);
		memset(json, ' ', sizeof(json));
		json[snprintf(json, sizeof(json), "{\"client\":%u", (unsigned)cursor)] = ' ';
		json[sizeof(json) - 1] = '}';
		server_put_snapshot(snapshot, &addr, &verdict, json, sizeof(json));
	}
	return cursor < SNAPSHOT_CLIENTS ? cursor : 0;
}

static struct server_params usual_params(void)
{
	return (struct server_params){
		.where = {.path = path, .listen_fd = -1, .mode = 0660, .group = (gid_t)-1},
		.vocab = vocab,
		.trusted_events_max = 256 << 10,
		.handler = {.request = answer, .snapshot = snapshot_page, .ctx = &request_count}};
}

static void start(const struct server_params *params)
{
	struct text_error error = {0};

	cr_assert_eq(server_new(params, &error, &server), 0, "%s", error.what);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/control.sock", dir);
	vocab = vocab_new();
}

static void setup_running(void)
{
	struct server_params params;

	setup();
	params = usual_params();
	start(&params);
}

static void teardown(void)
{
	server_free(server);
	vocab_free(vocab);
	unlink(path);
	rmdir(dir);
}

TestSuite(server, .init = setup_running, .fini = teardown, .timeout = 60);
TestSuite(server_start, .init = setup, .fini = teardown, .timeout = 60);

/* Let the server do what it can do now. Returns how many turns it took, at most @max. */
static unsigned pump_at_most(unsigned max)
{
	struct pollfd fd = {.fd = server_fd(server), .events = POLLIN};
	unsigned turns = 0;

	for (; turns < max && poll(&fd, 1, 0) > 0; turns++)
		server_dispatch(server);
	return turns;
}

static void pump(void)
{
	cr_assert_lt(pump_at_most(100000), 100000, "the server never comes to rest");
}

static int connect_peer(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	cr_assert_geq(fd, 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s",
		     strerror(errno));
	return fd;
}

static void say(int fd, const char *text)
{
	cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What has come in, as text; up to 64 KiB. */
static const char *hear(int fd)
{
	static char text[65536];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && (n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) == 0 || (errno != EAGAIN && errno != EINTR);
}

static const char *ask(int fd, const char *text)
{
	say(fd, text);
	pump();
	return hear(fd);
}

#define VERDICT(port) "{\"op\":\"verdict\",\"ip\":\"192.0.2.1\",\"port\":" #port "}\n"
#define ANSWER(port) "{\"ok\":true,\"port\":" #port ",\"pad\":\"\"}\n"

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
	cr_assert(strstr(error.what, "another synprintd is serving"), "%s", error.what);
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
	struct timespec pause = {.tv_nsec = 1000000};
	unsigned turns = 0;
	int peer = connect_peer();

	getrlimit(RLIMIT_NOFILE, &limit);
	few = limit;
	few.rlim_cur = 3; /* accept() has none, and nothing else needs one */
	setrlimit(RLIMIT_NOFILE, &few);
	for (unsigned i = 0; i < 300; i++) {
		turns += pump_at_most(100);
		nanosleep(&pause, NULL);
	}
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_leq(turns, 20, "%u turns in 0.3 s", turns);
	nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
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

/* Events. */

static void send_event(enum server_event_kind kind, unsigned addr, unsigned flags, const char *json)
{
	struct server_event event = {.kind = kind, .verdict = {.flags = flags & 0xfff}};

	make_addr(addr, &event.addr);
	server_send_event(server, &event, json, strlen(json));
}

Test(server, subscribers_get_what_their_filter_lets_through)
{
	int all = connect_peer(), vpn = connect_peer(), net = connect_peer(), none = connect_peer();

	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_NEW));
	cr_assert_str_eq(ask(vpn, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"],\"id\":1}\n"),
			 "{\"ok\":true,\"id\":1,\"subscribed\":true}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_CHANGE));
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_SYN));
	ask(all, "{\"op\":\"subscribe\",\"syns\":true}\n");
	ask(net, "{\"op\":\"subscribe\",\"net\":\"10.0.0.8/29\"}\n");
	cr_assert(server_has_subscribers(server, SERVER_EVENT_SYN));
	send_event(SERVER_EVENT_NEW, 1, 0, "{\"ip\":1}");
	send_event(SERVER_EVENT_CHANGE, 1, VERDICT_VPN, "{\"ip\":2}");
	send_event(SERVER_EVENT_SYN, 9, VERDICT_VPN, "{}");
	send_event(SERVER_EVENT_NEW, 9, VERDICT_SCANNER, "{\"ip\":3}");
	pump();
	cr_assert_str_eq(hear(all), "{\"event\":\"new\",\"seq\":1,\"ip\":1}\n"
				    "{\"event\":\"change\",\"seq\":2,\"ip\":2}\n"
				    "{\"event\":\"syn\",\"seq\":3}\n"
				    "{\"event\":\"new\",\"seq\":4,\"ip\":3}\n");
	cr_assert_str_eq(hear(vpn), "{\"event\":\"change\",\"seq\":1,\"ip\":2}\n");
	cr_assert_str_eq(hear(net), "{\"event\":\"new\",\"seq\":1,\"ip\":3}\n");
	cr_assert_str_eq(hear(none), "");
	close(all);
	close(vpn);
	close(net);
	close(none);
}

Test(server, a_second_subscription_takes_the_place_of_the_first)
{
	int peer = connect_peer();

	ask(peer, "{\"op\":\"subscribe\",\"syns\":true}\n");
	send_event(SERVER_EVENT_SYN, 1, 0, "{\"n\":1}");
	pump();
	hear(peer);
	ask(peer, "{\"op\":\"subscribe\"}\n");
	cr_assert_not(server_has_subscribers(server, SERVER_EVENT_SYN));
	send_event(SERVER_EVENT_SYN, 1, 0, "{\"n\":2}");
	send_event(SERVER_EVENT_NEW, 1, 0, "{\"n\":3}");
	cr_assert_str_eq(ask(peer, VERDICT(4)),
			 "{\"event\":\"new\",\"seq\":1,\"n\":3}\n" ANSWER(4));
	close(peer);
}

Test(server, a_subscriber_may_stop_sending)
{
	struct server_stats stats;
	int peer = connect_peer();

	say(peer, "{\"op\":\"subscribe\"}\n");
	shutdown(peer, SHUT_WR);
	pump();
	hear(peer);
	send_event(SERVER_EVENT_NEW, 1, 0, "{}");
	pump();
	cr_assert_str_eq(hear(peer), "{\"event\":\"new\",\"seq\":1}\n");
	close(peer);
	pump();
	server_get_stats(server, &stats);
	cr_assert_eq(stats.conns, 0);
}

/* Every number is either the seq of an event that came or within a gap, and each is there once. */
static void check_events(const char *text, unsigned *next, unsigned *missed)
{
	for (; *text; text = strchr(text, '\n') + 1) {
		unsigned seq, gap;

		cr_assert(strchr(text, '\n'));
		if (sscanf(text, "{\"event\":\"gap\",\"missed\":%u}", &gap) == 1) {
			*next += gap;
			*missed += gap;
			continue;
		}
		cr_assert_eq(sscanf(text, "{\"event\":\"new\",\"seq\":%u,", &seq), 1, "%.60s",
			     text);
		cr_assert_eq(seq, *next);
		(*next)++;
	}
}

static char *hear_all(int fd)
{
	char *text = calloc(1, 4 << 20);
	size_t len = 0;

	for (int idle = 0; idle < 2;) {
		ssize_t n = recv(fd, text + len, (4 << 20) - 1 - len, 0);

		idle = n > 0 ? 0 : idle + 1;
		len += n > 0 ? (size_t)n : 0;
		pump();
	}
	return text;
}

Test(server, a_slow_subscriber_hears_how_many_it_missed)
{
	int slow = connect_peer(), quick = connect_peer();
	unsigned next = 1, missed = 0, quick_next = 1, quick_missed = 0;
	struct server_stats stats;
	char json[1000];
	char *text;

	memset(json, ' ', sizeof(json));
	memcpy(json, "{\"a\":1", 6);
	strcpy(json + sizeof(json) - 2, "}");
	ask(slow, "{\"op\":\"subscribe\"}\n");
	ask(quick, "{\"op\":\"subscribe\"}\n");
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 2000; i++) {
			send_event(SERVER_EVENT_NEW, i, 0, json);
			pump();
			check_events(hear(quick), &quick_next, &quick_missed);
		}
		text = hear_all(slow);
		check_events(text, &next, &missed);
		free(text);
		cr_assert_eq(next, 2000 * (round + 1) + 1,
			     "the gap is told without a further event");
		cr_assert_gt(missed, 1000 * (round + 1));
	}
	cr_assert_eq(quick_next, 6001);
	cr_assert_eq(quick_missed, 0);
	server_get_stats(server, &stats);
	cr_assert_eq(stats.events_missed, missed);
	cr_assert_eq(stats.events_sent, 12000 - missed);
	close(slow);
	close(quick);
}

/* `{"event":"new","seq":1`, a comma for the brace of what follows, and a newline. */
Test(server_start, an_event_has_all_the_room)
{
	static const char json[] = "{\"pad\":\"0123456789\"}";
	const size_t whole = strlen("{\"event\":\"new\",\"seq\":1") + strlen(json) + 1;

	for (unsigned less = 0; less < 2; less++) {
		struct server_params params = usual_params();
		struct server_stats stats;
		int peer;

		params.trusted_events_max = whole - less;
		start(&params);
		peer = connect_peer();
		ask(peer, "{\"op\":\"subscribe\"}\n");
		send_event(SERVER_EVENT_NEW, 1, 0, json);
		pump();
		cr_expect_str_eq(hear(peer), less ? ""
						  : "{\"event\":\"new\",\"seq\":1,"
						    "\"pad\":\"0123456789\"}\n");
		server_get_stats(server, &stats);
		cr_expect_eq(stats.events_sent, 1 - less);
		cr_expect_eq(stats.events_missed, less);
		close(peer);
		server_free(server);
		server = NULL;
	}
}

Test(server, what_was_missed_elsewhere_is_told_to_each)
{
	int a = connect_peer(), b = connect_peer();
	struct server_stats stats;

	ask(a, "{\"op\":\"subscribe\"}\n");
	ask(b, "{\"op\":\"subscribe\"}\n");
	server_note_missed(server, 3);
	pump();
	cr_expect_str_eq(hear(a), "{\"event\":\"gap\",\"missed\":3}\n");
	cr_expect_str_eq(hear(b), "{\"event\":\"gap\",\"missed\":3}\n");
	send_event(SERVER_EVENT_CONFIRMED, 1, 0, "{}");
	pump();
	cr_expect_str_eq(hear(a), "{\"event\":\"confirmed\",\"seq\":1}\n");
	server_get_stats(server, &stats);
	cr_expect_eq(stats.events_missed, 3);
	cr_expect_eq(stats.events_sent, 2);
	close(a);
	close(b);
}

/* What no longer passes the filter is news to whoever asked for that. */
Test(server, leaves_are_for_who_asked)
{
	struct server_event event = {.kind = SERVER_EVENT_CHANGE,
				     .old_verdict = {.flags = VERDICT_VPN}};
	int with = connect_peer(), without = connect_peer();

	make_addr(1, &event.addr);
	ask(with, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"],\"leaves\":true}\n");
	ask(without, "{\"op\":\"subscribe\",\"flags\":[\"vpn\"]}\n");
	server_send_event(server, &event, "{}", 2);
	event.has_changed = true;
	server_send_event(server, &event, "{}", 2);
	pump();
	cr_expect_str_eq(hear(with), "{\"event\":\"change\",\"seq\":1}\n");
	cr_expect_str_eq(hear(without), "");
	close(with);
	close(without);
}

Test(server, a_snapshot_comes_in_pages_and_whole)
{
	int peer = connect_peer(), other = connect_peer();
	unsigned next = 0, client;
	char *text;

	say(peer, "{\"op\":\"subscribe\",\"snapshot\":true}\n");
	pump_at_most(3);
	cr_assert_str_eq(ask(other, VERDICT(3)), ANSWER(3), "nobody waits for the whole snapshot");
	text = hear_all(peer);
	for (const char *line = strchr(text, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "{\"event\":\"client\",\"client\":%u", &client) == 1)
			cr_assert_eq(client, next++);
		else
			cr_assert_str_eq(line, "{\"event\":\"snapshot_end\"}\n");
	}
	cr_assert_eq(next, SNAPSHOT_CLIENTS);
	free(text);
	close(peer);
	close(other);
}

Test(server, a_snapshot_is_filtered)
{
	int peer = connect_peer();

	say(peer, "{\"op\":\"subscribe\",\"snapshot\":true,\"net\":\"10.0.1.7\"}\n");
	pump();
	cr_assert(strstr(hear(peer), "subscribed\":true}\n{\"event\":\"client\",\"client\":263 "));
	close(peer);
}
