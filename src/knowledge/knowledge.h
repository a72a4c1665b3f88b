/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What verdicts are made of, read from files: the signatures and the link table. Immutable once
 * loaded; a reload makes another one.
 */
#ifndef SYNPRINT_KNOWLEDGE_KNOWLEDGE_H
#define SYNPRINT_KNOWLEDGE_KNOWLEDGE_H

#include "core/link/link.h"
#include "core/baseline/netnames.h"
#include "core/sig/sigdb.h"

/* What a damaged file of what was learned costs, for messages. */
#define KNOWLEDGE_LEARNED_LOSS "what was learned is not used"

struct knowledge {
	struct sigdb *sigdb;
	struct sigdb
		*base; /* without what was learned: the same where nothing was; only where wanted */
	struct sigdb *servers; /* signatures of SYN+ACKs; NULL where nobody wants them */
	struct linkdb *linkdb;
	struct netnames *names; /* of networks; NULL without */
};

/* What a class weighs before anything is known, where the configuration says it. */
struct knowledge_prior {
	const char *name;
	float weight;
	unsigned line; /* in the configuration, for messages */
};

struct knowledge_params {
	const char *const *signatures; /* files, read one after the other */
	unsigned signature_count;
	const char *const *servers; /* files with signatures of SYN+ACKs; may be none */
	unsigned server_count;
	const char *links; /* file */
	const char *names; /* file; NULL: networks have no names */
	const char *learned; /* file that need not be there, read last; NULL: nothing is learned */
	bool may_rename; /* put a damaged one aside; else it is only told and left out */
	const struct knowledge_prior *priors;
	unsigned prior_count;
	const char *const *addresses; /* IPv4, that stand for this host outside */
	unsigned address_count;
	const char *config; /* file of the priors, for messages */
};

/* Where and why a file was refused. */
struct knowledge_error {
	const char *path; /* points to the caller's name of the file */
	struct text_error text;
};

/**
 * knowledge_load() - read the databases.
 * @vocab: where the words go; kept, not owned
 * Return: 0, -ENOENT and the like for a file that cannot be read, -EINVAL for a bad line, -ENOMEM.
 * A bad file of what was learned is no failure: it is told in the log and left out.
 */
int knowledge_load(const struct knowledge_params *params, struct vocab *vocab,
		   struct knowledge_error *ret_error, struct knowledge **ret_knowledge);
void knowledge_free(struct knowledge *knowledge);

/** knowledge_add_file() - the signatures of a file into @db. Return: as knowledge_load(). */
int knowledge_add_file(struct sigdb *db, const char *path, struct knowledge_error *ret_error);

/** knowledge_load_file() - one signature file, not built. Return: as knowledge_load(). */
int knowledge_load_file(const char *path, struct vocab *vocab, struct knowledge_error *ret_error,
			struct sigdb **ret_db);

/** knowledge_read_text() - a whole file, with a NUL behind it, to be freed. Return: 0 or -errno. */
int knowledge_read_text(const char *path, char **ret_text, size_t *ret_len);

/** knowledge_error_format() - "FILE:LINE:COLUMN: reason", without what is not known. */
void knowledge_error_format(const struct knowledge_error *error, char *buf, size_t size);

#endif
