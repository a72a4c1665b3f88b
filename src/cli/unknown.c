/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint unknown: what nothing in the databases looks like, ready to be named and pasted. */
#include <stdio.h>

#include "cli/ask.h"
#include "cli/classify/classify.h"
#include "cli/classify/shapes.h"
#include "control/proto.h"

static double number_of(const cJSON *object, const char *name)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

static void print_entry(const cJSON *entry, unsigned number)
{
	const cJSON *sig = cJSON_GetObjectItemCaseSensitive(entry, "sig");
	char first[32], last[32];

	if (!cJSON_IsString(sig))
		return;
	shapes_format_time((uint32_t)number_of(entry, "first_seen"), first);
	shapes_format_time((uint32_t)number_of(entry, "last_seen"), last);
	printf("\n; %.0f SYNs, from %s to %s\n", number_of(entry, "count"), first, last);
	printf("label = s:other:Unnamed:%u\nsig = %s\n", number, sig->valuestring);
}

static int print_reply(const struct cli *cli, const char *line, const cJSON *reply)
{
	const cJSON *entry;
	unsigned number = 0;

	if (cli->json) {
		puts(line);
		return CLI_OK;
	}
	printf("; %.0f SYNs of %.0f shapes that nothing in the database looks like\n",
	       number_of(reply, "syns"), number_of(reply, "shapes"));
	if (number_of(reply, "evicted") > 0)
		printf("; %.0f rare shapes gave way to others and are not shown\n",
		       number_of(reply, "evicted"));
	printf("[tcp:request]\n");
	cJSON_ArrayForEach (entry, cJSON_GetObjectItemCaseSensitive(reply, "unknown"))
		print_entry(entry, ++number);
	return CLI_OK;
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
		return classify_unknown(cli, (const char *const *)(argv + optind),
					(unsigned)(argc - optind));
	request = ask_new_request("unknown");
	cJSON_AddNumberToObject(request, "limit", PROTO_LIMIT_MAX);
	r = ask_request(cli, request, &ask, &line, &reply);
	if (r == CLI_OK)
		r = print_reply(cli, line, reply);
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

const struct cli_command cli_unknown = {
	.name = "unknown",
	.arguments = "[FILE ...]",
	.summary = "List signatures that matched nothing, as a database with counts",
	.help = "Those that synprintd saw, or those of captures. Give each a label of its own and\n"
		"paste it into a signature file.\n\nOptions:\n",
	.run = run,
};
