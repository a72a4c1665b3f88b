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
#define RECONNECT_MS 1000 /* between two tries */
#define LINE_BYTES 4096 /* room for one printed line; --json copies lines of any length */

struct watch {
	const struct cli *cli;
	bool only_confirmed;
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
	/* Whose SYN was shown already, or is not shown at all. */
	if (!cJSON_IsString(kind) ||
	    (strcmp(kind->valuestring, "confirmed") == 0 && !watch->only_confirmed) ||
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

/* Until the connection is lost. Return: CLI_OK then, or the exit code. */
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
		if (r != CLI_OK || rc != -ETIMEDOUT)
			return r;
		r = wait_for_events(watch);
	}
	return r;
}

/* Programs get an object, such as other gaps are. */
static int say_lost(struct watch *watch, const char *reason)
{
	if (watch->cli->json)
		text_put(&watch->out, "{\"event\":\"disconnected\"}\n");
	else
		text_putf(&watch->out, "-- synprintd does not answer (%s); trying again --\n",
			  reason);
	return flush_out(watch);
}

/* One subscription. Return: CLI_OK where it is over. */
static int subscribe(struct watch *watch, const cJSON *request)
{
	cJSON *reply = NULL;
	const char *line;
	int r = ask_send(&watch->ask, request);

	if (r == CLI_OK)
		r = ask_reply(&watch->ask, &line, &reply);
	cJSON_Delete(reply);
	return r == CLI_OK ? follow(watch) : r;
}

/* Again and again, until the user has had enough; a request that is refused is no reason to. */
static int watch_for_ever(struct watch *watch, const cJSON *request)
{
	bool is_told = false;
	int r = CLI_OK;

	while (r == CLI_OK || r == CLI_UNREACHABLE) {
		int rc = ask_connect(&watch->ask, RECONNECT_MS);

		if (rc < 0 && !is_told)
			say_lost(watch, rc == -ENOTCONN ? "it is stopped" : strerror(-rc));
		is_told = rc < 0;
		if (rc == 0) {
			r = subscribe(watch, request);
			ask_close(&watch->ask);
			if (r == CLI_OK)
				r = say_lost(watch, "it has gone away");
			is_told = true;
		}
		poll(NULL, 0, RECONNECT_MS);
	}
	return r;
}

static int watch_once(struct watch *watch, const cJSON *request)
{
	int r = ask_open(watch->cli, &watch->ask);

	if (r != CLI_OK)
		return r;
	r = subscribe(watch, request);
	if (r == CLI_OK)
		r = cli_error(CLI_UNREACHABLE, "synprintd has gone away (%s)",
			      synprint_error(watch->ask.synprint));
	ask_close(&watch->ask);
	return r;
}

static int watch_events(const struct cli *cli, const cJSON *request, enum line_color color,
			bool reconnects)
{
	static struct watch watch;
	int r;

	watch.cli = cli;
	watch.only_confirmed = cJSON_IsTrue(ask_member(request, "confirmed"));
	text_buf_init(&watch.out, watch.data, sizeof(watch.data));
	signal(SIGINT, end_quietly);
	signal(SIGTERM, end_quietly);
	if (screen_init(color, false, &watch.layout) && !cli->json)
		line_put_header(&watch.layout, &watch.out);
	if (!reconnects)
		return watch_once(&watch, request);
	r = ask_find(cli, &watch.ask);
	return r == CLI_OK ? watch_for_ever(&watch, request) : r;
}

enum { OPT_CHANGES = CLI_OPT_OWN, OPT_CONFIRMED, OPT_SNAPSHOT, OPT_RECONNECT, OPT_COLOR };

static int run_with_request(struct cli *cli, int argc, char **argv, cJSON *request)
{
	static const struct option options[] = {{"changes", no_argument, NULL, OPT_CHANGES},
						{"confirmed", no_argument, NULL, OPT_CONFIRMED},
						{"snapshot", no_argument, NULL, OPT_SNAPSHOT},
						{"reconnect", no_argument, NULL, OPT_RECONNECT},
						{"color", required_argument, NULL, OPT_COLOR},
						FILTER_OPTIONS,
						CLI_COMMON_OPTIONS};
	enum line_color color = LINE_COLOR_AUTO;
	bool syns = true, confirmed = false, reconnects = false;
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_CHANGES)
			syns = false;
		else if (option == OPT_CONFIRMED)
			confirmed = true;
		else if (option == OPT_RECONNECT)
			reconnects = true;
		else if (option == OPT_SNAPSHOT)
			filters_set(request, "snapshot");
		else if (option == OPT_COLOR && line_color_parse(optarg, &color) < 0)
			return cli_usage_error(cli, "--color is auto, always or never");
		else if (option != OPT_COLOR && filters_add(request, option, optarg) < 0)
			return cli_usage_error(cli, "'%s' is no number", optarg);
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind < argc)
		return cli_usage_error(cli, "watch takes options only, not '%s'", argv[optind]);
	if (confirmed && !syns)
		return cli_usage_error(cli, "--changes and --confirmed exclude each other");
	cJSON_AddBoolToObject(request, "syns", syns && !confirmed);
	cJSON_AddBoolToObject(request, "confirmed", confirmed);
	return watch_events(cli, request, color, reconnects);
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
	.arguments = FILTER_ARGUMENTS
	" [--changes|--confirmed] [--snapshot] [--reconnect] [--color WHEN]",
	.summary = "Show SYNs as they come, until Ctrl-C",
	.help = FILTER_HELP
	"Options:\n"
	"  --changes      only new clients and changed verdicts\n"
	"  --confirmed    only connections that had their handshake: what no forged SYN can do\n"
	"  --snapshot     all known clients first\n"
	"  --reconnect    wait for a daemon that is not there, and go on after its restart\n"
	"  --color WHEN   auto (default; honours NO_COLOR), always or never\n",
	.run = run,
};
