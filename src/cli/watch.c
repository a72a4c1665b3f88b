/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint watch: the daemon's events as they come, for eyes or, with --json, for programs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/filters.h"
#include "cli/screen.h"

#define OUT_BYTES 65536
#define LINE_BYTES 4096 /* room for one printed line; --json copies lines of any length */

struct watch {
	const struct cli *cli;
	struct ask ask;
	struct line_layout layout;
	struct text_buf out;
	char data[OUT_BYTES];
};

/* Everything printed was written at once, so there is nothing to tidy up. */
static void end_quietly(int signo)
{
	(void)signo;
	_exit(CLI_OK);
}

static int flush_out(struct watch *watch)
{
	int r = cli_write(watch->out.data, watch->out.len);

	text_buf_init(&watch->out, watch->data, sizeof(watch->data));
	return r;
}

static void put_event(struct watch *watch, const cJSON *event)
{
	const cJSON *kind = cJSON_GetObjectItemCaseSensitive(event, "event");
	const cJSON *missed = cJSON_GetObjectItemCaseSensitive(event, "missed");
	struct line line;

	if (cJSON_IsNumber(missed))
		text_putf(&watch->out, "-- %.0f events missed: this reader was too slow --\n",
			  missed->valuedouble);
	/* Whose SYN was shown already. */
	if (!cJSON_IsString(kind) || strcmp(kind->valuestring, "confirmed") == 0 ||
	    !cJSON_GetObjectItemCaseSensitive(event, "ip"))
		return;
	line_from_json(event, &line);
	screen_follow(&watch->layout);
	line_put(&watch->layout, &line, &watch->out);
}

static int put_json(struct watch *watch, const char *text, size_t len)
{
	int r = CLI_OK;

	if (watch->out.size - watch->out.len < len + 2)
		r = flush_out(watch);
	if (r == CLI_OK && watch->out.size < len + 2)
		r = cli_write(text, len);
	else
		text_put_len(&watch->out, text, len);
	text_put_char(&watch->out, '\n');
	return r;
}

static int put_line(struct watch *watch, const char *text, size_t len)
{
	cJSON *event;

	if (watch->cli->json)
		return put_json(watch, text, len);
	event = cJSON_ParseWithLength(text, len + 1);
	put_event(watch, event);
	cJSON_Delete(event);
	return watch->out.size - watch->out.len < LINE_BYTES ? flush_out(watch) : CLI_OK;
}

/* Also comes back when the reader of our output has gone, though nothing is to be written. */
static int wait_for_events(const struct watch *watch)
{
	struct pollfd fds[] = {{.fd = synprint_fd(watch->ask.synprint), .events = POLLIN},
			       {.fd = STDOUT_FILENO}};

	if (poll(fds, 2, -1) < 0)
		return errno == EINTR ? CLI_OK : cli_error(CLI_FAILED, "poll: %s", strerror(errno));
	if (fds[1].revents)
		cli_end_quietly();
	return CLI_OK;
}

static int follow(struct watch *watch)
{
	const char *line;
	int r = CLI_OK;

	while (r == CLI_OK) {
		int rc = synprint_receive_line(watch->ask.synprint, 0, &line);

		if (rc == 0) {
			r = put_line(watch, line, strlen(line));
			continue;
		}
		r = flush_out(watch);
		if (r == CLI_OK)
			r = rc == -ETIMEDOUT
				    ? wait_for_events(watch)
				    : cli_error(CLI_UNREACHABLE, "synprintd has gone away (%s)",
						synprint_error(watch->ask.synprint));
	}
	return r;
}

static int watch_events(const struct cli *cli, const cJSON *request, enum line_color color)
{
	static struct watch watch;
	cJSON *reply = NULL;
	const char *line;
	int r;

	watch.cli = cli;
	text_buf_init(&watch.out, watch.data, sizeof(watch.data));
	signal(SIGINT, end_quietly);
	signal(SIGTERM, end_quietly);
	r = ask_open(cli, &watch.ask);
	if (r != CLI_OK)
		return r;
	if (screen_init(color, false, &watch.layout) && !cli->json)
		line_put_header(&watch.layout, &watch.out);
	r = ask_send(&watch.ask, request);
	if (r == CLI_OK)
		r = ask_reply(&watch.ask, &line, &reply);
	cJSON_Delete(reply);
	if (r == CLI_OK)
		r = follow(&watch);
	ask_close(&watch.ask);
	return r;
}

enum { OPT_CHANGES = CLI_OPT_OWN, OPT_SNAPSHOT, OPT_COLOR };

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {{"changes", no_argument, NULL, OPT_CHANGES},
						{"snapshot", no_argument, NULL, OPT_SNAPSHOT},
						{"color", required_argument, NULL, OPT_COLOR},
						FILTER_OPTIONS,
						CLI_COMMON_OPTIONS};
	enum line_color color = LINE_COLOR_AUTO;
	bool syns = true;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_CHANGES)
			syns = false;
		else if (option == OPT_SNAPSHOT)
			cJSON_AddTrueToObject(request, "snapshot");
		else if (option == OPT_COLOR && line_color_parse(optarg, &color) < 0)
			return cli_usage_error(cli, "--color is auto, always or never");
		else if (option != OPT_COLOR && filters_add(request, option, optarg) < 0)
			return cli_usage_error(cli, "'%s' is no number", optarg);
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind < argc)
		return cli_usage_error(cli, "watch takes options only, not '%s'", argv[optind]);
	cJSON_AddBoolToObject(request, "syns", syns);
	return watch_events(cli, request, color);
}

static int run(struct cli *cli, int argc, char **argv)
{
	cJSON *request = ask_new_request("subscribe");
	int r = run_with_request(cli, argc, argv, request);

	cJSON_Delete(request);
	return r;
}

const struct cli_command cli_watch = {
	.name = "watch",
	.arguments = FILTER_ARGUMENTS " [--changes] [--snapshot] [--color WHEN]",
	.summary = "Show SYNs as they come, until Ctrl-C",
	.help = FILTER_HELP "Options:\n"
			    "  --changes      only new clients and changed verdicts\n"
			    "  --snapshot     all known clients first\n"
			    "  --color WHEN   auto (default; honours NO_COLOR), always or never\n",
	.run = run,
};
