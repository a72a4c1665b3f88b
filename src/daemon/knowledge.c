/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the database files whole and hands their text to the core, which does no I/O. */
#include "daemon/knowledge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX (64u << 20) /* 200,000 signatures take about 20 MB */

static int open_text(const char *path, FILE **ret_file, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	struct stat status;

	if (!file)
		return -errno;
	if (fstat(fileno(file), &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > FILE_BYTES_MAX) {
		fclose(file);
		return S_ISDIR(status.st_mode) ? -EISDIR : -EFBIG;
	}
	*ret_file = file;
	*ret_size = (size_t)status.st_size;
	return 0;
}

static int read_text(const char *path, char **ret_text, size_t *ret_len)
{
	FILE *file = NULL;
	size_t size = 0;
	char *text;
	int rc = open_text(path, &file, &size);

	if (rc < 0)
		return rc;
	text = malloc(size + 1);
	if (!text) {
		fclose(file);
		return -ENOMEM;
	}
	*ret_len = fread(text, 1, size, file);
	text[*ret_len] = '\0';
	rc = ferror(file) ? -EIO : 0;
	fclose(file);
	if (rc < 0)
		free(text);
	else
		*ret_text = text;
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

static int load_file(const char *path, load_fn *load, void *db, struct knowledge_error *ret_error)
{
	char *text = NULL;
	size_t len = 0;
	int rc = read_text(path, &text, &len);

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

int knowledge_load(const char *const *signatures, unsigned count, const char *links,
		   struct vocab *vocab, struct knowledge_error *ret_error,
		   struct knowledge **ret_knowledge)
{
	struct knowledge *knowledge = calloc(1, sizeof(*knowledge));
	int rc = -ENOMEM;

	*ret_error = (struct knowledge_error){.path = links, .text.what = "out of memory"};
	if (!knowledge)
		return -ENOMEM;
	knowledge->sigdb = sigdb_new(vocab);
	knowledge->linkdb = linkdb_new(vocab);
	if (!knowledge->sigdb || !knowledge->linkdb)
		goto fail;
	for (unsigned i = 0; i < count; i++) {
		rc = load_file(signatures[i], load_sigdb, knowledge->sigdb, ret_error);
		if (rc < 0)
			goto fail;
	}
	rc = sigdb_build(knowledge->sigdb);
	if (rc < 0) {
		text_error_set(&ret_error->text, 0, 0,
			       rc == -EINVAL ? "there is no signature in it" : "out of memory");
		goto fail;
	}
	rc = load_file(links, load_linkdb, knowledge->linkdb, ret_error);
	if (rc < 0)
		goto fail;
	*ret_knowledge = knowledge;
	return 0;
fail:
	knowledge_free(knowledge);
	return rc;
}

void knowledge_free(struct knowledge *knowledge)
{
	if (!knowledge)
		return;
	sigdb_free(knowledge->sigdb);
	linkdb_free(knowledge->linkdb);
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
