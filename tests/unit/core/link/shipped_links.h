/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shipped table of links, for each test anew. */
#ifndef SYNPRINT_TESTS_UNIT_CORE_LINK_SHIPPED_LINKS_H
#define SYNPRINT_TESTS_UNIT_CORE_LINK_SHIPPED_LINKS_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "core/link/link.h"

static struct vocab *vocab;
static struct linkdb *db;

static inline void setup(void)
{
	static char text[1 << 16];
	struct text_error err = {0};
	FILE *file = fopen("conf/links.db", "r");
	size_t len;

	cr_assert_not_null(file, "run from the top folder");
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	vocab = vocab_new();
	db = linkdb_new(vocab);
	cr_assert_eq(linkdb_load(db, text, len, &err), 0, "%u:%u: %s", err.line, err.column,
		     err.what);
}

static inline void teardown(void)
{
	linkdb_free(db);
	vocab_free(vocab);
}

#endif
