/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A database of a test's own making, built anew for each test and whenever it is asked for. */
#ifndef SYNPRINT_TESTS_MADE_DB_H
#define SYNPRINT_TESTS_MADE_DB_H

#include "core/sig/sigdb.h"

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = sigdb_new(vocab);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

static inline void renew(void)
{
	teardown();
	setup();
}

#endif
