/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint status: how the daemon does, as the daemon tells it, in aligned lines. */
#include <stdio.h>

#include "cli/ask.h"

#define INDENT 2
#define NAME_WIDTH 24

static void print_scalar(const cJSON *value)
{
	if (cJSON_IsString(value)) {
		fputs(value->valuestring, stdout);
	} else if (cJSON_IsBool(value)) {
		fputs(cJSON_IsTrue(value) ? "yes" : "no", stdout);
	} else if (cJSON_IsNull(value)) {
		fputs("-", stdout);
	} else {
		char *text = cJSON_PrintUnformatted(value);

		fputs(text ? text : "?", stdout);
		cJSON_free(text);
	}
}

static void print_list(const cJSON *list)
{
	const cJSON *value;

	if (!list->child)
		putchar('-');
	cJSON_ArrayForEach (value, list) {
		print_scalar(value);
		if (value->next)
			fputs(", ", stdout);
	}
}

/* Things of one kind, a line for each: "queue 0, received 4, ...". */
static void print_items(const cJSON *list, int indent)
{
	const cJSON *item, *value;

	putchar('\n');
	cJSON_ArrayForEach (item, list) {
		printf("%*s", indent + INDENT, "");
		cJSON_ArrayForEach (value, item) {
			printf("%s ", value->string);
			print_scalar(value);
			fputs(value->next ? ", " : "\n", stdout);
		}
	}
}

/* A member and those that follow it. */
static void print_members(const cJSON *value, int indent)
{
	for (; value; value = value->next) {
		bool is_list = cJSON_IsArray(value);

		if (cJSON_IsObject(value) || (is_list && cJSON_IsObject(value->child))) {
			printf("%*s%s\n", indent, "", value->string);
			if (is_list)
				print_items(value, indent + INDENT);
			else
				print_members(value->child, indent + INDENT);
			continue;
		}
		printf("%*s%-*s ", indent, "", NAME_WIDTH - indent, value->string);
		if (is_list)
			print_list(value);
		else
			print_scalar(value);
		putchar('\n');
	}
}

static int print_reply(const cJSON *reply)
{
	const cJSON *ok = ask_member(reply, "ok");

	print_members(ok ? ok->next : reply->child, 0);
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "status",
		.takes = "no argument",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_status = {
	.name = "status",
	.arguments = "",
	.summary = "Show how the daemon does",
	.help = "Options:\n",
	.run = run,
};
