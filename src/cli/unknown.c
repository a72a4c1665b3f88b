/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint unknown: what nothing in the databases looks like, ready to be named and pasted. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/classify/classify.h"
#include "cli/classify/shapes.h"
#include "control/proto.h"

static void print_entry(const cJSON *entry, unsigned number)
{
	const cJSON *sig = ask_member(entry, "sig");
	char first[32], last[32];

	if (!cJSON_IsString(sig))
		return;
	shapes_format_time((uint32_t)ask_number(entry, "first_seen"), first);
	shapes_format_time((uint32_t)ask_number(entry, "last_seen"), last);
	printf("\n; %.0f SYNs, from %s to %s\n", ask_number(entry, "count"), first, last);
	printf("label = s:other:Unnamed:%u\nsig = %s\n", number, sig->valuestring);
}

static int print_reply(const cJSON *reply)
{
	const cJSON *entry;
	unsigned number = 0;

	printf("; %.0f SYNs of %.0f shapes that nothing in the database looks like\n",
	       ask_number(reply, "syns"), ask_number(reply, "shapes"));
	if (ask_number(reply, "evicted") > 0)
		printf("; %.0f rare shapes gave way to others and are not shown\n",
		       ask_number(reply, "evicted"));
	printf("[tcp:request]\n");
	cJSON_ArrayForEach (entry, ask_member(reply, "unknown"))
		print_entry(entry, ++number);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "unknown",
		.takes = "capture files, or no argument",
		.operands = classify_unknown,
		.limit = PROTO_LIMIT_MAX,
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_unknown = {
	.name = "unknown",
	.arguments = "[FILE ...]",
	.summary = "List signatures that matched nothing, as a database with counts",
	.help = "Those that synprintd saw, or those of captures. Give each a label of its own and\n"
		"paste it into a signature file.\n\nOptions:\n",
	.run = run,
};
