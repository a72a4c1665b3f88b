/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files, and one message where one of them is no good. */
#include "cli/classify/classify_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/databases.h"

#define DIR_MAX 4096
#define FILE_MAX (DIR_MAX + 64)

struct files {
	char dir[DIR_MAX], signatures[FILE_MAX], links[FILE_MAX], servers[FILE_MAX];
	const char *signature_list[CLASSIFY_DB_MAX];
	const char *server_list[CLASSIFY_DB_MAX];
};

/* What cannot be read is told when its SYNs are wanted. */
static bool has_answers(const char *path)
{
	char *text = NULL;
	size_t len;
	bool has;

	if (knowledge_read_text(path, &text, &len) < 0)
		return false;
	has = strstr(text, "\n[tcp:response]") != NULL;
	free(text);
	return has;
}

/* A p0f.fp has signatures of servers too: of the files that are named for SYNs, those count. */
static unsigned list_servers(const struct classify_options *options, struct files *files)
{
	unsigned count = 0;

	for (unsigned i = 0; !options->servers && i < options->signature_count; i++)
		if (has_answers(options->signatures[i]))
			files->server_list[count++] = options->signatures[i];
	if (count)
		return count;
	files->server_list[0] = options->servers ? options->servers : files->servers;
	return 1;
}

static unsigned list_signatures(const struct classify_options *options, struct files *files)
{
	for (unsigned i = 0; i < options->signature_count; i++)
		files->signature_list[i] = options->signatures[i];
	if (options->signature_count)
		return options->signature_count;
	files->signature_list[0] = files->signatures;
	return 1;
}

static void find_files(struct files *files)
{
	cli_find_databases(files->dir, sizeof(files->dir));
	snprintf(files->signatures, FILE_MAX, "%s/signatures.db", files->dir);
	snprintf(files->links, FILE_MAX, "%s/links.db", files->dir);
	snprintf(files->servers, FILE_MAX, "%s/servers.db", files->dir);
}

int classify_load(const struct classify_options *options, struct vocab **ret_vocab,
		  struct knowledge **ret_knowledge)
{
	static struct files files;
	struct knowledge_params params = {.priors = options->priors,
					  .addresses = options->addresses,
					  .address_count = options->address_count,
					  .prior_count = options->prior_count,
					  .learned = options->learned,
					  .config = options->cli->config_path};
	struct knowledge_error error;
	char what[FILE_MAX + 512];

	find_files(&files);
	params.signatures = files.signature_list;
	params.signature_count = list_signatures(options, &files);
	params.links = options->links ? options->links : files.links;
	params.servers = files.server_list;
	if (options->wants_servers)
		params.server_count = list_servers(options, &files);
	*ret_vocab = vocab_new();
	if (!*ret_vocab)
		return cli_error(CLI_FAILED, "out of memory");
	if (knowledge_load(&params, *ret_vocab, &error, ret_knowledge) == 0)
		return CLI_OK;
	knowledge_error_format(&error, what, sizeof(what));
	return cli_error(CLI_BAD_INPUT, "%s", what);
}
