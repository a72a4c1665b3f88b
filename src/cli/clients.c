/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint clients: the daemon's table, page by page, so that its size does not matter. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/filters.h"
#include "cli/screen.h"
#include "control/proto.h"

#define OUT_BYTES 65536
#define LINE_BYTES 4096 /* room for one printed line */

struct listing {
	const struct cli *cli;
	struct line_layout layout;
	struct text_buf out;
	unsigned left; /* clients still wanted */
	char data[OUT_BYTES];
};

static int flush_out(struct listing *listing)
{
	int r = cli_write(listing->out.data, listing->out.len);

	text_buf_init(&listing->out, listing->data, sizeof(listing->data));
	return r;
}

static int put_json(struct listing *listing, const cJSON *client)
{
	char *text = cJSON_PrintUnformatted(client);

	if (!text)
		return cli_error(CLI_FAILED, "out of memory");
	text_put(&listing->out, text);
	text_put_char(&listing->out, '\n');
	cJSON_free(text);
	return CLI_OK;
}

static int put_client(struct listing *listing, const cJSON *client)
{
	struct line line;
	int r = CLI_OK;

	if (listing->cli->json) {
		r = put_json(listing, client);
	} else {
		line_from_json(client, &line);
		line_put(&listing->layout, &line, &listing->out);
	}
	if (r == CLI_OK && listing->out.size - listing->out.len < LINE_BYTES)
		r = flush_out(listing);
	return r;
}

static int put_page(struct listing *listing, const cJSON *reply)
{
	const cJSON *client;
	int r = CLI_OK;

	cJSON_ArrayForEach (client, cJSON_GetObjectItemCaseSensitive(reply, "clients")) {
		if (listing->left == 0 || r != CLI_OK)
			break;
		r = put_client(listing, client);
		listing->left--;
	}
	return r;
}

static void set_number(cJSON *request, const char *name, double number)
{
	cJSON_DeleteItemFromObjectCaseSensitive(request, name);
	cJSON_AddNumberToObject(request, name, number);
}

static int list_pages(struct listing *listing, struct ask *ask, cJSON *request)
{
	double cursor = 0;
	int r = CLI_OK;

	do {
		cJSON *reply = NULL;
		const char *line;

		set_number(request, "cursor", cursor);
		set_number(request, "limit",
			   listing->left < PROTO_LIMIT_MAX ? listing->left : PROTO_LIMIT_MAX);
		r = ask_send(ask, request);
		if (r == CLI_OK)
			r = ask_reply(ask, &line, &reply);
		if (r == CLI_OK)
			r = put_page(listing, reply);
		cursor = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(reply, "cursor"));
		cJSON_Delete(reply);
	} while (r == CLI_OK && cursor > 0 && listing->left > 0);
	return r;
}

static int list_clients(const struct cli *cli, cJSON *request, unsigned limit,
			enum line_color color)
{
	static struct listing listing;
	struct ask ask;
	int r = ask_open(cli, &ask);

	if (r != CLI_OK)
		return r;
	listing.cli = cli;
	listing.left = limit;
	text_buf_init(&listing.out, listing.data, sizeof(listing.data));
	if (screen_init(color, true, &listing.layout) && !cli->json)
		line_put_header(&listing.layout, &listing.out);
	r = list_pages(&listing, &ask, request);
	if (r == CLI_OK)
		r = flush_out(&listing);
	ask_close(&ask);
	return r;
}

enum { OPT_LIMIT = CLI_OPT_OWN, OPT_COLOR, OPT_CONFIRMED, OPT_SERVERS };

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {{"limit", required_argument, NULL, OPT_LIMIT},
						{"color", required_argument, NULL, OPT_COLOR},
						{"confirmed", no_argument, NULL, OPT_CONFIRMED},
						{"servers", no_argument, NULL, OPT_SERVERS},
						FILTER_OPTIONS,
						CLI_COMMON_OPTIONS};
	enum line_color color = LINE_COLOR_AUTO;
	unsigned limit = UINT32_MAX;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_LIMIT) {
			if (cli_parse_uint(optarg, 1, UINT32_MAX, &limit) < 0)
				return cli_usage_error(cli, "--limit is a number from 1 on");
		} else if (option == OPT_CONFIRMED) {
			filters_set(request, "confirmed");
		} else if (option == OPT_SERVERS) {
			filters_set(request, "servers");
		} else if (option == OPT_COLOR) {
			if (line_color_parse(optarg, &color) < 0)
				return cli_usage_error(cli, "--color is auto, always or never");
		} else if (filters_add(request, option, optarg) < 0) {
			return cli_usage_error(cli, "'%s' is no number", optarg);
		}
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind < argc)
		return cli_usage_error(cli, "clients takes options only, not '%s'", argv[optind]);
	return list_clients(cli, request, limit, color);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("clients");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_clients = {
	.name = "clients",
	.arguments = FILTER_ARGUMENTS " [--confirmed] [--servers] [--limit N] [--color WHEN]",
	.summary = "List the clients that the daemon knows",
	.help = FILTER_HELP "Options:\n"
			    "  --confirmed    only those of whom a connection is confirmed\n"
			    "  --servers      those who answer (servers.enabled)\n"
			    "  --limit N      stop after N clients\n"
			    "  --color WHEN   auto (default; honours NO_COLOR), always or never\n",
	.run = run,
};
