/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint learn: tell the daemon what one connection said of itself in HTTP. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"

/* What the words that the daemon answers with mean, and what to do. */
static const char *explain_result(const char *result)
{
	static const char *const words[][2] = {
		{"voted", "this client, or one of its IPv6 /64, has been counted for such a SYN "
			  "before, and counts once; nothing is to be done"},
		{"no claim", "the User-Agent names no system that the databases have; programs and "
			     "crawlers name none"},
		{"lie", "by the databases such a SYN hardly comes from that system; where it does, "
			"a signature of yours (signatures) makes it known"},
		{"not kept", "no SYN from that address and port is there: they may be a proxy's, "
			     "it was not diverted, or newer ones have taken its place; ask "
			     "sooner, or raise clients.recent"},
		{"disputed", "several SYNs came from that port, none of them is confirmed, and a "
			     "stranger may have sent them; ask once the handshake is confirmed, or "
			     "at the next connection"},
		{"full", "there is no room for one more shape; raise learn.max_shapes and restart"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], result) == 0)
			return words[i][1];
	return "synprint-control(7) explains it";
}

static int print_reply(const cJSON *reply)
{
	const char *result = ask_text(reply, "result");

	if (cJSON_IsTrue(ask_member(reply, "learned")))
		puts("learned");
	else
		printf("%s: %s\n", result, explain_result(result));
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
