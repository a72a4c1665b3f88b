/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint baseline: what is usual where clients come from, the heaviest networks first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "control/proto.h"

#define LIMIT_DEFAULT 50 /* networks */

#define MTUS_TOLD 6
#define SHARE_TOLD 0.005 /* what rounds to 0 % is left out */
#define OUT_BYTES 4096

static void set_number(cJSON *request, const char *name, double number)
{
	cJSON_DeleteItemFromObjectCaseSensitive(request, name);
	cJSON_AddNumberToObject(request, name, number);
}

/* All networks of a reply go over to the list. */
static void take_networks(cJSON *reply, cJSON *list)
{
	cJSON *found = cJSON_GetObjectItemCaseSensitive(reply, "baseline"), *network;

	while (found && (network = cJSON_DetachItemFromArray(found, 0)))
		cJSON_AddItemToArray(list, network);
}

static int ask_pages(struct ask *ask, cJSON *request, cJSON *list)
{
	double cursor = 0;
	int r;

	set_number(request, "limit", PROTO_LIMIT_MAX);
	do {
		cJSON *reply = NULL;
		const char *line;

		set_number(request, "cursor", cursor);
		r = ask_send(ask, request);
		if (r == CLI_OK)
			r = ask_reply(ask, &line, &reply);
		if (r == CLI_OK)
			take_networks(reply, list);
		cursor = ask_number(reply, "cursor");
		cJSON_Delete(reply);
	} while (r == CLI_OK && cursor > 0);
	return r;
}

static int compare(const void *left, const void *right)
{
	const cJSON *const *a = left, *const *b = right;
	double x = ask_number(*a, "clients"), y = ask_number(*b, "clients");

	return (x < y) - (x > y);
}

static void put_network(const cJSON *network, struct text_buf *out)
{
	const char *prefix = cJSON_GetStringValue(ask_member(network, "prefix"));
	const char *name = cJSON_GetStringValue(ask_member(network, "name"));
	const cJSON *mtu;
	unsigned told = 0;

	text_putf(out, "%-31s %9.0f ",
		  prefix ? prefix
		  : name ? name
			 : "-",
		  ask_number(network, "clients"));
	cJSON_ArrayForEach (mtu, ask_member(network, "mtus")) {
		double share = ask_number(mtu, "share");

		if (told++ < MTUS_TOLD && share >= SHARE_TOLD)
			text_putf(out, " %.0f %.0f%%", ask_number(mtu, "mtu"), share * 100);
	}
	text_put_char(out, '\n');
}

static int print_network(const struct cli *cli, const cJSON *network)
{
	char data[OUT_BYTES], *text;
	struct text_buf out;
	int r;

	if (!cli->json) {
		text_buf_init(&out, data, sizeof(data));
		put_network(network, &out);
		return cli_write(out.data, out.len);
	}
	text = cJSON_PrintUnformatted(network);
	if (!text)
		return cli_error(CLI_FAILED, "out of memory");
	r = cli_write(text, strlen(text));
	cJSON_free(text);
	return r == CLI_OK ? cli_write("\n", 1) : r;
}

static int print_list(const struct cli *cli, const cJSON *list, unsigned limit)
{
	static const char header[] = "NETWORK                           CLIENTS  MTUs\n";
	size_t count = (size_t)cJSON_GetArraySize(list), i = 0;
	const cJSON **sorted = calloc(count + 1, sizeof(*sorted)), *network;
	int r = CLI_OK;

	if (!sorted)
		return cli_error(CLI_FAILED, "out of memory");
	cJSON_ArrayForEach (network, list)
		sorted[i++] = network;
	qsort(sorted, count, sizeof(*sorted), compare);
	if (!cli->json)
		r = cli_write(header, strlen(header));
	for (i = 0; r == CLI_OK && i < count && i < limit; i++)
		r = print_network(cli, sorted[i]);
	free(sorted);
	return r;
}

static int list_networks(const struct cli *cli, cJSON *request, unsigned limit)
{
	cJSON *list = cJSON_CreateArray();
	struct ask ask;
	int r = ask_open(cli, &ask);

	if (r == CLI_OK)
		r = ask_pages(&ask, request, list);
	if (r == CLI_OK)
		r = print_list(cli, list, limit);
	ask_close(&ask);
	cJSON_Delete(list);
	return r;
}

static int forget_network(const struct cli *cli, const char *net)
{
	cJSON *request = ask_new_request("forget"), *reply = NULL;
	const cJSON *forgotten;
	const char *line;
	struct ask ask;
	int r;

	cJSON_AddStringToObject(request, "net", net);
	cJSON_AddTrueToObject(request, "baseline");
	r = ask_request(cli, request, &ask, &line, &reply);
	forgotten = cJSON_GetObjectItemCaseSensitive(reply, "forgotten");
	if (r == CLI_OK && cli->json)
		puts(line);
	else if (r == CLI_OK)
		printf("what was usual in %.0f network%s is forgotten\n",
		       cJSON_GetNumberValue(forgotten),
		       cJSON_GetNumberValue(forgotten) == 1 ? "" : "s");
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r;
}

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	enum { OPT_LIMIT = CLI_OPT_OWN, OPT_FORGET };
	static const struct option options[] = {{"limit", required_argument, NULL, OPT_LIMIT},
						{"forget", required_argument, NULL, OPT_FORGET},
						CLI_COMMON_OPTIONS};
	const char *forgotten = NULL;
	unsigned limit = 0;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		if (option == OPT_FORGET)
			forgotten = optarg;
		else if (cli_parse_uint(optarg, 1, UINT32_MAX, &limit) < 0)
			return cli_usage_error(cli, "--limit is a number from 1 on");
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 < argc || (forgotten && optind < argc))
		return cli_usage_error(cli, "baseline takes at most one prefix");
	if (forgotten && limit)
		return cli_usage_error(cli, "--forget takes no --limit");
	if (forgotten)
		return forget_network(cli, forgotten);
	if (optind < argc)
		cJSON_AddStringToObject(request, "net", argv[optind]);
	return list_networks(cli, request, limit ? limit : LIMIT_DEFAULT);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("baseline");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_baseline = {
	.name = "baseline",
	.arguments = "[PREFIX] [--limit N] | --forget PREFIX",
	.summary = "Show which MTUs are usual where clients come from",
	.help = "With a prefix, such as 198.51.0.0/16, only networks in it or around it.\n\n"
		"Options:\n"
		"  --limit N      stop after N networks (default: 50)\n"
		"  --forget PREFIX  forget what is usual in it and around it: it is learned anew\n",
	.run = run,
};
