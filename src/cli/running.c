/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon says in its status which file it has. */
#include "cli/running.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"

#define BUILT_IN "built-in defaults" /* as the daemon calls them */
#define PATIENCE_MS 1000 /* one that stands still is none */

static void go_to_daemon(const cJSON *status)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.0f/cwd", ask_number(status, "pid"));
	if (chdir(path) < 0)
		return; /* only root may; most names are absolute */
}

const char *running_config_path(const cJSON *status)
{
	const char *path = ask_text(status, "config");

	go_to_daemon(status);
	return strcmp(path, BUILT_IN) == 0 ? NULL : path;
}

static cJSON *read_status(struct ask *ask, bool *ret_is_there)
{
	const char *line;
	cJSON *status = NULL;

	*ret_is_there = ask_connect(ask, PATIENCE_MS) == 0;
	if (*ret_is_there && synprint_request(ask->synprint, "{\"op\":\"status\"}", &line) == 0)
		status = cJSON_Parse(line);
	ask_close(ask);
	return status;
}

cJSON *running_read_status(const struct cli *cli)
{
	struct ask ask;
	bool is_there;

	return ask_find(cli, &ask) == CLI_OK ? read_status(&ask, &is_there) : NULL;
}

/* Who is there and does not answer is named, as his file may be another. */
static cJSON *read_named_status(struct ask *ask)
{
	bool is_there;
	cJSON *status = read_status(ask, &is_there);

	if (is_there && !status)
		fprintf(stderr,
			"synprint: synprintd at %s does not answer; its file may be another than "
			"the default one, which is taken (--config names one)\n",
			ask->path);
	return status;
}

int running_load_config(const struct cli *cli, struct config **ret_config)
{
	struct cli with = *cli;
	struct ask ask;
	cJSON *status;
	int r;

	if (cli->config_path)
		return cli_load_config(cli, ret_config);
	r = ask_find(cli, &ask);
	if (r != CLI_OK)
		return r;
	status = read_named_status(&ask);
	if (ask_member(status, "config"))
		with.config_path = running_config_path(status);
	r = cli_load_config(&with, ret_config);
	cJSON_Delete(status);
	return r;
}
