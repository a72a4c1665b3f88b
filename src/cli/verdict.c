/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint verdict: what the daemon knows of one address, with its reasons in words. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"
#include "core/base/reason.h"

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
	const cJSON *mtu = ask_member(link, "mtu");

	printf("  %-11s ", "link");
	if (cJSON_IsNumber(mtu))
		printf("MTU %.0f, ", mtu->valuedouble);
	printf("%s (evidence of a tunnel: %s)\n", ask_text(link, "label"), ask_text(link, "grade"));
}

static void print_user_agent(const cJSON *answer)
{
	if (!answer)
		return;
	printf("  %-11s ", "user agent");
	if (cJSON_IsString(ask_member(answer, "claim")))
		printf("claims %s: ", ask_text(answer, "claim"));
	fputs(ask_text(answer, "reason"), stdout);
	if (cJSON_IsNumber(ask_member(answer, "probability")))
		printf(" (a lie with probability %.3g)", ask_number(answer, "probability"));
	putchar('\n');
}

static void print_pair(const cJSON *pair)
{
	if (!pair)
		return;
	printf("  %-11s ", "pair");
	if (!cJSON_IsTrue(ask_member(pair, "found"))) {
		printf("%s has not been seen\n", ask_text(pair, "also"));
		return;
	}
	printf("with %s (%.0f s apart), MTU %.0f and %.0f: %s (evidence of a tunnel: %s)\n",
	       ask_text(pair, "also"), ask_number(pair, "apart_s"), ask_number(pair, "mtu"),
	       ask_number(pair, "also_mtu"), ask_text(pair, "text"), ask_text(pair, "grade"));
}

static void print_confirmed(const cJSON *reply)
{
	const char *why = cJSON_GetStringValue(ask_member(reply, "unconfirmable"));

	printf("  %-11s ", "confirmed");
	if (cJSON_IsTrue(ask_member(reply, "confirmed")))
		puts("yes, by its handshake");
	else if (why)
		printf("no: no handshake can be seen here, whoever comes (%s)\n", why);
	else
		puts("no: its handshake was not seen, and anybody can send a SYN");
	if (cJSON_IsTrue(ask_member(reply, "newer_differs")))
		printf("  %-11s a newer SYN, which nothing confirms, says something else\n", "");
}

static void print_verdict(const cJSON *reply)
{
	const cJSON *os = ask_member(reply, "os"), *client = ask_member(reply, "client");
	const cJSON *hops = ask_member(reply, "dist_hops"), *sig = ask_member(reply, "sig");

	printf("%s is %s\n", ask_text(reply, "ip"), ask_text(os, "label"));
	if (cJSON_IsFalse(ask_member(reply, "exact")))
		printf("  %-11s another connection of it: of that port nothing is known\n",
		       "judged by");
	printf("  %-11s %s (%s), %.0f%% sure, %s match\n", "class", ask_text(os, "class"),
	       ask_text(os, "family"), ask_number(os, "confidence") * 100, ask_text(os, "match"));
	print_link(ask_member(reply, "link"));
	if (cJSON_IsNumber(hops))
		printf("  %-11s %.0f hops\n", "distance", hops->valuedouble);
	print_flags(ask_member(reply, "flags"));
	if (cJSON_IsString(sig))
		printf("  %-11s %s\n", "signature", sig->valuestring);
	print_confirmed(reply);
	print_time("first seen", ask_member(client, "first_seen"));
	print_time("last seen", ask_member(client, "last_seen"));
	printf("  %-11s %.0f\n", "connections", ask_number(client, "syn_count"));
	print_user_agent(ask_member(reply, "user_agent"));
	print_pair(ask_member(reply, "pair"));
	print_reasons(ask_member(reply, "reasons"));
}

static int print_reply(const cJSON *reply)
{
	if (cJSON_IsTrue(ask_member(reply, "found")))
		print_verdict(reply);
	else
		printf("%s has not been seen\n", ask_text(reply, "ip"));
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct ask_command command = {
		.op = "verdict",
		.has_address = true,
		.takes = "one address",
		.options = {{"port", "port", ASK_PORT, false},
			    {"user-agent", "user_agent", ASK_TEXT, false},
			    {"also", "also", ASK_TEXT, false}},
		.truth = "found",
		.print = print_reply,
	};

	return ask_run(cli, argc, argv, &command);
}

const struct cli_command cli_verdict = {
	.name = "verdict",
	.arguments = "ADDRESS [--port N] [--user-agent TEXT] [--also ADDRESS]",
	.summary = "Tell what a client is; exit status 1 where it has not been seen",
	.help = "Options:\n"
		"  --port N       the connection from this source port, not the newest confirmed "
		"one\n"
		"  --user-agent TEXT  what the client says of itself in HTTP, to be compared:\n"
		"                 a lie is kept with it, where you may say so (control.claims)\n"
		"  --also ADDRESS the same client's address of the other IP version: what both "
		"prove\n",
	.run = run,
};
