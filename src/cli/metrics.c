/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint metrics: the daemon's figures as Prometheus reads them. */
#include <stdio.h>

#include "cli/ask.h"

static int print_reply(const cJSON *reply)
{
	fputs(ask_text(reply, "metrics"), stdout);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "metrics",
		.takes = "no argument",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_metrics = {
	.name = "metrics",
	.arguments = "",
	.summary = "Print the daemon's figures in the text format of Prometheus",
	.help = "Options:\n",
	.run = run,
};
