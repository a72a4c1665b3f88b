/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint learn: tell the daemon what one connection said of itself in HTTP. */
#include <stdio.h>

#include "cli/ask.h"
#include "core/base/addr.h"

enum { OPT_PORT = CLI_OPT_OWN, OPT_USER_AGENT };

static int print_reply(const struct cli *cli, const char *line, const cJSON *reply)
{
	const char *result =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "result"));
	bool is_learned = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "learned"));

	puts(cli->json ? line : is_learned ? "learned" : result ? result : "not learned");
	return is_learned ? CLI_OK : CLI_FAILED;
}

static int ask_learn(const struct cli *cli, const cJSON *request)
{
	cJSON *reply = NULL;
	struct ask ask;
	const char *line;
	int r = ask_request(cli, request, &ask, &line, &reply);

	if (r == CLI_OK)
		r = print_reply(cli, line, reply);
	cJSON_Delete(reply);
	ask_close(&ask);
	return r;
}

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {{"port", required_argument, NULL, OPT_PORT},
						{"user-agent", required_argument, NULL,
						 OPT_USER_AGENT},
						CLI_COMMON_OPTIONS};
	const char *user_agent = NULL;
	unsigned port = 0;
	struct addr addr;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_USER_AGENT)
			user_agent = optarg;
		else if (cli_parse_uint(optarg, 1, 65535, &port) < 0)
			return cli_usage_error(cli, "--port is a number from 1 to 65535");
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc || !port || !user_agent)
		return cli_usage_error(cli, "learn takes an address, --port and --user-agent");
	if (addr_parse(argv[optind], &addr) < 0)
		return cli_usage_error(cli, "'%s' is no IP address", argv[optind]);
	cJSON_AddStringToObject(request, "ip", argv[optind]);
	cJSON_AddNumberToObject(request, "port", port);
	cJSON_AddStringToObject(request, "user_agent", user_agent);
	return ask_learn(cli, request);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("learn");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
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
