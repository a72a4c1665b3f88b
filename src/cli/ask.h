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
	unsigned timeout_ms; /* of an answer; 0: as usual */
};

/**
 * ask_open() - connect. A service that is stopped is not started by that, though systemd(1) listens.
 * Return: CLI_OK, or the exit code, with the error printed.
 */
int ask_open(const struct cli *cli, struct ask *ret_ask);

/** ask_find() - where to connect, for ask_connect(). Return: as ask_open(). */
int ask_find(const struct cli *cli, struct ask *ret_ask);

/** ask_connect() - Return: 0; -ENOENT and the like; -ENOTCONN: only systemd listens; silent. */
int ask_connect(struct ask *ask, unsigned timeout_ms);

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

/** ask_member(), ask_text(), ask_number() - a member of a reply; NULL, "-" and 0 without it. */
const cJSON *ask_member(const cJSON *object, const char *name);
const char *ask_text(const cJSON *object, const char *name);
double ask_number(const cJSON *object, const char *name);

/** ask_request() - open, send and wait, all in one; ask_close() in any case. Return: as ask_reply(). */
int ask_request(const struct cli *cli, const cJSON *request, struct ask *ret_ask,
		const char **ret_line, cJSON **ret_reply);

enum ask_kind { ASK_TEXT, ASK_PORT };

/* An option that is a member of the request. */
struct ask_option {
	const char *name, *member;
	enum ask_kind kind;
	bool is_required;
};

#define ASK_OPTIONS_MAX 4

/* A command that is one request and one reply. */
struct ask_command {
	const char *op;
	bool has_address; /* and no other operand; else it has none, but for: */
	/* what is done instead where there are operands; NULL: nothing. Return: the exit code */
	int (*operands)(const struct cli *cli, const char *const *operands, unsigned count);
	const char *takes; /* for the usage error */
	struct ask_option options[ASK_OPTIONS_MAX]; /* a name that is NULL ends them */
	unsigned limit; /* of a list; 0: none is sent */
	unsigned timeout_ms; /* of the answer; 0: as usual */
	const char
		*truth; /* member that is false where the exit status is CLI_FAILED; NULL: none */
	int (*print)(const cJSON *reply); /* without --json; Return: CLI_OK, or the exit code */
};

/** ask_run() - the run() of such a command. */
int ask_run(struct cli *cli, int argc, char **argv, const struct ask_command *command);

#endif
