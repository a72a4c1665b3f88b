/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint status: how the daemon does, as the daemon tells it, in aligned lines. */
#include <stdio.h>
#include <string.h>

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

static void print_tree(const cJSON *tree, int indent)
{
	const cJSON *value;

	cJSON_ArrayForEach (value, tree) {
		bool is_list = cJSON_IsArray(value);

		if (cJSON_IsObject(value) || (is_list && cJSON_IsObject(value->child))) {
			printf("%*s%s\n", indent, "", value->string);
			if (is_list)
				print_items(value, indent + INDENT);
			else
				print_tree(value, indent + INDENT);
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

static int ask_status(const struct cli *cli)
{
	cJSON *request, *reply = NULL;
	struct ask ask;
	const char *line;
	int r = ask_open(cli, &ask);

	if (r != CLI_OK)
		return r;
	request = ask_new_request("status");
	r = ask_send(&ask, request);
	if (r == CLI_OK)
		r = ask_reply(&ask, &line, &reply);
	if (r == CLI_OK && cli->json) {
		puts(line);
	} else if (r == CLI_OK) {
		cJSON_DeleteItemFromObjectCaseSensitive(reply, "ok");
		print_tree(reply, 0);
	}
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	if (optind < argc)
		return cli_usage_error(cli, "status takes no arguments");
	return ask_status(cli);
}

const struct cli_command cli_status = {
	.name = "status",
	.arguments = "",
	.summary = "Show how the daemon does",
	.help = "Options:\n",
	.run = run,
};
