/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client library against a server that says what each test wants, well or badly. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "synprint/client.h"

static char directory[] = "/tmp/synprint-client-XXXXXX";
static char path[64];
static int listener = -1, peer = -1;

static void setup(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/s", directory);
	memcpy(address.sun_path, path, strlen(path) + 1);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(listener, 4), 0);
}

static void teardown(void)
{
	close(listener);
	unlink(path);
	rmdir(directory);
}

TestSuite(client, .init = setup, .fini = teardown);

static struct synprint *connect_with(unsigned timeout_ms)
{
	struct synprint *synprint = NULL;

	cr_assert_eq(synprint_connect(path, timeout_ms, &synprint), 0);
	peer = accept(listener, NULL, NULL);
	cr_assert_geq(peer, 0);
	return synprint;
}

static void say(const char *text)
{
	cr_assert_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void expect_heard(const char *text)
{
	char heard[4096] = "";
	ssize_t n = recv(peer, heard, sizeof(heard) - 1, 0);

	cr_assert_gt(n, 0);
	cr_expect_str_eq(heard, text);
}

#define FULL                                                                                       \
	"{\"ok\":true,\"found\":true,\"exact\":false,\"ip\":\"192.0.2.7\",\"port\":4711,"          \
	"\"syn\":null,\"sig\":null,\"os\":{\"class\":\"Linux\",\"family\":\"Linux\","              \
	"\"label\":\"Linux 6.16 or newer\",\"confidence\":0.934,\"family_confidence\":0.999,"      \
	"\"match\":\"specific\",\"classes\":{}},\"dist_hops\":7,"                                  \
	"\"link\":{\"mss\":1380,\"mtu\":1420,\"label\":\"WireGuard\",\"grade\":\"likely\"},"       \
	"\"flags\":[\"vpn\",\"shared\",\"new_in_2030\"],\"reasons\":[\"mtu_vpn\",\"win_own_mss\"]" \
	","                                                                                        \
	"\"user_agent\":{\"claim\":\"Windows\",\"os_mismatch\":true},"                             \
	"\"client\":{\"syn_count\":12}}\n"

Test(client, every_member_of_a_verdict)
{
	struct synprint *synprint = connect_with(0);
	struct synprint_verdict verdict;

	say(FULL);
	cr_assert_eq(synprint_verdict(synprint, "192.0.2.7", 40, "a \"b\"", &verdict), 0, "%s",
		     synprint_error(synprint));
	expect_heard("{\"op\":\"verdict\",\"ip\":\"192.0.2.7\",\"port\":40,"
		     "\"user_agent\":\"a \\\"b\\\"\"}\n");
	cr_expect(verdict.is_found);
	cr_expect_not(verdict.is_exact);
	cr_expect_str_eq(verdict.ip, "192.0.2.7");
	cr_expect_eq(verdict.port, 4711);
	cr_expect_str_eq(verdict.os_class, "Linux");
	cr_expect_str_eq(verdict.os_label, "Linux 6.16 or newer");
	cr_expect_eq(verdict.confidence_permille, 934);
	cr_expect_eq(verdict.family_permille, 999);
	cr_expect_eq(verdict.distance, 7);
	cr_expect_eq(verdict.mss, 1380);
	cr_expect_eq(verdict.mtu, 1420);
	cr_expect_str_eq(verdict.link, "WireGuard");
	cr_expect_eq(verdict.grade, SYNPRINT_GRADE_LIKELY);
	cr_expect_eq(verdict.flags, SYNPRINT_VPN | SYNPRINT_SHARED | SYNPRINT_OTHER_FLAG);
	cr_expect_str_eq(verdict.reasons, "mtu_vpn win_own_mss");
	cr_expect_eq(verdict.is_lie, SYNPRINT_YES);
	cr_expect_eq(verdict.syn_count, 12);
	synprint_close(synprint);
}

Test(client, unknown_addresses_and_refusals)
{
	struct synprint *synprint = connect_with(0);
	struct synprint_verdict verdict;

	say("{\"ok\":true,\"found\":false,\"ip\":\"192.0.2.7\"}\n");
	cr_expect_eq(synprint_verdict(synprint, "192.0.2.7", 0, NULL, &verdict), 0);
	cr_expect_not(verdict.is_found);
	cr_expect_eq(verdict.distance, -1);
	cr_expect_eq(verdict.is_lie, SYNPRINT_NOT_KNOWN);
	say("{\"ok\":false,\"error\":{\"code\":\"bad_value\",\"message\":\"ip is no address\"}}\n");
	cr_expect_eq(synprint_verdict(synprint, "x", 0, NULL, &verdict), -EINVAL);
	cr_expect_str_eq(synprint_error(synprint), "ip is no address");
	say("{\"ok\":true,\"found\":false,\"ip\":\"192.0.2.8\"}\n");
	cr_expect_eq(synprint_verdict(synprint, "192.0.2.8", 0, NULL, &verdict), 0,
		     "a refusal does not end the connection");
	synprint_close(synprint);
}

Test(client, answers_that_make_no_sense)
{
	static const char *const lines[] =
		{"\n", "nonsense\n", "[]\n", "{\"ok\":1}\n", "null\n", "{}\n", "{\"ok\":false}\n"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct synprint *synprint = connect_with(0);
		struct synprint_verdict verdict;

		say(lines[i]);
		cr_expect_eq(synprint_verdict(synprint, "192.0.2.7", 0, NULL, &verdict), -EPROTO,
			     "%s", lines[i]);
		cr_expect_eq(synprint_verdict(synprint, "192.0.2.7", 0, NULL, &verdict), -EPIPE);
		synprint_close(synprint);
		close(peer);
	}
}

/* A late answer must not be taken for the next request's. */
Test(client, a_silent_daemon)
{
	struct synprint *synprint = connect_with(50);
	struct synprint_verdict verdict;

	cr_expect_eq(synprint_verdict(synprint, "192.0.2.7", 0, NULL, &verdict), -ETIMEDOUT);
	cr_expect_str_eq(synprint_error(synprint), "the daemon does not answer");
	say(FULL);
	cr_expect_eq(synprint_verdict(synprint, "192.0.2.9", 0, NULL, &verdict), -EPIPE);
	synprint_close(synprint);
}

Test(client, a_daemon_that_goes)
{
	struct synprint *synprint = connect_with(0);
	struct synprint_verdict verdict;

	say("{\"ok\":tr"); /* half a line */
	close(peer);
	cr_expect_eq(synprint_verdict(synprint, "192.0.2.7", 0, NULL, &verdict), -EPIPE);
	cr_expect_str_eq(synprint_error(synprint), "the daemon closed the connection");
	synprint_close(synprint);
}

Test(client, nobody_there)
{
	struct synprint *synprint = NULL;

	cr_expect_eq(synprint_connect("/nonexistent/socket", 0, &synprint), -ENOENT);
	close(listener);
	cr_expect_eq(synprint_connect(path, 0, &synprint), -ECONNREFUSED);
	cr_expect_null(synprint);
}

Test(client, requests_ahead)
{
	struct synprint *synprint = connect_with(0);
	struct synprint_verdict verdict;

	for (int i = 0; i < 3; i++)
		cr_assert_eq(synprint_send_verdict(synprint, "192.0.2.7", 0, NULL), 0);
	say("{\"ok\":true,\"found\":false,\"ip\":\"192.0.2.1\"}\n"
	    "{\"ok\":true,\"found\":false,\"ip\":\"192.0.2.2\"}\n"
	    "{\"ok\":true,\"found\":false,\"ip\":\"192.0");
	cr_expect_eq(synprint_receive_verdict(synprint, &verdict), 0);
	cr_expect_str_eq(verdict.ip, "192.0.2.1");
	cr_expect_eq(synprint_receive_verdict(synprint, &verdict), 0);
	cr_expect_str_eq(verdict.ip, "192.0.2.2");
	say(".2.3\"}\n");
	cr_expect_eq(synprint_receive_verdict(synprint, &verdict), 0);
	cr_expect_str_eq(verdict.ip, "192.0.2.3");
	synprint_close(synprint);
}

Test(client, events)
{
	struct synprint *synprint = connect_with(0);
	struct synprint_event event;

	say("{\"ok\":true,\"subscribed\":true}\n");
	cr_assert_eq(synprint_subscribe(synprint, "\"snapshot\":true"), 0);
	expect_heard("{\"op\":\"subscribe\",\"snapshot\":true}\n");
	cr_expect_eq(synprint_next_event(synprint, 10, &event), 0, "none yet");
	say("{\"event\":\"client\",\"ip\":\"192.0.2.1\",\"flags\":[]}\n{\"event\":\"snapshot_end\"}"
	    "\n"
	    "{\"event\":\"of_2030\"}\n{\"event\":\"new\",\"seq\":7,\"ip\":\"192.0.2.2\"}\n"
	    "{\"event\":\"confirmed\",\"seq\":8,\"ip\":\"192.0.2.2\",\"confirmed\":true,"
	    "\"flags\":[\"vpn\"]}\n"
	    "{\"event\":\"gap\",\"missed\":42}\n");
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), 1);
	cr_expect_eq(event.kind, SYNPRINT_EVENT_CLIENT);
	cr_expect_str_eq(event.verdict.ip, "192.0.2.1");
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), 1);
	cr_expect_eq(event.kind, SYNPRINT_EVENT_SNAPSHOT_END);
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), 1);
	cr_expect_eq(event.kind, SYNPRINT_EVENT_NEW, "what it does not know is passed over");
	cr_expect_eq(event.seq, 7);
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), 1);
	cr_expect_eq(event.kind, SYNPRINT_EVENT_CONFIRMED);
	cr_expect_eq(event.verdict.flags, SYNPRINT_CONFIRMED | SYNPRINT_VPN);
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), 1);
	cr_expect_eq(event.kind, SYNPRINT_EVENT_GAP);
	cr_expect_eq(event.missed, 42);
	close(peer);
	cr_expect_eq(synprint_next_event(synprint, 1000, &event), -EPIPE);
	synprint_close(synprint);
}

static void *flood(void *arg)
{
	static char garbage[65536];

	(void)arg;
	memset(garbage, 'x', sizeof(garbage));
	for (int i = 0; i < 1024; i++)
		if (send(peer, garbage, sizeof(garbage), MSG_NOSIGNAL) < 0)
			break;
	return NULL;
}

Test(client, a_line_without_end)
{
	struct synprint *synprint = connect_with(0);
	const char *line;
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, flood, NULL), 0);
	cr_expect_eq(synprint_receive_line(synprint, -1, &line), -EMSGSIZE);
	synprint_close(synprint);
	pthread_join(thread, NULL);
}
