/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the subcommands of `synprint db` share. */
#ifndef SYNPRINT_CLI_DB_H
#define SYNPRINT_CLI_DB_H

#include "cli/cli.h"
#include "core/sig/sigdb_write.h"

#define DB_FILES_MAX 64

/* One call of `synprint db`. */
struct db_call {
	const struct cli *cli;
	const char *label; /* --label; NULL: all */
	const char *output; /* --output; NULL: standard output */
	const char *files[DB_FILES_MAX]; /* the shipped database where none was given */
	unsigned file_count;
	struct vocab *vocab;
};

/** db_load() - the files, read one after the other, not built. Return: CLI_OK, or the exit code. */
int db_load(struct db_call *call, struct sigdb **ret_db);

/** db_count() - how many signatures there are. */
size_t db_count(const struct sigdb *db);

/** db_is_link_table() - whether the first section of a file is one of a link table. */
bool db_is_link_table(const char *path);

int db_check(struct db_call *call);
int db_merge(struct db_call *call);
int db_import(struct db_call *call);
int db_export(struct db_call *call);

#endif
