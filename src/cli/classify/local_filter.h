/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filters of `clients` and `watch` over verdicts that are made here: no daemon checks them. */
#ifndef SYNPRINT_CLI_CLASSIFY_LOCAL_FILTER_H
#define SYNPRINT_CLI_CLASSIFY_LOCAL_FILTER_H

#include "core/verdict/filter.h"

#define LOCAL_FILTER_MAX 32 /* words in all */

/* What the options said; which words there are is known once the databases are read. */
struct local_filter {
	struct {
		int option; /* FILTER_OPT_ */
		const char *value;
	} words[LOCAL_FILTER_MAX];
	unsigned count;
};

/** local_filter_add() - keep an option. Return: 0 or -E2BIG. */
int local_filter_add(struct local_filter *words, int option, const char *value);

/**
 * local_filter_make() - the filter, to be freed with filter_clear().
 * @ret_value: on failure, the value that is meant
 * Return: 0, -ENOENT for a word that nobody knows, -EINVAL for a value that cannot be one, -ENOMEM.
 */
int local_filter_make(const struct local_filter *words, const struct vocab *vocab,
		      struct filter *ret_filter, const char **ret_value);

#endif
