/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No file that synprintd writes is one that it reads, or that another key has it write. */
#include "config/config_private.h"
#include "sys/file.h"

struct named {
	const char *key, *path;
};

static int need_another(const struct named *one, const struct named *other,
			struct text_error *ret_error)
{
	if (!one->path || !other->path || !file_is_same(one->path, other->path))
		return 0;
	return text_error_set(ret_error, 0, 0, "%s and %s are both %s: give one of them another",
			      one->key, other->key, one->path);
}

int config_check_files(const struct config *config, struct text_error *ret_error)
{
	const struct config_storage *storage = config->storage;
	const struct named written[] = {
		{"state.file", config->state_enabled ? config->state_file : NULL},
		{"learn.file", config->learn_enabled ? config->learn_file : NULL},
		{"metrics.textfile", config->metrics_file},
		{"p0f.socket", config->p0f_enabled ? config->p0f_socket : NULL},
	};
	const struct named others[] = {
		{"the configuration", storage->has_file ? storage->file : NULL},
		{"links", config->links},
		{"servers.database", config->servers_db},
		{"baseline.names", config->baseline_names},
		{"control.socket", config->socket},
	};
	const unsigned count = sizeof(written) / sizeof(written[0]);
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		for (unsigned j = i + 1; j < count && rc == 0; j++)
			rc = need_another(&written[i], &written[j], ret_error);
		for (unsigned j = 0; j < sizeof(others) / sizeof(others[0]) && rc == 0; j++)
			rc = need_another(&written[i], &others[j], ret_error);
		for (unsigned j = 0; j < config->signatures_count && rc == 0; j++)
			rc = need_another(&written[i],
					  &(struct named){"signatures", config->signatures[j]},
					  ret_error);
	}
	return rc;
}
