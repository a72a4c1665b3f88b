/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to the daemon, and saying plainly why that failed. */
#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/activation.h"
#include "config/config.h"
#include "core/base/addr.h"

#define ANSWER_TIMEOUT_MS 5000

/* A broken configuration must not keep anybody from asking a daemon that runs. */
static int find_socket(const struct cli *cli, struct ask *ask)
{
	const char *path = cli->socket ? cli->socket : CONFIG_DEFAULT_SOCKET;
	struct text_error error;
	struct config *config = NULL;
	int r = CLI_OK;

	if (!cli->socket && cli->config_path)
		r = cli_load_config(cli, &config);
	else if (!cli->socket && access(CONFIG_DEFAULT_PATH, R_OK) == 0)
		config_load(CONFIG_DEFAULT_PATH, &error, &config);
	if (r != CLI_OK)
		return r;
	if (config)
		path = config->socket;
	if (*path && strlen(path) < sizeof(ask->path))
		memcpy(ask->path, path, strlen(path) + 1);
	else
		r = cli_error(CLI_USAGE, "a socket's path has 1 to %zu bytes",
			      sizeof(ask->path) - 1);
	config_free(config);
	return r;
}

static bool is_no_socket(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

static int explain_failure(const struct ask *ask, int error)
{
	if (error == EACCES || error == EPERM)
		return cli_error(CLI_NO_PRIVILEGES,
				 "no permission for %s: be root, or in the group of that file",
				 ask->path);
	if (error == ENOTCONN)
		return cli_error(
			CLI_UNREACHABLE,
			"synprintd is stopped, and asking does not start it: 'systemctl start "
			"synprintd' does (systemd listens at %s for it)",
			ask->path);
	if (is_no_socket(ask->path))
		return cli_error(
			CLI_UNREACHABLE,
			"%s is no socket: somebody put something else in its place. Remove "
			"that, and synprintd makes its socket again at once",
			ask->path);
	if (error == ENOENT || error == ECONNREFUSED)
		return cli_error(CLI_UNREACHABLE, "synprintd is not running: nobody listens at %s",
				 ask->path);
	return cli_error(CLI_UNREACHABLE, "cannot connect to %s: %s", ask->path, strerror(error));
}

int ask_find(const struct cli *cli, struct ask *ret_ask)
{
	*ret_ask = (struct ask){.synprint = NULL};
	return find_socket(cli, ret_ask);
}

int ask_connect(struct ask *ask, unsigned timeout_ms)
{
	if (activation_is_dormant(ask->path))
		return -ENOTCONN;
	return synprint_connect(ask->path, timeout_ms, &ask->synprint);
}

int ask_open(const struct cli *cli, struct ask *ret_ask)
{
	int r = ask_find(cli, ret_ask);

	if (r != CLI_OK)
		return r;
	r = ask_connect(ret_ask, ANSWER_TIMEOUT_MS);
	return r < 0 ? explain_failure(ret_ask, -r) : CLI_OK;
}

void ask_close(struct ask *ask)
{
	synprint_close(ask->synprint);
	ask->synprint = NULL;
}

cJSON *ask_new_request(const char *op)
{
	cJSON *request = cJSON_CreateObject();

	cJSON_AddStringToObject(request, "op", op);
	return request;
}

static int lost(const struct ask *ask)
{
	return cli_error(CLI_UNREACHABLE, "synprintd at %s: %s", ask->path,
			 synprint_error(ask->synprint));
}

int ask_send(struct ask *ask, const cJSON *request)
{
	char *text = cJSON_PrintUnformatted(request);
	int r;

	if (!text)
		return cli_error(CLI_FAILED, "out of memory");
	r = synprint_send_line(ask->synprint, text) < 0 ? lost(ask) : CLI_OK;
	cJSON_free(text);
	return r;
}

/* A word for each exit code that is not CLI_FAILED; the daemon's codes are in control/proto.h. */
static int refusal_exit(const char *code)
{
	if (strcmp(code, "forbidden") == 0)
		return CLI_NO_PRIVILEGES;
	if (strcmp(code, "bad_value") == 0)
		return CLI_USAGE;
	if (strcmp(code, "busy") == 0)
		return CLI_UNREACHABLE;
	return CLI_FAILED;
}

/* A refusal begins with the member of the request that is wrong: here it is an option. */
static int refuse_in_words(int code, const char *text)
{
	static const char *const words[][2] = {
		{"\"flags\": ", "--flag: "},      {"\"classes\": ", "--class: "},
		{"\"families\": ", "--family: "}, {"\"min_confidence\": ", "--min-confidence: "},
		{"\"grade\": ", "--grade: "},     {"\"user_agent\": ", "--user-agent: "},
		{"\"port\": ", "--port: "},       {"\"also\": ", "--also: "},
		{"\"net\": ", "the network: "},
	};

	static const char json[] = " as a string";
	int len = (int)strlen(text), json_len = (int)strlen(json);

	if (len > json_len && strcmp(text + len - json_len, json) == 0)
		len -= json_len;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		int skip = (int)strlen(words[i][0]);

		if (strncmp(text, words[i][0], (size_t)skip) == 0)
			return cli_error(code, "%s%.*s", words[i][1], len - skip, text + skip);
	}
	return cli_error(code, "%.*s", len, text);
}

static int check_reply(const cJSON *reply)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
	const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "code"));
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));

	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")))
		return CLI_OK;
	if (!code || !text)
		return cli_error(CLI_FAILED, "the daemon's reply makes no sense");
	return refuse_in_words(refusal_exit(code), text);
}

int ask_reply(struct ask *ask, const char **ret_line, cJSON **ret_reply)
{
	cJSON *reply;
	int r;
	unsigned timeout_ms = ask->timeout_ms ? ask->timeout_ms : ANSWER_TIMEOUT_MS;

	if (synprint_receive_line(ask->synprint, (int)timeout_ms, ret_line) < 0)
		return lost(ask);
	reply = cJSON_Parse(*ret_line);
	r = check_reply(reply);
	if (r == CLI_OK)
		*ret_reply = reply;
	else
		cJSON_Delete(reply);
	return r;
}

int ask_request(const struct cli *cli, const cJSON *request, struct ask *ret_ask,
		const char **ret_line, cJSON **ret_reply)
{
	int r = ask_open(cli, ret_ask);

	if (r == CLI_OK)
		r = ask_send(ret_ask, request);
	if (r == CLI_OK)
		r = ask_reply(ret_ask, ret_line, ret_reply);
	return r;
}

const cJSON *ask_member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *ask_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(ask_member(object, name));

	return text ? text : "-";
}

double ask_number(const cJSON *object, const char *name)
{
	const cJSON *value = ask_member(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}

/* ---- commands that are one request ---- */

static int add_option(const struct cli *cli, const struct ask_option *option, cJSON *request)
{
	unsigned port;

	cJSON_DeleteItemFromObjectCaseSensitive(request, option->member);
	switch (option->kind) {
	case ASK_TEXT: cJSON_AddStringToObject(request, option->member, optarg); break;
	case ASK_PORT:
		if (cli_parse_uint(optarg, 1, 65535, &port) < 0)
			return cli_usage_error(cli, "--%s is a number from 1 to 65535",
					       option->name);
		cJSON_AddNumberToObject(request, option->member, port);
		break;
	}
	return CLI_OK;
}

static int read_options(struct cli *cli, int argc, char **argv, const struct ask_command *command,
			cJSON *request)
{
	static const struct option common[] = {CLI_COMMON_OPTIONS};
	struct option options[ASK_OPTIONS_MAX + sizeof(common) / sizeof(common[0])];
	int count = 0, option, r = CLI_OK;

	for (; count < ASK_OPTIONS_MAX && command->options[count].name; count++)
		options[count] = (struct option){command->options[count].name, required_argument,
						 NULL, CLI_OPT_OWN + count};
	memcpy(options + count, common, sizeof(common));
	while (r == CLI_OK && (option = cli_option(cli, argc, argv, options)) != -1) {
		if (option == CLI_STOP)
			return CLI_STOP;
		r = add_option(cli, &command->options[option - CLI_OPT_OWN], request);
	}
	return r;
}

static bool has_all(const struct ask_command *command, const cJSON *request)
{
	for (unsigned i = 0; i < ASK_OPTIONS_MAX && command->options[i].name; i++)
		if (command->options[i].is_required &&
		    !ask_member(request, command->options[i].member))
			return false;
	return true;
}

static int make_request(struct cli *cli, int argc, char **argv, const struct ask_command *command,
			cJSON *request)
{
	int r = read_options(cli, argc, argv, command, request);
	struct addr addr;

	if (r != CLI_OK)
		return r;
	if (command->operands && optind < argc) {
		cli->exit = command->operands(cli, (const char *const *)(argv + optind),
					      (unsigned)(argc - optind));
		return CLI_STOP;
	}
	if (optind + command->has_address != argc || !has_all(command, request))
		return cli_usage_error(cli, "%s takes %s", cli->command->name, command->takes);
	if (command->limit)
		cJSON_AddNumberToObject(request, "limit", command->limit);
	if (!command->has_address)
		return CLI_OK;
	if (addr_parse(argv[optind], &addr) < 0)
		return cli_usage_error(cli, "'%s' is no IP address", argv[optind]);
	cJSON_AddStringToObject(request, "ip", argv[optind]);
	return CLI_OK;
}

static int tell(const struct cli *cli, const struct ask_command *command, const char *line,
		const cJSON *reply)
{
	int r = CLI_OK;

	if (cli->json)
		puts(line);
	else
		r = command->print(reply);
	if (r == CLI_OK && command->truth && !cJSON_IsTrue(ask_member(reply, command->truth)))
		return CLI_FAILED;
	return r;
}

int ask_run(struct cli *cli, int argc, char **argv, const struct ask_command *command)
{
	cJSON *request = ask_new_request(command->op), *reply = NULL;
	struct ask ask = {.synprint = NULL};
	const char *line;
	int r = make_request(cli, argc, argv, command, request);

	if (r == CLI_OK)
		r = ask_open(cli, &ask);
	ask.timeout_ms = command->timeout_ms;
	if (r == CLI_OK)
		r = ask_send(&ask, request);
	if (r == CLI_OK)
		r = ask_reply(&ask, &line, &reply);
	if (r == CLI_OK)
		r = tell(cli, command, line, reply);
	cJSON_Delete(reply);
	cJSON_Delete(request);
	ask_close(&ask);
	return r == CLI_STOP ? cli->exit : r;
}
