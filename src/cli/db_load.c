/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that a subcommand of `synprint db` is about. */
#include <stdlib.h>
#include <string.h>

#include "cli/db.h"
#include "knowledge/knowledge.h"

size_t db_count(const struct sigdb *db)
{
	struct sigdb_stats stats;

	sigdb_get_stats(db, &stats);
	return stats.sigs;
}

bool db_is_link_table(const char *path)
{
	static const char *const sections[] = {"[base]", "[mtu]", "[encap]"};
	const char *line;
	bool is = false;
	char *text;
	size_t len;

	if (knowledge_read_text(path, &text, &len) < 0)
		return false;
	for (line = text; *line && *line != '[';)
		line += strcspn(line, "\n"), line += *line == '\n';
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		is |= strncmp(line, sections[i], strlen(sections[i])) == 0;
	free(text);
	return is;
}

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
		if (db_is_link_table(call->files[i]))
			return cli_error(CLI_BAD_INPUT,
					 "%s: it is a link table, and has no signatures",
					 call->files[i]);
		knowledge_error_format(&error, what, sizeof(what));
		return cli_error(CLI_BAD_INPUT, "%s", what);
	}
	if (rc < 0)
		return cli_error(CLI_FAILED, "out of memory");
	*ret_db = db;
	return CLI_OK;
}
