/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint db check: whether signature files and link tables are good. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/databases.h"
#include "cli/db.h"
#include "core/sig/sigdb_build.h"
#include "knowledge/knowledge.h"

static void put_good(const struct db_call *call, const char *file, const char *words,
		     const char *members)
{
	char data[4608];
	struct text_buf buf;

	if (!call->cli->json) {
		printf("%s: %s, good\n", file, words);
		return;
	}
	text_buf_init(&buf, data, sizeof(data));
	text_put_json(&buf, file);
	printf("{\"file\":%s,%s,\"good\":true}\n", data, members);
}

/* @servers: signatures of SYN+ACKs */
static void print_checked(const struct db_call *call, const char *file, size_t count,
			  size_t servers)
{
	char words[96], members[96];

	snprintf(words, sizeof(words), "%zu signatures", count);
	if (servers)
		snprintf(words, sizeof(words), "%zu signatures, and %zu of servers", count,
			 servers);
	snprintf(members, sizeof(members), "\"signatures\":%zu,\"servers\":%zu", count, servers);
	put_good(call, file, words, members);
}

/* Those of SYN+ACKs stand in a section of their own, in the same file or in another. */
static int count_servers(const struct db_call *call, const char *file, size_t *ret_count)
{
	struct sigdb *db = sigdb_new(call->vocab);
	struct knowledge_error error;
	char what[4608];
	int rc;

	if (!db)
		return cli_error(CLI_FAILED, "out of memory");
	sigdb_read_answers(db);
	rc = knowledge_add_file(db, file, &error);
	*ret_count = rc == 0 ? db_count(db) : 0;
	sigdb_free(db);
	if (rc == 0)
		return CLI_OK;
	knowledge_error_format(&error, what, sizeof(what));
	return cli_error(CLI_BAD_INPUT, "%s", what);
}

static int check_links(const struct db_call *call, const char *file)
{
	struct linkdb *db = linkdb_new(call->vocab);
	char words[96], members[96];
	int r;

	if (!db)
		return cli_error(CLI_FAILED, "out of memory");
	r = cli_load_links(file, db);
	snprintf(words, sizeof(words), "%zu rows of links", db->row_count);
	snprintf(members, sizeof(members), "\"links\":%zu", db->row_count);
	if (r == CLI_OK)
		put_good(call, file, words, members);
	linkdb_free(db);
	return r;
}

static int check_signatures(struct db_call *one, const char *file)
{
	size_t count, servers = 0;
	struct sigdb *db;
	int r = db_load(one, &db);

	if (r != CLI_OK)
		return r;
	count = db_count(db);
	r = count_servers(one, file, &servers);
	if (r == CLI_OK && (count || servers))
		print_checked(one, file, count, servers);
	else if (r == CLI_OK)
		r = cli_error(CLI_BAD_INPUT, "%s: there is no signature in it", file);
	sigdb_free(db);
	return r;
}

static int check_file(const struct db_call *call, const char *file)
{
	struct db_call one = *call;
	int r;

	one.files[0] = file;
	one.file_count = 1;
	one.vocab = vocab_new();
	if (!one.vocab)
		return cli_error(CLI_FAILED, "out of memory");
	r = db_is_link_table(file) ? check_links(&one, file) : check_signatures(&one, file);
	vocab_free(one.vocab);
	return r;
}

/* All of them, so that one run tells everything that is wrong. */
int db_check(struct db_call *call)
{
	int worst = CLI_OK;

	for (unsigned i = 0; i < call->file_count; i++) {
		int r = check_file(call, call->files[i]);

		worst = r != CLI_OK ? r : worst;
	}
	return worst;
}
