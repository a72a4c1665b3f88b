/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SYN over loopback, a question on p0f's socket, and two connections while the daemon is stopped. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/selftest/selftest.h"
#include "control/p0f.h"
#include "input/netdevs.h"

#define PROBE_SOURCE "127.83.89.78" /* loopback, and nobody's own */
#define PROBE_PORT 1 /* tcpmux: closed nearly everywhere, and it does not matter */
#define TRIES 3
#define VERDICT_TRIES 20 /* 50 ms apart: the answer may come before the worker is done */

/* Asks p0f's way for an address that nobody has; any whole reply will do. */
static int ask_p0f(const char *path)
{
	const uint32_t magic = 0x50304601;
	const uint8_t type = 4, address[16] = {192, 0, 2, 1}; /* RFC 5737 */
	struct timeval timeout = {.tv_sec = 5};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	uint8_t query[P0F_QUERY_BYTES], reply[P0F_REPLY_BYTES];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc = 0;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	memcpy(query, &magic, sizeof(magic));
	query[sizeof(magic)] = type;
	memcpy(query + sizeof(magic) + 1, address, sizeof(address));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, query, sizeof(query), MSG_NOSIGNAL) < 0)
		rc = -errno;
	else if (recv(fd, reply, sizeof(reply), MSG_WAITALL) != (ssize_t)sizeof(reply))
		rc = errno ? -errno : -EPROTO;
	if (fd >= 0)
		close(fd);
	return rc;
}

void selftest_check_p0f(struct selftest *test)
{
	const cJSON *p0f = ask_member(test->status, "p0f");
	bool is_wanted = test->config && test->config->p0f_enabled;
	int rc;

	if (!p0f && is_wanted) {
		selftest_tell(
			test, OUTCOME_FAILED, "p0f socket",
			"p0f.enabled is true, and synprintd does not serve it: restart it after "
			"changing that");
		return;
	}
	if (!p0f) {
		selftest_tell(test, OUTCOME_SKIPPED, "p0f socket", "is off (p0f.enabled)");
		return;
	}
	rc = ask_p0f(ask_text(p0f, "socket"));
	if (rc < 0)
		selftest_tell(test, OUTCOME_FAILED, "p0f socket",
			      "%s does not answer (%s): restart synprintd", ask_text(p0f, "socket"),
			      strerror(-rc));
	else
		selftest_tell(test, OUTCOME_OK, "p0f socket", "answers at %s%s",
			      ask_text(p0f, "socket"),
			      is_wanted ? "" : ", which systemd handed over");
}

/* A SYN from the probe's address. Return: its source port, or -errno. */
static int send_probe(void)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
	socklen_t len = sizeof(from);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc = 0;

	if (fd < 0)
		return -errno;
	inet_pton(AF_INET, PROBE_SOURCE, &from.sin_addr);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(PROBE_PORT);
	if (bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &len) < 0)
		rc = -errno;
	else if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 &&
		 errno != EINPROGRESS && errno != ECONNREFUSED)
		rc = -errno;
	close(fd);
	return rc < 0 ? rc : ntohs(from.sin_port);
}

static bool find_probe(struct selftest *test, int port, struct synprint_verdict *ret_verdict)
{
	for (unsigned i = 0; i < VERDICT_TRIES; i++) {
		if (synprint_verdict(test->ask.synprint, PROBE_SOURCE, (uint16_t)port, NULL,
				     ret_verdict) < 0)
			return false;
		if (ret_verdict->is_found && ret_verdict->is_exact)
			return true;
		selftest_sleep_ms(50);
	}
	return false;
}

/* Return: 0 where it was seen, -ENOENT, or -errno. */
static int probe(struct selftest *test, struct synprint_verdict *ret_verdict)
{
	int rc = -ENOENT;

	for (unsigned i = 0; rc == -ENOENT && i < TRIES; i++) {
		int port = send_probe();

		if (port < 0)
			return port;
		rc = find_probe(test, port, ret_verdict) ? 0 : -ENOENT;
	}
	return rc;
}

/* Nobody is to meet it among the clients. Who may not have it forgotten leaves it there. */
static void forget_probe(struct selftest *test)
{
	const char *line;

	synprint_request(test->ask.synprint, "{\"op\":\"forget\",\"ip\":\"" PROBE_SOURCE "\"}",
			 &line);
}

static bool is_loopback_diverted(const struct config *config)
{
	for (unsigned i = 0; i < config->interface_count; i++)
		if (netdevs_matches(config->interfaces[i], "lo"))
			return true;
	return config->interface_count == 0;
}

void selftest_check_probe(struct selftest *test)
{
	struct synprint_verdict verdict;
	int rc;

	if (!test->config) {
		selftest_tell(test, OUTCOME_SKIPPED, "a SYN",
			      "whether loopback is diverted says the configuration, which cannot "
			      "be read");
		return;
	}
	if (test->config->engine == RULES_NONE) {
		selftest_tell(test, OUTCOME_SKIPPED, "a SYN",
			      "rules are yours here: connect from outside and ask 'synprint "
			      "verdict'");
		return;
	}
	if (!is_loopback_diverted(test->config)) {
		selftest_tell(
			test, OUTCOME_SKIPPED, "a SYN",
			"loopback is not among rules.interfaces: connect from outside and ask "
			"'synprint verdict'");
		return;
	}
	rc = probe(test, &verdict);
	forget_probe(test);
	if (rc == 0)
		selftest_tell(test, OUTCOME_OK, "a SYN", "over loopback was classified: %s",
			      verdict.os_label);
	else if (rc == -ENOENT)
		selftest_tell(
			test, OUTCOME_FAILED, "a SYN",
			"over loopback was not seen: another rule or program takes SYNs before "
			"priority -175, or loopback is another network namespace's");
	else
		selftest_tell(test, OUTCOME_FAILED, "a SYN", "cannot be sent over loopback: %s",
			      strerror(-rc));
}

static double connect_ms(void)
{
	struct timespec begin, end;
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(PROBE_PORT)};
	struct timeval timeout = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = connect(fd, (const struct sockaddr *)&to, sizeof(to));
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(fd);
	if (rc < 0 && errno != ECONNREFUSED) /* a refusal came through as well */
		return -1;
	return (double)(end.tv_sec - begin.tv_sec) * 1000 +
	       (double)(end.tv_nsec - begin.tv_nsec) / 1e6;
}

void selftest_check_stopped(struct selftest *test)
{
	pid_t pid = (pid_t)ask_number(test->status, "pid"); /* the socket may be systemd's */
	double first_ms, second_ms;

	if (pid <= 1 || kill(pid, SIGSTOP) < 0) {
		selftest_tell(test, OUTCOME_FAILED, "stop", "cannot stop the daemon: run as root");
		return;
	}
	first_ms = connect_ms();
	selftest_sleep_ms(1000);
	second_ms = connect_ms();
	kill(pid, SIGCONT);
	if (first_ms < 0 || second_ms < 0)
		selftest_tell(test, OUTCOME_FAILED, "stop",
			      "connections hang while synprintd is stopped: look at 'bypass' and "
			      "'switch'");
	else
		selftest_tell(
			test, OUTCOME_OK, "stop",
			"with synprintd stopped, the first connection of a queue took %.0f ms, "
			"one a second later %.0f ms (a SYN that is caught waits for its "
			"retransmission: one for each of %d queues)",
			first_ms, second_ms,
			cJSON_GetArraySize(ask_member(test->status, "queues")));
}
