/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A conversation with the daemon over its control socket, one JSON object a line. */
#ifndef SYNPRINT_CLI_ASK_H
#define SYNPRINT_CLI_ASK_H

#include <cjson/cJSON.h>

#include "cli/cli.h"
#include "synprint/client.h"

struct ask {
	struct synprint *synprint;
	char path[108]; /* sun_path's size, for messages */
};

/** ask_open() - connect. Return: CLI_OK, or the exit code, with the error printed. */
int ask_open(const struct cli *cli, struct ask *ret_ask);
void ask_close(struct ask *ask);

/** ask_new_request() - `{"op":...}`, to be freed with cJSON_Delete(). */
cJSON *ask_new_request(const char *op);

/** ask_send() - Return: CLI_OK, or the exit code, with the error printed. */
int ask_send(struct ask *ask, const cJSON *request);

/**
 * ask_reply() - wait for one reply; a refusal is printed.
 * @ret_line, @ret_reply: its text, good until the next one, and as a tree to be deleted
 * Return: CLI_OK, or the exit code.
 */
int ask_reply(struct ask *ask, const char **ret_line, cJSON **ret_reply);

/** ask_request() - open, send and wait, all in one; ask_close() in any case. Return: as ask_reply(). */
int ask_request(const struct cli *cli, const cJSON *request, struct ask *ret_ask,
		const char **ret_line, cJSON **ret_reply);

#endif
