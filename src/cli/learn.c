/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint learn: tell the daemon what one connection said of itself in HTTP. */
#include <stdio.h>

#include "cli/ask.h"

static int print_reply(const cJSON *reply)
{
	puts(cJSON_IsTrue(ask_member(reply, "learned")) ? "learned" : ask_text(reply, "result"));
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "learn",
		.has_address = true,
		.takes = "an address, --port and --user-agent",
		.options = {{"port", "port", ASK_PORT, true},
			    {"user-agent", "user_agent", ASK_TEXT, true}},
		.truth = "learned",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_learn = {
	.name = "learn",
	.arguments = "ADDRESS --port N --user-agent TEXT",
	.summary =
		"Count a connection's SYN for the system that it claims; status 1 where it is not",
	.help = "Options:\n"
		"  --port N       the source port of the connection\n"
		"  --user-agent TEXT  what the client said of itself in HTTP\n",
	.run = run,
};
