/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the databases are, for commands that need no daemon. */
#ifndef SYNPRINT_CLI_DATABASES_H
#define SYNPRINT_CLI_DATABASES_H

#include <stddef.h>

#include "core/link/linkdb.h"

/**
 * cli_find_databases() - the folder of signatures.db and links.db: $SYNPRINT_CONF_DIR, beside a
 * build tree, or as installed.
 */
void cli_find_databases(char *ret_dir, size_t size);

/**
 * cli_load_links() - a link table into @db, which is new.
 * Return: CLI_OK, or the exit code: what is wrong was said.
 */
int cli_load_links(const char *path, struct linkdb *db);

#endif
