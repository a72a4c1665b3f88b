/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file that the daemon was started with, and not one that the command might find: what is wrong
 * in it now is refused by the next reload, and keeps the next start from succeeding.
 */
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/running.h"
#include "cli/selftest/selftest.h"
#include "config/advice.h"
#include "knowledge/knowledge.h"

static void refuse(struct selftest *test, const char *path, const char *reason)
{
	selftest_tell(test, OUTCOME_FAILED, "config",
		      "%s is bad now, so a reload is refused and a restart fails: %s", path,
		      reason);
}

static void load(struct selftest *test, const char *path, struct config **ret_config)
{
	struct text_error error = {0};
	char reason[256];

	if (config_load(path, &error, ret_config) == 0)
		return;
	if (error.line)
		snprintf(reason, sizeof(reason), "line %u: %s", error.line, error.what);
	refuse(test, ask_text(test->status, "config"), error.line ? reason : error.what);
}

void selftest_load_config(struct selftest *test, struct config **ret_config)
{
	const char *path = running_config_path(test->status);

	if (path && access(path, R_OK) < 0)
		selftest_tell(test, access(path, F_OK) < 0 ? OUTCOME_FAILED : OUTCOME_SKIPPED,
			      "config", "%s, which synprintd was started with, cannot be read%s",
			      path, access(path, F_OK) < 0 ? ": a restart fails" : " by you");
	else
		load(test, path, ret_config);
	test->config = *ret_config;
}

/* Return: whether the databases are such that a reload would take them. */
static bool check_databases(struct selftest *test)
{
	struct knowledge_params params = config_knowledge_params(test->config);
	struct knowledge_error error;
	struct knowledge *knowledge;
	struct vocab *vocab = vocab_new();
	char reason[512];
	int rc;

	if (!vocab)
		return true;
	params.may_rename = false;
	rc = knowledge_load(&params, vocab, &error, &knowledge);
	if (rc == 0) {
		knowledge_free(knowledge);
	} else {
		knowledge_error_format(&error, reason, sizeof(reason));
		refuse(test, test->config->path, reason);
	}
	vocab_free(vocab);
	return rc == 0;
}

static void tell_advice(struct selftest *test, bool is_fault, const char *about, const char *text)
{
	selftest_tell(test, is_fault ? OUTCOME_FAILED : OUTCOME_SKIPPED, about, "%s", text);
}

/* Interfaces come and go, so this is no fault. One that is not there at all is among the advice. */
static void check_interface(struct selftest *test, int sock, const char *name)
{
	struct ifreq request = {.ifr_flags = 0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(sock, SIOCGIFFLAGS, &request) < 0)
		return;
	if (!(request.ifr_flags & IFF_UP))
		selftest_tell(test, OUTCOME_SKIPPED, "interfaces",
			      "%s is down, so no SYN comes in there: 'ip link set %s up'", name,
			      name);
	else if (!(request.ifr_flags & IFF_RUNNING))
		selftest_tell(test, OUTCOME_SKIPPED, "interfaces",
			      "%s has no link, so no SYN comes in there: look at its cable, or at "
			      "what is at its other end",
			      name);
}

static void check_interfaces(struct selftest *test)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return;
	for (unsigned i = 0; i < test->config->interface_count; i++)
		check_interface(test, sock, test->config->interfaces[i]);
	close(sock);
}

void selftest_check_config(struct selftest *test)
{
	struct advice_list list = {.count = 0};

	if (!test->config || !check_databases(test))
		return;
	selftest_tell(test, OUTCOME_OK, "config", "%s", test->config->path);
	check_interfaces(test);
	advice_names(test->config, &list);
	for (unsigned i = 0; i < list.count; i++)
		tell_advice(test, list.list[i].level != ADVICE_NOTE, list.list[i].about,
			    list.list[i].text);
}

void selftest_check_advice(struct selftest *test)
{
	const cJSON *advice;

	cJSON_ArrayForEach (advice, ask_member(test->status, "advice"))
		tell_advice(test, cJSON_IsTrue(ask_member(advice, "fault")),
			    ask_text(advice, "about"), ask_text(advice, "text"));
}
