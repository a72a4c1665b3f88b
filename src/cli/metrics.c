/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint metrics: the daemon's figures as Prometheus reads them. */
#include <stdio.h>

#include "cli/ask.h"

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	cJSON *request, *reply = NULL;
	const cJSON *metrics;
	struct ask ask;
	const char *line;
	int r;

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return cli_usage_error(cli, "metrics takes no argument");
	request = ask_new_request("metrics");
	r = ask_request(cli, request, &ask, &line, &reply);
	metrics = cJSON_GetObjectItemCaseSensitive(reply, "metrics");
	if (r == CLI_OK && (cli->json || !cJSON_IsString(metrics)))
		puts(line);
	else if (r == CLI_OK)
		fputs(metrics->valuestring, stdout);
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

const struct cli_command cli_metrics = {
	.name = "metrics",
	.arguments = "",
	.summary = "Print the daemon's figures in the text format of Prometheus",
	.help = "Options:\n",
	.run = run,
};
