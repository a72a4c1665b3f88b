/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the databases are: as the environment says, beside a build tree, or as installed. */
#include "cli/databases.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
