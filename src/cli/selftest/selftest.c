/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint selftest: whether everything works on the running system, link by link, and what to do
 * where it does not. It changes nothing; what it sends is one SYN to a closed port on loopback.
 * With --stop it also stops the daemon for two seconds and looks whether connections get through.
 */
#include <stdio.h>
#include <string.h>

#include "cli/selftest/selftest.h"

/* After an upgrade the old program goes on until somebody starts the new one. */
static void check_version(struct selftest *test)
{
	const char *version = ask_text(test->status, "version");

	if (strcmp(version, SYNPRINT_VERSION) != 0)
		selftest_tell(test, OUTCOME_SKIPPED, "version",
			      "synprintd is version %s, and this command " SYNPRINT_VERSION
			      ": 'systemctl restart synprintd' starts the one that is installed",
			      version);
}

static bool check_daemon(struct selftest *test)
{
	if (!selftest_read_status(test)) {
		selftest_tell(test, OUTCOME_FAILED, "daemon",
			      "%s does not answer (%s): it is stopped or hangs; 'systemctl restart "
			      "synprintd' ends that",
			      test->ask.path, synprint_error(test->ask.synprint));
		return false;
	}
	selftest_tell(test, OUTCOME_OK, "daemon", "answers at %s", test->ask.path);
	check_version(test);
	return true;
}

static void check_set(struct selftest *test, const cJSON *set, unsigned *good)
{
	const char *name = ask_text(set, "name"), *reason = ask_text(set, "reason");

	if (cJSON_IsTrue(ask_member(set, "quarantined")))
		selftest_tell(test, OUTCOME_FAILED, "set", "%s takes no elements: %s", name,
			      reason);
	else if (*reason && strcmp(reason, "-") != 0)
		selftest_tell(test, OUTCOME_FAILED, "set", "%s is filled in part: %s", name,
			      reason);
	else if (cJSON_IsTrue(ask_member(set, "full")))
		selftest_tell(test, OUTCOME_FAILED, "set",
			      "%s is full, and new clients are left out: raise its size", name);
	else
		++*good;
}

static void check_sets(struct selftest *test)
{
	const cJSON *publish = ask_member(test->status, "publish"), *set;
	unsigned good = 0;

	cJSON_ArrayForEach (set, ask_member(publish, "sets"))
		check_set(test, set, &good);
	if (good)
		selftest_tell(test, OUTCOME_OK, "sets", "%u take elements", good);
	if (test->config && test->config->mark_count)
		selftest_tell(test, OUTCOME_OK, "sets",
			      "%u publish rules mark SYNs, behind priority -175",
			      test->config->mark_count);
	if (ask_number(publish, "late") > 0)
		selftest_tell(test, OUTCOME_OK, "sets",
			      "%.0f of %.0f bursts were published after their SYNs had gone on",
			      ask_number(publish, "late"), ask_number(publish, "bursts"));
}

#define CANDIDATES_MANY 100 /* of so many one would have been answered */

/* Where the rules are the administrator's, what they log shows that they confirm. */
static void check_own_confirm(struct selftest *test, const cJSON *confirm)
{
	double connections = ask_number(confirm, "connections");

	if (!test->config || test->config->engine != RULES_NONE)
		return;
	if (connections > 0)
		selftest_tell(test, OUTCOME_OK, "confirming",
			      "by rules of yours; connections: %.0f, new clients: %.0f",
			      connections, ask_number(confirm, "clients"));
	else
		selftest_tell(
			test, OUTCOME_SKIPPED, "confirming",
			"no connection was confirmed by rules of yours so far ('synprint rules "
			"print' has them)");
}

static void check_confirm(struct selftest *test)
{
	const cJSON *confirm = ask_member(test->status, "confirm");
	const char *note = cJSON_GetStringValue(ask_member(confirm, "note"));
	const char *by = cJSON_GetStringValue(ask_member(confirm, "by"));
	bool is_on = cJSON_IsTrue(ask_member(confirm, "on"));

	if (note && *note)
		selftest_tell(test, OUTCOME_SKIPPED, "confirming", "%s", note);
	if (!is_on) {
		check_own_confirm(test, confirm);
		return;
	}
	if (ask_number(confirm, "connections") == 0 &&
	    ask_number(confirm, "candidates") >= CANDIDATES_MANY)
		selftest_tell(test, OUTCOME_SKIPPED, "confirming",
			      "none of %.0f connections was confirmed: do answers take another way "
			      "(asymmetric routing, or a bridge without an address), do rules say "
			      "notrack "
			      "or synproxy, do servers never push data?",
			      ask_number(confirm, "candidates"));
	else
		selftest_tell(test, OUTCOME_OK, "confirming",
			      "by connection %s; connections: %.0f, new clients: %.0f",
			      by ? by : "?", ask_number(confirm, "connections"),
			      ask_number(confirm, "clients"));
}

/* Why nothing can be measured is among the advice. */
static void check_clocks(struct selftest *test)
{
	const cJSON *clocks = ask_member(test->status, "clocks");
	double measured = ask_number(ask_member(clocks, "results"), "measured");
	double connections = ask_number(clocks, "connections");
	const char *by = cJSON_GetStringValue(ask_member(clocks, "by"));

	if (!cJSON_IsObject(clocks) || !by || strcmp(by, "nothing") == 0)
		return;
	if (connections >= CANDIDATES_MANY && measured == 0)
		selftest_tell(test, OUTCOME_SKIPPED, "clocks",
			      "none of %.0f connections was measured: 'synprint status' counts the "
			      "reasons (clocks.results)",
			      connections);
	else
		selftest_tell(test, OUTCOME_OK, "clocks",
			      "by %s: %.0f of %.0f connections measured, %.0f likely proxies", by,
			      measured, connections, ask_number(clocks, "likely"));
}

static int run_checks(struct selftest *test)
{
	struct config *config = NULL;

	if (check_daemon(test)) {
		selftest_load_config(test, &config);
		selftest_check_config(test);
		selftest_check_advice(test);
		selftest_check_rules(test);
		selftest_check_queues(test);
		check_sets(test);
		check_confirm(test);
		check_clocks(test);
		selftest_check_p0f(test);
		selftest_check_probe(test);
		if (test->must_stop)
			selftest_check_stopped(test);
	}
	config_free(config);
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
	int option, r;

	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		test.must_stop |= option == OPT_STOP;
	if (option == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return cli_usage_error(cli, "selftest takes no argument");
	r = ask_open(cli, &test.ask);
	if (r == CLI_OK) {
		test.results = cJSON_CreateArray();
		r = run_checks(&test);
	}
	cJSON_Delete(test.results);
	cJSON_Delete(test.status);
	ask_close(&test.ask);
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
