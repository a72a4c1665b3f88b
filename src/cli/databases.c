/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the databases are: as the environment says, beside a build tree, or as installed. */
#include "cli/databases.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "knowledge/knowledge.h"

void cli_find_databases(char *ret_dir, size_t size)
{
	const char *chosen = getenv("SYNPRINT_CONF_DIR");
	char file[4200], self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (chosen && *chosen) {
		snprintf(ret_dir, size, "%s", chosen);
		return;
	}
	if (len > 0) {
		self[len] = '\0';
		snprintf(ret_dir, size, "%s/../conf", dirname(self));
		snprintf(file, sizeof(file), "%s/signatures.db", ret_dir);
		if (access(file, R_OK) == 0)
			return;
	}
	snprintf(ret_dir, size, "%s", SYNPRINT_SYSCONFDIR);
}

int cli_load_links(const char *path, struct linkdb *db)
{
	struct text_error error = {0};
	char *text;
	size_t len;
	int r = knowledge_read_text(path, &text, &len);

	if (r < 0)
		return cli_error(CLI_BAD_INPUT, "%s: cannot read it: %s", path, strerror(-r));
	r = linkdb_load(db, text, len, &error);
	free(text);
	if (r < 0)
		return cli_error(CLI_BAD_INPUT, "%s:%u:%u: %s", path, error.line, error.column,
				 error.what);
	return CLI_OK;
}
