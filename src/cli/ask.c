/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connecting to the daemon, and saying plainly why that failed. */
#include "cli/ask.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/config.h"

#define ANSWER_TIMEOUT_S 5
#define READ_BYTES 65536

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
	if (strlen(path) < sizeof(ask->path))
		memcpy(ask->path, path, strlen(path) + 1);
	else
		r = cli_error(CLI_USAGE, "a socket's path has at most %zu bytes",
			      sizeof(ask->path) - 1);
	config_free(config);
	return r;
}

static int explain_failure(const struct ask *ask, int error)
{
	if (error == EACCES || error == EPERM)
		return cli_error(CLI_NO_PRIVILEGES,
				 "no permission for %s: be root, or in the group of that file",
				 ask->path);
	if (error == ENOENT || error == ECONNREFUSED)
		return cli_error(CLI_UNREACHABLE, "synprintd is not running: nobody listens at %s",
				 ask->path);
	return cli_error(CLI_UNREACHABLE, "cannot connect to %s: %s", ask->path, strerror(error));
}

int ask_open(const struct cli *cli, struct ask *ret_ask)
{
	struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	*ret_ask = (struct ask){.fd = -1};
	r = find_socket(cli, ret_ask);
	if (r != CLI_OK)
		return r;
	memcpy(address.sun_path, ret_ask->path, sizeof(address.sun_path));
	ret_ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ret_ask->fd < 0)
		return cli_error(CLI_FAILED, "cannot make a socket: %s", strerror(errno));
	setsockopt(ret_ask->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(ret_ask->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(ret_ask->fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return CLI_OK;
	r = explain_failure(ret_ask, errno);
	ask_close(ret_ask);
	return r;
}

void ask_close(struct ask *ask)
{
	if (ask->fd >= 0)
		close(ask->fd);
	ask->fd = -1;
	bytes_done(&ask->in);
}

cJSON *ask_new_request(const char *op)
{
	cJSON *request = cJSON_CreateObject();

	cJSON_AddStringToObject(request, "op", op);
	return request;
}

static int lost(const struct ask *ask, int error)
{
	if (error == EAGAIN)
		return cli_error(CLI_UNREACHABLE, "synprintd at %s does not answer", ask->path);
	return cli_error(CLI_UNREACHABLE, "the connection to synprintd at %s broke: %s", ask->path,
			 error ? strerror(error) : "closed by the daemon");
}

int ask_send(struct ask *ask, const cJSON *request)
{
	char *text = cJSON_PrintUnformatted(request);
	size_t len, done = 0;
	int r = CLI_OK;

	if (!text)
		return cli_error(CLI_FAILED, "out of memory");
	len = strlen(text);
	text[len++] = '\n'; /* in place of the NUL */
	while (done < len && r == CLI_OK) {
		ssize_t n = send(ask->fd, text + done, len - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno == EPIPE)
			break; /* what the daemon said before it closed is still to be read */
		else if (errno != EINTR)
			r = lost(ask, errno);
	}
	cJSON_free(text);
	return r;
}

int ask_fill(struct ask *ask)
{
	char *end = bytes_reserve(&ask->in, READ_BYTES);
	ssize_t n;

	if (!end)
		return -ENOMEM;
	do
		n = recv(ask->fd, end, READ_BYTES, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	ask->in.len += (size_t)n;
	return (int)n;
}

bool ask_take_line(struct ask *ask, char **ret_line, size_t *ret_len)
{
	char *line = bytes_front(&ask->in), *newline = NULL;

	if (ask->in.len > ask->scanned)
		newline = memchr(line + ask->scanned, '\n', ask->in.len - ask->scanned);
	if (!newline) {
		ask->scanned = ask->in.len;
		return false;
	}
	*newline = '\0';
	*ret_line = line;
	*ret_len = (size_t)(newline - line);
	bytes_consume(&ask->in, *ret_len + 1);
	ask->scanned = 0;
	return true;
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

static int check_reply(const cJSON *reply)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(reply, "error");
	const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "code"));
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));

	if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "ok")))
		return CLI_OK;
	if (!code || !text)
		return cli_error(CLI_FAILED, "the daemon's reply makes no sense");
	return cli_error(refusal_exit(code), "%s", text);
}

int ask_reply(struct ask *ask, char **ret_line, cJSON **ret_reply)
{
	size_t len;
	cJSON *reply;
	int r;

	while (!ask_take_line(ask, ret_line, &len)) {
		r = ask_fill(ask);
		if (r <= 0)
			return lost(ask, -r);
	}
	reply = cJSON_ParseWithLength(*ret_line, len + 1);
	r = check_reply(reply);
	if (r == CLI_OK)
		*ret_reply = reply;
	else
		cJSON_Delete(reply);
	return r;
}

int ask_request(const struct cli *cli, const cJSON *request, struct ask *ret_ask, char **ret_line,
		cJSON **ret_reply)
{
	int r = ask_open(cli, ret_ask);

	if (r == CLI_OK)
		r = ask_send(ret_ask, request);
	if (r == CLI_OK)
		r = ask_reply(ret_ask, ret_line, ret_reply);
	return r;
}
