/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint selftest: whether everything works on the running system, link by link, and what to do
 * where it does not. It changes nothing; what it sends is one SYN to a closed port on loopback.
 * With --stop it also stops the daemon for two seconds and looks whether connections get through.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "control/p0f.h"
#include "config/config.h"
#include "input/rules.h"

#define PROBE_SOURCE "127.83.89.78" /* loopback, and nobody's own */
#define PROBE_PORT 1 /* tcpmux: closed nearly everywhere, and it does not matter */
#define SWITCH_MS 500
#define TRIES 3
#define VERDICT_TRIES 20 /* 50 ms apart: the answer may come before the worker is done */

enum outcome { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_SKIPPED };

struct selftest {
	const struct cli *cli;
	const struct config *config;
	struct ask ask;
	cJSON *status;
	cJSON *results; /* for --json */
	bool must_stop, has_failed;
};

static void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&time, NULL);
}

static void __attribute__((format(printf, 4, 5)))
tell(struct selftest *test, enum outcome outcome, const char *what, const char *fmt, ...)
{
	static const char *const names[] = {"ok", "FAILED", "skipped"};
	char text[512];
	cJSON *result;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	test->has_failed |= outcome == OUTCOME_FAILED;
	if (!test->cli->json) {
		printf("%-8s %-14s %s\n", names[outcome], what, text);
		fflush(stdout);
		return;
	}
	result = cJSON_CreateObject();
	cJSON_AddStringToObject(result, "check", what);
	cJSON_AddStringToObject(result, "result", names[outcome]);
	cJSON_AddStringToObject(result, "text", text);
	cJSON_AddItemToArray(test->results, result);
}

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name)
{
	const cJSON *value = get(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

/* The daemon's status anew; false where it does not answer. */
static bool read_status(struct selftest *test)
{
	const char *line;

	cJSON_Delete(test->status);
	test->status = NULL;
	if (synprint_request(test->ask.synprint, "{\"op\":\"status\"}", &line) == 0)
		test->status = cJSON_Parse(line);
	return test->status != NULL;
}

static bool check_daemon(struct selftest *test)
{
	if (!read_status(test)) {
		tell(test, OUTCOME_FAILED, "daemon", "%s does not answer (%s): see its log",
		     test->ask.path, synprint_error(test->ask.synprint));
		return false;
	}
	tell(test, OUTCOME_OK, "daemon", "answers at %s", test->ask.path);
	return true;
}

static void check_bypass(struct selftest *test, const struct rules_status *rules)
{
	if (rules->has_bypass)
		tell(test, OUTCOME_OK, "bypass",
		     "every rule lets SYNs pass while nobody reads the queue");
	else
		tell(test, OUTCOME_FAILED, "bypass",
		     "a rule holds SYNs when synprintd is dead: remove it and run 'synprint rules "
		     "apply'");
}

static unsigned count_stalled(const struct selftest *test)
{
	const cJSON *queue;
	unsigned count = 0;

	cJSON_ArrayForEach (queue, get(test->status, "queues"))
		count += cJSON_IsTrue(get(queue, "stalled"));
	return count;
}

/* On a machine that is busy a worker may stand still for a moment, and a SYN wait. */
static void check_switch(struct selftest *test, struct nl *nl)
{
	struct rules_status rules = {.is_present = false};
	uint32_t waiting = UINT32_MAX;
	unsigned stalled = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		sleep_ms(SWITCH_MS);
		if (rules_get_status(nl, &rules) == 0)
			waiting &= rules.waiting;
		if (read_status(test))
			stalled = count_stalled(test);
	}
	if (rules.is_dormant)
		tell(test, OUTCOME_FAILED, "switch",
		     "table inet synprint is dormant, so nothing is diverted: 'nft add table inet "
		     "synprint' wakes it");
	else if (stalled || waiting)
		tell(test, OUTCOME_FAILED, "switch",
		     "SYNs pass by: a worker of synprintd stands still, or it is stopped (%u "
		     "stand still, %d queues do not answer); restart it",
		     stalled, __builtin_popcount(waiting));
	else
		tell(test, OUTCOME_OK, "switch", "every queue answers");
}

static void check_marks(struct selftest *test, const struct rules_status *rules)
{
	if (rules->marked)
		tell(test, OUTCOME_FAILED, "marks",
		     "%llu SYNs came with bits of rules.mark_field in their mark, and passed "
		     "unclassified: give rules.mark_field bits that nobody else uses",
		     (unsigned long long)rules->marked);
	else
		tell(test, OUTCOME_OK, "marks", "nobody else uses our bits of the packet mark");
}

static void check_kernel_rules(struct selftest *test)
{
	struct rules_status rules = {.is_present = false};
	struct nl *nl = NULL;
	int rc = nl_open(&nl);

	rc = rc ? rc : rules_get_status(nl, &rules);
	if (rc == -EPERM)
		tell(test, OUTCOME_SKIPPED, "rules", "only root may look at them");
	else if (rc < 0)
		tell(test, OUTCOME_FAILED, "rules", "cannot be read from the kernel: %s",
		     strerror(-rc));
	else if (!rules.is_present)
		tell(test, OUTCOME_FAILED, "rules",
		     "are not in the kernel: see the log of synprintd, which restores them once a "
		     "second");
	else {
		tell(test, OUTCOME_OK, "rules", "engine %s, queues %u to %u, %s",
		     rules_engine_name(rules.engine), rules.queue_first,
		     rules.queue_first + rules.queue_count - 1u,
		     rules.interface_count ? "named interfaces" : "all interfaces");
		check_bypass(test, &rules);
		check_switch(test, nl);
		check_marks(test, &rules);
	}
	nl_close(nl);
}

static void check_rules(struct selftest *test)
{
	if (test->config->engine == RULES_NONE)
		tell(test, OUTCOME_SKIPPED, "rules",
		     "rules.engine is \"none\": they are yours ('synprint rules print' shows how)");
	else
		check_kernel_rules(test);
}

static void check_queues(struct selftest *test)
{
	const cJSON *queue;
	unsigned count = 0;

	cJSON_ArrayForEach (queue, get(test->status, "queues")) {
		count++;
		if (number(queue, "accept_failures") > 0)
			tell(test, OUTCOME_FAILED, "queue",
			     "the kernel refused %.0f answers on queue %.0f: see the log",
			     number(queue, "accept_failures"), number(queue, "queue"));
	}
	tell(test, count ? OUTCOME_OK : OUTCOME_FAILED, "queues", "%u are read", count);
}

static void check_sets(struct selftest *test)
{
	const cJSON *publish = get(test->status, "publish"), *set;
	unsigned good = 0;

	cJSON_ArrayForEach (set, get(publish, "sets")) {
		const char *name = cJSON_GetStringValue(get(set, "name"));

		if (!cJSON_IsTrue(get(set, "quarantined")))
			good++;
		else
			tell(test, OUTCOME_FAILED, "set",
			     "%s takes no elements: the log of synprintd says why",
			     name ? name : "?");
	}
	tell(test, OUTCOME_OK, "sets", "%u take elements", good);
	if (number(publish, "late") > 0)
		tell(test, OUTCOME_OK, "sets",
		     "%.0f of %.0f bursts were published after their SYNs had gone on",
		     number(publish, "late"), number(publish, "bursts"));
}

#define CANDIDATES_MANY 100 /* of so many one would have been answered */

static void check_confirm(struct selftest *test)
{
	const cJSON *confirm = get(test->status, "confirm");
	const char *note = cJSON_GetStringValue(get(confirm, "note"));
	const char *by = cJSON_GetStringValue(get(confirm, "by"));
	bool is_on = cJSON_IsTrue(get(confirm, "on"));

	if (note && *note)
		tell(test, OUTCOME_SKIPPED, "confirming", "%s", note);
	if (!is_on)
		return;
	if (number(confirm, "connections") == 0 && number(confirm, "candidates") >= CANDIDATES_MANY)
		tell(test, OUTCOME_SKIPPED, "confirming",
		     "none of %.0f connections was confirmed: do answers take another way "
		     "(asymmetric "
		     "routing), do rules say notrack or synproxy, do servers never push data?",
		     number(confirm, "candidates"));
	else
		tell(test, OUTCOME_OK, "confirming",
		     "by connection %s: %.0f connections of %.0f new clients", by ? by : "?",
		     number(confirm, "connections"), number(confirm, "clients"));
}

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

static void check_p0f(struct selftest *test)
{
	const char *path = test->config->p0f_socket;
	int rc;

	if (!test->config->p0f_enabled) {
		tell(test, OUTCOME_SKIPPED, "p0f socket", "is off (p0f.enabled)");
		return;
	}
	rc = ask_p0f(path);
	if (rc < 0)
		tell(test, OUTCOME_FAILED, "p0f socket",
		     "%s does not answer (%s): restart synprintd after changing its configuration",
		     path, strerror(-rc));
	else
		tell(test, OUTCOME_OK, "p0f socket", "answers at %s", path);
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
		sleep_ms(50);
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

static void check_probe(struct selftest *test)
{
	struct synprint_verdict verdict;
	int rc;

	if (test->config->engine == RULES_NONE || test->config->interface_count) {
		tell(test, OUTCOME_SKIPPED, "a SYN",
		     "loopback is not diverted here: connect from outside and ask 'synprint "
		     "verdict'");
		return;
	}
	rc = probe(test, &verdict);
	if (rc == 0)
		tell(test, OUTCOME_OK, "a SYN", "over loopback was classified: %s",
		     verdict.os_label);
	else if (rc == -ENOENT)
		tell(test, OUTCOME_FAILED, "a SYN",
		     "over loopback was not seen: another rule or program takes SYNs before "
		     "priority -175, or loopback is another network namespace's");
	else
		tell(test, OUTCOME_FAILED, "a SYN", "cannot be sent over loopback: %s",
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

static void check_stopped(struct selftest *test)
{
	pid_t pid = (pid_t)number(test->status, "pid"); /* the socket may be systemd's */
	double first_ms, second_ms;

	if (pid <= 1 || kill(pid, SIGSTOP) < 0) {
		tell(test, OUTCOME_FAILED, "stop", "cannot stop the daemon: run as root");
		return;
	}
	first_ms = connect_ms();
	sleep_ms(1000);
	second_ms = connect_ms();
	kill(pid, SIGCONT);
	if (first_ms < 0 || second_ms < 0)
		tell(test, OUTCOME_FAILED, "stop",
		     "connections hang while synprintd is stopped: look at 'bypass' and 'switch'");
	else
		tell(test, OUTCOME_OK, "stop",
		     "with synprintd stopped, a connection took %.0f ms, and later ones %.1f ms",
		     first_ms, second_ms);
}

static int run_checks(struct selftest *test)
{
	if (check_daemon(test)) {
		check_rules(test);
		check_queues(test);
		check_sets(test);
		check_confirm(test);
		check_p0f(test);
		check_probe(test);
		if (test->must_stop)
			check_stopped(test);
	}
	if (test->cli->json) {
		char *text = cJSON_PrintUnformatted(test->results);

		puts(text ? text : "[]");
		cJSON_free(text);
	}
	return test->has_failed ? CLI_FAILED : CLI_OK;
}

enum { OPT_STOP = CLI_OPT_OWN };

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"stop", no_argument, NULL, OPT_STOP},
						CLI_COMMON_OPTIONS};
	struct selftest test = {.cli = cli};
	struct config *config = NULL;
	int option, r;

	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		test.must_stop |= option == OPT_STOP;
	if (option == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return cli_usage_error(cli, "selftest takes no argument");
	r = cli_load_config(cli, &config);
	if (r != CLI_OK)
		return r;
	test.config = config;
	r = ask_open(cli, &test.ask);
	if (r == CLI_OK) {
		test.results = cJSON_CreateArray();
		r = run_checks(&test);
	}
	cJSON_Delete(test.results);
	cJSON_Delete(test.status);
	ask_close(&test.ask);
	config_free(config);
	return r;
}

const struct cli_command cli_selftest = {
	.name = "selftest",
	.arguments = "[--stop]",
	.summary = "Check rules, queues, sets and sockets of the running system",
	.help = "One line for each check: ok, FAILED with what to do, or skipped.\n"
		"Options:\n"
		"  --stop         also stop the daemon for a second, and see connections get "
		"through\n",
	.run = run,
};
