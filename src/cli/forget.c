/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint forget: have the daemon forget an address, or the clients of a network. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "core/base/addr.h"

struct forgetting {
	const struct cli *cli;
	struct ask ask;
	cJSON *reply; /* the last one */
	double forgotten, reports, cursor;
};

static double number_of(const cJSON *reply, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(reply, name);

	return cJSON_IsNumber(item) ? item->valuedouble : cJSON_IsTrue(item);
}

/* One request and its reply. A network takes several. */
static int step(struct forgetting *forgetting, cJSON *request)
{
	const char *line;
	int r;

	cJSON_DeleteItemFromObject(request, "cursor");
	if (forgetting->cursor > 0)
		cJSON_AddNumberToObject(request, "cursor", forgetting->cursor);
	cJSON_Delete(forgetting->reply);
	forgetting->reply = NULL;
	r = ask_send(&forgetting->ask, request);
	if (r == CLI_OK)
		r = ask_reply(&forgetting->ask, &line, &forgetting->reply);
	forgetting->forgotten += number_of(forgetting->reply, "forgotten");
	forgetting->reports += number_of(forgetting->reply, "reports");
	forgetting->cursor = number_of(forgetting->reply, "cursor");
	return r;
}

static void tell_json(const struct forgetting *forgetting)
{
	char *later = cJSON_PrintUnformatted(
		cJSON_GetObjectItemCaseSensitive(forgetting->reply, "later"));

	printf("{\"ok\":true,\"forgotten\":%.0f,\"reports\":%.0f,\"later\":%s}\n",
	       forgetting->forgotten, forgetting->reports, later ? later : "[]");
	cJSON_free(later);
}

static void tell(const struct forgetting *forgetting, const char *what)
{
	double forgotten = forgetting->forgotten, reports = forgetting->reports;
	const cJSON *set;

	if (forgotten > 0)
		printf("%.0f client%s forgotten\n", forgotten, forgotten > 1 ? "s" : "");
	else
		printf("nobody of %s was known\n", what);
	if (reports > 0)
		printf("%.0f word%s of other gateways forgotten, until they say it again\n",
		       reports, reports > 1 ? "s" : "");
	cJSON_ArrayForEach (set, cJSON_GetObjectItemCaseSensitive(forgetting->reply, "later"))
		printf("%s takes nothing for now: what is to leave it does so when it does again\n",
		       cJSON_GetStringValue(set));
}

static int forget(const struct cli *cli, cJSON *request, const char *what)
{
	struct forgetting forgetting = {.cli = cli};
	int r = ask_open(cli, &forgetting.ask);

	if (r != CLI_OK)
		return r;
	do
		r = step(&forgetting, request);
	while (r == CLI_OK && forgetting.cursor > 0);
	ask_close(&forgetting.ask);
	if (r == CLI_OK && cli->json)
		tell_json(&forgetting);
	else if (r == CLI_OK)
		tell(&forgetting, what);
	cJSON_Delete(forgetting.reply);
	return r;
}

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	struct addr_net net;

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc)
		return cli_usage_error(cli, "forget takes one address or network");
	if (addr_net_parse(argv[optind], &net) < 0)
		return cli_usage_error(
			cli, "'%s' is neither an address nor a network such as 203.0.113.0/24",
			argv[optind]);
	cJSON_AddStringToObject(request, strchr(argv[optind], '/') ? "net" : "ip", argv[optind]);
	return forget(cli, request, argv[optind]);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("forget");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_forget = {
	.name = "forget",
	.arguments = "ADDRESS|NETWORK",
	.summary = "Have the daemon forget a client, or all of a network, and take them out of the "
		   "sets",
	.help = "What publish.except names is never published in the first place. The exit status "
		"is\n"
		"0 also where nobody was known: a set may hold whom nobody "
		"remembers.\n\nOptions:\n",
	.run = run,
};
