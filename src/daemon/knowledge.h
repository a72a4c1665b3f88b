/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What verdicts are made of, read from files: the signatures and the link table. Immutable once
 * loaded; a reload makes another one.
 */
#ifndef SYNPRINT_DAEMON_KNOWLEDGE_H
#define SYNPRINT_DAEMON_KNOWLEDGE_H

#include "synprint/link.h"
#include "synprint/sigdb.h"

struct knowledge {
	struct sigdb *sigdb;
	struct linkdb *linkdb;
};

/* Where and why a file was refused. */
struct knowledge_error {
	const char *path; /* points to the caller's name of the file */
	struct text_error text;
};

/**
 * knowledge_load() - read the databases.
 * @signatures, @count: files, read one after the other
 * @links: the file of the link table
 * @vocab: where the words go; kept, not owned
 * Return: 0, -ENOENT and the like for a file that cannot be read, -EINVAL for a bad line, -ENOMEM.
 */
int knowledge_load(const char *const *signatures, unsigned count, const char *links,
		   struct vocab *vocab, struct knowledge_error *ret_error,
		   struct knowledge **ret_knowledge);
void knowledge_free(struct knowledge *knowledge);

/** knowledge_error_format() - "FILE:LINE:COLUMN: reason", without what is not known. */
void knowledge_error_format(const struct knowledge_error *error, char *buf, size_t size);

#endif
