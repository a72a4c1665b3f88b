/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of the daemon that runs, for commands that are about what it has made. */
#ifndef SYNPRINT_CLI_RUNNING_H
#define SYNPRINT_CLI_RUNNING_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

/**
 * running_config_path() - the file that the daemon was started with; from here on relative names are
 * meant from where it works, if we may go there.
 * @status: its reply, in which the name is
 * Return: NULL: it has none.
 */
const char *running_config_path(const cJSON *status);

/** running_read_status() - its reply, to be deleted; NULL: nobody answers, and nothing is said of it. */
cJSON *running_read_status(const struct cli *cli);

/**
 * running_load_config() - as cli_load_config(), but without --config the file of the daemon that
 * answers, if one does.
 */
int running_load_config(const struct cli *cli, struct config **ret_config);

#endif
