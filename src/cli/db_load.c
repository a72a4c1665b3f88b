/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a subcommand of `synprint db` is about. */
#include "cli/db.h"
#include "knowledge/knowledge.h"

int db_load(struct db_call *call, struct sigdb **ret_db)
{
	struct sigdb *db = sigdb_new(call->vocab);
	int rc = db ? 0 : -1;

	for (unsigned i = 0; rc == 0 && i < call->file_count; i++) {
		struct knowledge_error error;
		char what[4608];

		if (knowledge_add_file(db, call->files[i], &error) == 0)
			continue;
		sigdb_free(db);
		knowledge_error_format(&error, what, sizeof(what));
		return cli_error(CLI_BAD_INPUT, "%s", what);
	}
	if (rc < 0)
		return cli_error(CLI_FAILED, "out of memory");
	*ret_db = db;
	return CLI_OK;
}
