/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the database files whole and hands their text to the core, which does no I/O. */
#include "knowledge/knowledge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "knowledge/put_aside.h"
#include "sys/log.h"

#define FILE_BYTES_MAX (64u << 20) /* 200,000 signatures take about 20 MB */
#define PIPE_BYTES 65536

/* A pipe of which nobody has the other end is empty, and not waited for. */
static int open_text(const char *path, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0 || fcntl(fd, F_SETFL, O_RDONLY) < 0)
		rc = -errno;
	else if (S_ISDIR(status.st_mode))
		rc = -EISDIR;
	else if (status.st_size > FILE_BYTES_MAX)
		rc = -EFBIG;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*ret_size = S_ISREG(status.st_mode) ? (size_t)status.st_size : PIPE_BYTES;
	return fd;
}

/* Up to the end; @size is as much as there should be. */
static int read_text(int fd, size_t size, char **ret_text, size_t *ret_len)
{
	char *text = NULL, *bigger;
	size_t len = 0;
	ssize_t n = 0;

	for (size++;; size *= 2) {
		bigger = len > FILE_BYTES_MAX ? NULL : realloc(text, size + 1);
		if (!bigger)
			break;
		text = bigger;
		while (len < size && (n = read(fd, text + len, size - len)) > 0)
			len += (size_t)n;
		if (n <= 0)
			break;
	}
	if (!bigger || n < 0) {
		int rc = n < 0 ? -errno : len > FILE_BYTES_MAX ? -EFBIG : -ENOMEM;

		free(text);
		return rc;
	}
	text[len] = '\0';
	*ret_text = text;
	*ret_len = len;
	return 0;
}

int knowledge_read_text(const char *path, char **ret_text, size_t *ret_len)
{
	size_t size = 0;
	int fd = open_text(path, &size), rc;

	if (fd < 0)
		return fd;
	rc = read_text(fd, size, ret_text, ret_len);
	close(fd);
	return rc;
}

typedef int load_fn(void *db, const char *text, size_t len, struct text_error *ret_error);

static int load_sigdb(void *db, const char *text, size_t len, struct text_error *ret_error)
{
	return sigdb_load(db, text, len, ret_error);
}

static int load_linkdb(void *db, const char *text, size_t len, struct text_error *ret_error)
{
	return linkdb_load(db, text, len, ret_error);
}

static int load_netnames(void *names, const char *text, size_t len, struct text_error *ret_error)
{
	return netnames_load(names, text, len, ret_error);
}

static int load_file(const char *path, load_fn *load, void *db, struct knowledge_error *ret_error)
{
	char *text = NULL;
	size_t len = 0;
	int rc = knowledge_read_text(path, &text, &len);

	ret_error->path = path;
	if (rc < 0) {
		text_error_set(&ret_error->text, 0, 0, "cannot read it: %s", strerror(-rc));
		return rc;
	}
	text_error_set(&ret_error->text, 0, 0, "out of memory");
	rc = load(db, text, len, &ret_error->text);
	free(text);
	return rc;
}

int knowledge_add_file(struct sigdb *db, const char *path, struct knowledge_error *ret_error)
{
	return load_file(path, load_sigdb, db, ret_error);
}

int knowledge_load_file(const char *path, struct vocab *vocab, struct knowledge_error *ret_error,
			struct sigdb **ret_db)
{
	struct sigdb *db = sigdb_new(vocab);
	int rc;

	*ret_error = (struct knowledge_error){.path = path, .text.what = "out of memory"};
	if (!db)
		return -ENOMEM;
	rc = load_file(path, load_sigdb, db, ret_error);
	if (rc < 0)
		sigdb_free(db);
	else
		*ret_db = db;
	return rc;
}

static int set_priors(const struct knowledge_params *params, const struct vocab *vocab,
		      struct sigdb *db, struct knowledge_error *ret_error)
{
	for (unsigned i = 0; i < params->prior_count; i++) {
		const struct knowledge_prior *prior = &params->priors[i];
		int id = vocab_find(vocab, VOCAB_CLASS, prior->name, strlen(prior->name));

		if (id > 0 && sigdb_set_prior(db, (unsigned)id, prior->weight) == 0)
			continue;
		ret_error->path = params->config;
		return text_error_set(&ret_error->text, prior->line, 0,
				      "classify.priors: no class of the database is named '%.60s'",
				      prior->name);
	}
	return 0;
}

static int set_addresses(const struct knowledge_params *params, struct sigdb *db,
			 struct knowledge_error *ret_error)
{
	for (unsigned i = 0; i < params->address_count; i++) {
		struct in_addr address;

		if (inet_pton(AF_INET, params->addresses[i], &address) == 1 &&
		    sigdb_stand_for(db, ntohl(address.s_addr)) == 0)
			continue;
		ret_error->path = params->config;
		return text_error_set(&ret_error->text, 0, 0,
				      "classify.addresses: '%.60s' is no IPv4 address",
				      params->addresses[i]);
	}
	return 0;
}

static int build(struct sigdb *db, struct knowledge_error *ret_error)
{
	int rc = sigdb_build(db);

	if (rc < 0)
		text_error_set(&ret_error->text, 0, 0,
			       rc == -EINVAL ? "there is no signature in it" : "out of memory");
	return rc;
}

/* @learned: NULL, or a file that has been found to be good. */
static int load_signatures(const struct knowledge_params *params, const char *learned,
			   struct vocab *vocab, struct knowledge_error *ret_error,
			   struct sigdb **ret_db)
{
	struct sigdb *db = sigdb_new(vocab);
	int rc = db ? 0 : -ENOMEM;

	for (unsigned i = 0; rc == 0 && i < params->signature_count; i++)
		rc = load_file(params->signatures[i], load_sigdb, db, ret_error);
	if (rc == 0 && learned)
		rc = load_file(learned, load_sigdb, db, ret_error);
	if (rc == 0)
		rc = set_priors(params, vocab, db, ret_error);
	if (rc == 0)
		rc = set_addresses(params, db, ret_error);
	if (rc == 0)
		rc = build(db, ret_error);
	if (rc < 0)
		sigdb_free(db);
	else
		*ret_db = db;
	return rc;
}

/* The file of what was learned, or NULL where it is not there or is damaged. */
static const char *find_learned(const struct knowledge_params *params, struct vocab *vocab)
{
	struct knowledge_error error;
	struct sigdb *db = NULL;
	char why[512];
	int rc = knowledge_load_file(params->learned, vocab, &error, &db);

	sigdb_free(db);
	if (rc == 0)
		return params->learned;
	if (rc == -ENOENT)
		return NULL;
	knowledge_error_format(&error, why, sizeof(why));
	if (params->may_rename)
		put_aside(params->learned, why, KNOWLEDGE_LEARNED_LOSS);
	else
		log_line(LOG_LEVEL_WARNING, "%s; %s", why, KNOWLEDGE_LEARNED_LOSS);
	return NULL;
}

/* What a class of clients weighs says nothing of servers, so no prior is set. */
static int load_servers(const struct knowledge_params *params, struct vocab *vocab,
			struct knowledge_error *ret_error, struct sigdb **ret_db)
{
	struct sigdb *db = sigdb_new(vocab);
	int rc = db ? 0 : -ENOMEM;

	if (db)
		sigdb_read_answers(db);
	for (unsigned i = 0; rc == 0 && i < params->server_count; i++)
		rc = load_file(params->servers[i], load_sigdb, db, ret_error);
	if (rc == 0)
		rc = build(db, ret_error);
	if (rc < 0)
		sigdb_free(db);
	else
		*ret_db = db;
	return rc;
}

/* Where nothing was learned yet, both are one: building a large database takes seconds. */
static int load_both(const struct knowledge_params *params, struct vocab *vocab,
		     struct knowledge_error *ret_error, struct knowledge *knowledge)
{
	int rc = load_signatures(params, NULL, vocab, ret_error, &knowledge->sigdb);
	const char *learned = NULL;

	if (rc < 0 || !params->learned)
		return rc;
	learned = find_learned(params, vocab);
	knowledge->base = knowledge->sigdb;
	return learned ? load_signatures(params, learned, vocab, ret_error, &knowledge->sigdb) : 0;
}

static int load_all(const struct knowledge_params *params, struct vocab *vocab,
		    struct knowledge_error *ret_error, struct knowledge *knowledge)
{
	int rc = load_both(params, vocab, ret_error, knowledge);

	if (rc == 0 && params->server_count)
		rc = load_servers(params, vocab, ret_error, &knowledge->servers);
	if (rc == 0)
		rc = load_file(params->links, load_linkdb, knowledge->linkdb, ret_error);
	if (rc == 0 && params->names)
		rc = load_file(params->names, load_netnames, knowledge->names, ret_error);
	return rc;
}

int knowledge_load(const struct knowledge_params *params, struct vocab *vocab,
		   struct knowledge_error *ret_error, struct knowledge **ret_knowledge)
{
	struct knowledge *knowledge = calloc(1, sizeof(*knowledge));
	int rc = -ENOMEM;

	*ret_error = (struct knowledge_error){.path = params->links, .text.what = "out of memory"};
	if (!knowledge)
		return -ENOMEM;
	knowledge->linkdb = linkdb_new(vocab);
	knowledge->names = params->names ? netnames_new() : NULL;
	if (knowledge->linkdb && (knowledge->names || !params->names))
		rc = load_all(params, vocab, ret_error, knowledge);
	if (rc < 0)
		knowledge_free(knowledge);
	else
		*ret_knowledge = knowledge;
	return rc;
}

void knowledge_free(struct knowledge *knowledge)
{
	if (!knowledge)
		return;
	if (knowledge->base != knowledge->sigdb)
		sigdb_free(knowledge->base);
	sigdb_free(knowledge->sigdb);
	sigdb_free(knowledge->servers);
	linkdb_free(knowledge->linkdb);
	netnames_free(knowledge->names);
	free(knowledge);
}

void knowledge_error_format(const struct knowledge_error *error, char *buf, size_t size)
{
	const struct text_error *text = &error->text;

	if (text->line && text->column)
		snprintf(buf, size, "%s:%u:%u: %s", error->path, text->line, text->column,
			 text->what);
	else if (text->line)
		snprintf(buf, size, "%s:%u: %s", error->path, text->line, text->what);
	else
		snprintf(buf, size, "%s: %s", error->path, text->what);
}
