/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database with what was learned, and the one without. */
#include "knowledge/knowledge.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shipped_db.h"

#define LEARNED                                                                                    \
	"[tcp:request]\nlabel = s:unix:Linux:learned\n"                                            \
	"sig = *:64:0:*:mss*7,7:mss,sok,ts,nop,ws:df:0\n"

static char learned[64];
static struct vocab *vocab;

static void setup(void)
{
	int fd;

	vocab = vocab_new();
	strcpy(learned, "/tmp/synprint-learned-XXXXXX");
	fd = mkstemp(learned);
	cr_assert(vocab && fd >= 0);
	close(fd);
}

static void teardown(void)
{
	vocab_free(vocab);
	unlink(learned);
}

TestSuite(knowledge, .init = setup, .fini = teardown);

static struct knowledge *load(const char *learned_path)
{
	static const char *const signatures[] = {SHIPPED_DB};
	struct knowledge_params params = {.signatures = signatures,
					  .signature_count = 1,
					  .links = "conf/links.db",
					  .learned = learned_path};
	struct knowledge_error error;
	struct knowledge *knowledge = NULL;

	cr_assert_eq(knowledge_load(&params, vocab, &error, &knowledge), 0, "%s", error.text.what);
	return knowledge;
}

static size_t count(const struct sigdb *db)
{
	struct sigdb_stats stats;

	sigdb_get_stats(db, &stats);
	return stats.sigs;
}

Test(knowledge, without_learning_there_is_one_database)
{
	struct knowledge *knowledge = load(NULL);

	cr_expect_not_null(knowledge->sigdb);
	cr_expect_null(knowledge->base);
	knowledge_free(knowledge);
}

Test(knowledge, where_nothing_was_learned_one_is_built_and_stands_for_both)
{
	struct knowledge *knowledge;

	unlink(learned);
	knowledge = load(learned);
	cr_expect_not_null(knowledge->base);
	cr_expect_eq(knowledge->base, knowledge->sigdb);
	knowledge_free(knowledge);
}

Test(knowledge, what_was_learned_is_in_one_of_two)
{
	FILE *file = fopen(learned, "w");
	struct knowledge *knowledge;

	cr_assert_not_null(file);
	fputs(LEARNED, file);
	fclose(file);
	knowledge = load(learned);
	cr_expect_neq(knowledge->base, knowledge->sigdb);
	cr_expect_eq(count(knowledge->sigdb), count(knowledge->base) + 1);
	knowledge_free(knowledge);
}
