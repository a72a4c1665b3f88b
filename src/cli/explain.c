/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint explain: how the daemon came to what it says of one address. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/explanation.h"
#include "core/base/text.h"

#define TEXT_BYTES 65536

static int print_explanation(const cJSON *reply)
{
	const cJSON *os = ask_member(reply, "os");
	char data[TEXT_BYTES];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_putf(&buf, "%s is %s (%s match)\n", ask_text(reply, "ip"), ask_text(os, "label"),
		  ask_text(os, "match"));
	explanation_put(reply, &buf);
	return cli_write(buf.data, buf.len);
}

static int print_reply(const cJSON *reply)
{
	if (cJSON_IsTrue(ask_member(reply, "found")))
		return print_explanation(reply);
	printf("%s has not been seen\n", ask_text(reply, "ip"));
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "explain",
		.has_address = true,
		.takes = "one address",
		.options = {{"port", "port", ASK_PORT, false}},
		.truth = "found",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_explain = {
	.name = "explain",
	.arguments = "ADDRESS [--port N]",
	.summary = "Tell why: facts for and against, which add up to the verdict",
	.help = "Options:\n"
		"  --port N       the connection from this source port, not the newest confirmed "
		"one\n",
	.run = run,
};
