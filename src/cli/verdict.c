/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint verdict: what the daemon knows of one address, with its reasons in words. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "core/base/addr.h"
#include "core/base/reason.h"

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(member(object, name));

	return text ? text : "-";
}

static void print_time(const char *name, const cJSON *value)
{
	time_t time_s = (time_t)cJSON_GetNumberValue(value);
	char text[32] = "-";
	struct tm tm;

	if (cJSON_IsNumber(value) && localtime_r(&time_s, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("  %-11s %s\n", name, text);
}

static const char *words_of(const char *name)
{
	for (unsigned reason = 0; reason < REASON_COUNT; reason++)
		if (strcmp(name, reason_name((enum reason)reason)) == 0)
			return reason_text((enum reason)reason);
	return "";
}

static void print_reasons(const cJSON *reasons)
{
	const char *title = "reasons";
	const cJSON *reason;

	cJSON_ArrayForEach (reason, reasons) {
		const char *name = cJSON_GetStringValue(reason);

		if (!name)
			continue;
		printf("  %-11s %-22s %s\n", title, name, words_of(name));
		title = "";
	}
}

static void print_flags(const cJSON *flags)
{
	const cJSON *flag;

	printf("  %-11s ", "flags");
	if (!cJSON_GetArraySize(flags))
		putchar('-');
	cJSON_ArrayForEach (flag, flags)
		printf("%s%s", cJSON_GetStringValue(flag), flag->next ? ", " : "");
	putchar('\n');
}

static void print_link(const cJSON *link)
{
	const cJSON *mtu = member(link, "mtu");

	printf("  %-11s ", "link");
	if (cJSON_IsNumber(mtu))
		printf("MTU %.0f, ", mtu->valuedouble);
	printf("%s (evidence of a tunnel: %s)\n", text_of(link, "label"), text_of(link, "grade"));
}

static void print_user_agent(const cJSON *answer)
{
	if (!answer)
		return;
	printf("  %-11s claims %s: %s", "user agent", text_of(answer, "claim"),
	       text_of(answer, "reason"));
	if (cJSON_IsNumber(member(answer, "probability")))
		printf(" (a lie with probability %.3g)",
		       cJSON_GetNumberValue(member(answer, "probability")));
	putchar('\n');
}

static void print_pair(const cJSON *pair)
{
	if (!pair)
		return;
	printf("  %-11s ", "pair");
	if (!cJSON_IsTrue(member(pair, "found"))) {
		printf("%s has not been seen\n", text_of(pair, "also"));
		return;
	}
	printf("with %s (%.0f s apart), MTU %.0f and %.0f: %s (evidence of a tunnel: %s)\n",
	       text_of(pair, "also"), cJSON_GetNumberValue(member(pair, "apart_s")),
	       cJSON_GetNumberValue(member(pair, "mtu")),
	       cJSON_GetNumberValue(member(pair, "also_mtu")), text_of(pair, "text"),
	       text_of(pair, "grade"));
}

static void print_confirmed(const cJSON *reply)
{
	const char *what = cJSON_IsTrue(member(reply, "confirmed"))
				   ? "yes, by its handshake"
				   : "no: only its SYN was seen, which anybody can send";

	printf("  %-11s %s\n", "confirmed", what);
	if (cJSON_IsTrue(member(reply, "newer_differs")))
		printf("  %-11s a newer SYN, which nothing confirms, says something else\n", "");
}

static void print_verdict(const cJSON *reply)
{
	const cJSON *os = member(reply, "os"), *client = member(reply, "client");
	const cJSON *hops = member(reply, "dist_hops"), *sig = member(reply, "sig");

	printf("%s is %s\n", text_of(reply, "ip"), text_of(os, "label"));
	printf("  %-11s %s (%s), %.0f%% sure, %s match\n", "class", text_of(os, "class"),
	       text_of(os, "family"), cJSON_GetNumberValue(member(os, "confidence")) * 100,
	       text_of(os, "match"));
	print_link(member(reply, "link"));
	if (cJSON_IsNumber(hops))
		printf("  %-11s %.0f hops\n", "distance", hops->valuedouble);
	print_flags(member(reply, "flags"));
	if (cJSON_IsString(sig))
		printf("  %-11s %s\n", "signature", sig->valuestring);
	print_confirmed(reply);
	print_time("first seen", member(client, "first_seen"));
	print_time("last seen", member(client, "last_seen"));
	printf("  %-11s %.0f\n", "connections", cJSON_GetNumberValue(member(client, "syn_count")));
	print_user_agent(member(reply, "user_agent"));
	print_pair(member(reply, "pair"));
	print_reasons(member(reply, "reasons"));
}

static int print_reply(const struct cli *cli, const char *line, const cJSON *reply)
{
	bool is_found = cJSON_IsTrue(member(reply, "found"));

	if (cli->json)
		puts(line);
	else if (is_found)
		print_verdict(reply);
	else
		printf("%s has not been seen\n", text_of(reply, "ip"));
	return is_found ? CLI_OK : CLI_FAILED;
}

static int ask_verdict(const struct cli *cli, const cJSON *request)
{
	cJSON *reply = NULL;
	struct ask ask;
	const char *line;
	int r = ask_open(cli, &ask);

	if (r != CLI_OK)
		return r;
	r = ask_send(&ask, request);
	if (r == CLI_OK)
		r = ask_reply(&ask, &line, &reply);
	if (r == CLI_OK)
		r = print_reply(cli, line, reply);
	cJSON_Delete(reply);
	ask_close(&ask);
	return r;
}

enum { OPT_PORT = CLI_OPT_OWN, OPT_USER_AGENT, OPT_ALSO };

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {{"port", required_argument, NULL, OPT_PORT},
						{"user-agent", required_argument, NULL,
						 OPT_USER_AGENT},
						{"also", required_argument, NULL, OPT_ALSO},
						CLI_COMMON_OPTIONS};
	const char *user_agent = NULL, *also = NULL;
	unsigned port = 0;
	struct addr addr;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_USER_AGENT)
			user_agent = optarg;
		else if (option == OPT_ALSO)
			also = optarg;
		else if (cli_parse_uint(optarg, 1, 65535, &port) < 0)
			return cli_usage_error(cli, "--port is a number from 1 to 65535");
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc)
		return cli_usage_error(cli, "verdict takes one address");
	if (addr_parse(argv[optind], &addr) < 0)
		return cli_usage_error(cli, "'%s' is no IP address", argv[optind]);
	cJSON_AddStringToObject(request, "ip", argv[optind]);
	if (port)
		cJSON_AddNumberToObject(request, "port", port);
	if (also)
		cJSON_AddStringToObject(request, "also", also);
	if (user_agent)
		cJSON_AddStringToObject(request, "user_agent", user_agent);
	return ask_verdict(cli, request);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("verdict");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_verdict = {
	.name = "verdict",
	.arguments = "ADDRESS [--port N] [--user-agent TEXT] [--also ADDRESS]",
	.summary = "Tell what a client is; exit status 1 where it has not been seen",
	.help = "Options:\n"
		"  --port N       the connection from this source port, not the newest confirmed "
		"one\n"
		"  --user-agent TEXT  what the client says of itself in HTTP, to be compared\n"
		"  --also ADDRESS the same client's address of the other IP version: what both "
		"prove\n",
	.run = run,
};
