/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the databases are, for commands that need no daemon. */
#ifndef SYNPRINT_CLI_DATABASES_H
#define SYNPRINT_CLI_DATABASES_H

#include <stddef.h>

/**
 * cli_find_databases() - the folder of signatures.db and links.db: $SYNPRINT_CONF_DIR, beside a
 * build tree, or as installed.
 */
void cli_find_databases(char *ret_dir, size_t size);

#endif
