/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint reload: have the daemon read configuration and databases again; bad ones change nothing. */
#include <stdio.h>

#include "cli/ask.h"

static void tell(const cJSON *reply)
{
	const cJSON *key;

	puts("configuration and databases read again");
	cJSON_ArrayForEach (key, cJSON_GetObjectItem(reply, "restart_needed"))
		if (cJSON_IsString(key))
			printf("%s stays as it was: it changes with a restart only\n",
			       key->valuestring);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	cJSON *request, *reply = NULL;
	struct ask ask;
	const char *line;
	int r;

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind != argc)
		return cli_usage_error(cli, "reload takes no argument");
	request = ask_new_request("reload");
	r = ask_request(cli, request, &ask, &line, &reply);
	if (r == CLI_OK && cli->json)
		puts(line);
	else if (r == CLI_OK)
		tell(reply);
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

const struct cli_command cli_reload = {
	.name = "reload",
	.arguments = "",
	.summary =
		"Have the daemon read configuration and databases again; bad ones change nothing",
	.help = "Options:\n",
	.run = run,
};
