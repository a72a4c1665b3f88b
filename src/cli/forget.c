/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint forget: have the daemon forget an address, or the clients of a network. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "core/base/addr.h"

struct forgetting {
	const struct cli *cli;
	struct ask ask;
	double forgotten, reports, cursor;
};

/* One request and its reply. A network takes several. */
static int step(struct forgetting *forgetting, cJSON *request)
{
	const cJSON *forgotten, *reports, *cursor;
	cJSON *reply = NULL;
	const char *line;
	int r;

	cJSON_DeleteItemFromObject(request, "cursor");
	if (forgetting->cursor > 0)
		cJSON_AddNumberToObject(request, "cursor", forgetting->cursor);
	r = ask_send(&forgetting->ask, request);
	if (r == CLI_OK)
		r = ask_reply(&forgetting->ask, &line, &reply);
	forgotten = cJSON_GetObjectItemCaseSensitive(reply, "forgotten");
	reports = cJSON_GetObjectItemCaseSensitive(reply, "reports");
	cursor = cJSON_GetObjectItemCaseSensitive(reply, "cursor");
	forgetting->forgotten +=
		cJSON_IsNumber(forgotten) ? forgotten->valuedouble : cJSON_IsTrue(forgotten);
	forgetting->reports += cJSON_IsNumber(reports) ? reports->valuedouble : 0;
	forgetting->cursor = cJSON_IsNumber(cursor) ? cursor->valuedouble : 0;
	cJSON_Delete(reply);
	return r;
}

static void tell(const struct cli *cli, const struct forgetting *forgetting, const char *what)
{
	double forgotten = forgetting->forgotten, reports = forgetting->reports;

	if (cli->json)
		printf("{\"ok\":true,\"forgotten\":%.0f,\"reports\":%.0f}\n", forgotten, reports);
	else if (forgotten > 0)
		printf("%.0f client%s forgotten\n", forgotten, forgotten > 1 ? "s" : "");
	else
		printf("nobody of %s was known\n", what);
	if (!cli->json && reports > 0)
		printf("%.0f word%s of other gateways forgotten, until they say it again\n",
		       reports, reports > 1 ? "s" : "");
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
	if (r == CLI_OK)
		tell(cli, &forgetting, what);
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
