/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint explain: how the daemon came to what it says of one address. */
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/explanation.h"
#include "core/base/addr.h"

#define TEXT_BYTES 65536

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

	return text ? text : "-";
}

static int print_explanation(const cJSON *reply)
{
	const cJSON *os = cJSON_GetObjectItemCaseSensitive(reply, "os");
	char data[TEXT_BYTES];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_putf(&buf, "%s is %s (%s match)\n", text_of(reply, "ip"), text_of(os, "label"),
		  text_of(os, "match"));
	explanation_put(reply, &buf);
	return cli_write(buf.data, buf.len);
}

static int print_reply(const struct cli *cli, const char *line, const cJSON *reply)
{
	bool is_found = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "found"));
	int r = CLI_OK;

	if (cli->json)
		puts(line);
	else if (is_found)
		r = print_explanation(reply);
	else
		printf("%s has not been seen\n", text_of(reply, "ip"));
	return r != CLI_OK ? r : is_found ? CLI_OK : CLI_FAILED;
}

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	enum { OPT_PORT = CLI_OPT_OWN };
	static const struct option options[] = {{"port", required_argument, NULL, OPT_PORT},
						CLI_COMMON_OPTIONS};
	cJSON *reply = NULL;
	unsigned port = 0;
	struct addr addr;
	struct ask ask;
	const char *line;
	int option, r;

	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		if (cli_parse_uint(optarg, 1, 65535, &port) < 0)
			return cli_usage_error(cli, "--port is a number from 1 to 65535");
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc)
		return cli_usage_error(cli, "explain takes one address");
	if (addr_parse(argv[optind], &addr) < 0)
		return cli_usage_error(cli, "'%s' is no IP address", argv[optind]);
	cJSON_AddStringToObject(request, "ip", argv[optind]);
	if (port)
		cJSON_AddNumberToObject(request, "port", port);
	r = ask_request(cli, request, &ask, &line, &reply);
	if (r == CLI_OK)
		r = print_reply(cli, line, reply);
	cJSON_Delete(reply);
	ask_close(&ask);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("explain");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_explain = {
	.name = "explain",
	.arguments = "ADDRESS [--port N]",
	.summary = "Tell why: facts for and against, which add up to the verdict",
	.help = "Options:\n"
		"  --port N       the connection from this source port, not the newest one\n",
	.run = run,
};
