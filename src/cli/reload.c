/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint reload: have the daemon read configuration and databases again; bad ones change nothing. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"

#define TIMEOUT_MS 300000 /* a large database takes its time on a busy machine */

static int print_reply(const cJSON *reply)
{
	const cJSON *key;

	puts("configuration and databases read again");
	cJSON_ArrayForEach (key, ask_member(reply, "restart_needed"))
		if (cJSON_IsString(key))
			printf(strchr(key->valuestring, ' ')
				       ? "stays as it was: the %s\n"
				       : "%s stays as it was: it changes with a restart only\n",
			       key->valuestring);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "reload",
		.takes = "no argument",
		.timeout_ms = TIMEOUT_MS,
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_reload = {
	.name = "reload",
	.arguments = "",
	.summary =
		"Have the daemon read configuration and databases again; bad ones change nothing",
	.help = "Options:\n",
	.run = run,
};
