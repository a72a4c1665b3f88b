/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases as text: what is written loads as what was there. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "shipped_db.h"
#include "core/sig/sigdb_write.h"

static char text[SHIPPED_DB_MAX];

static const char *write_all(const struct sigdb *db, const struct vocab *vocab)
{
	struct sigdb_writer writer = {.db = db, .vocab = vocab};
	struct text_buf buf;

	text_buf_init(&buf, text, sizeof(text));
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		sigdb_put_class(&writer, id, &buf);
	sigdb_put_doubts(&writer, &buf);
	sigdb_put_section(&writer, &buf);
	for (size_t i = 0; i < shipped_db_count(db); i++)
		sigdb_put_sig(&writer, i, &buf);
	cr_assert_not(buf.overflow);
	return text;
}

static void expect_same(const struct sigdb *a, const struct vocab *words_a, const struct sigdb *b,
			const struct vocab *words_b, size_t i)
{
	struct sigdb_info x = sigdb_info(a, i), y = sigdb_info(b, i);

	cr_assert(sig_equal(x.sig, y.sig), "%zu", i);
	cr_assert_str_eq(vocab_text(words_a, VOCAB_LABEL, x.label),
			 vocab_text(words_b, VOCAB_LABEL, y.label));
	cr_assert_str_eq(vocab_text(words_a, VOCAB_CLASS, x.class_id),
			 vocab_text(words_b, VOCAB_CLASS, y.class_id));
	cr_assert_str_eq(x.source, y.source);
	cr_assert(fabsf(x.permille - y.permille) < 0.0001f, "%zu: %f %f", i, (double)x.permille,
		  (double)y.permille);
	cr_assert_eq(x.generic, y.generic);
	cr_assert_eq(x.tool, y.tool);
	cr_assert_eq(x.when, y.when);
	cr_assert_eq(x.when_value, y.when_value);
}

Test(sigdb_write, the_shipped_database_comes_back)
{
	struct vocab *words_a = vocab_new(), *words_b = vocab_new();
	struct sigdb *a = shipped_db_load(words_a), *b = sigdb_new(words_b);
	struct text_error error = {0};

	write_all(a, words_a);
	cr_assert_eq(sigdb_load(b, text, strlen(text), &error), 0, "%u:%u: %s", error.line,
		     error.column, error.what);
	cr_assert_eq(sigdb_build(b), 0);
	cr_assert_eq(shipped_db_count(a), shipped_db_count(b));
	for (size_t i = 0; i < shipped_db_count(a); i++) {
		unsigned class_a = sigdb_info(a, i).class_id, class_b = sigdb_info(b, i).class_id;

		expect_same(a, words_a, b, words_b, i);
		cr_assert(fabsf(sigdb_prior(a, class_a) - sigdb_prior(b, class_b)) < 1e-4f);
	}
	for (unsigned kind = 0; kind < SIGDB_KINDS; kind++) {
		struct sigdb_doubt x = sigdb_doubt(a, (enum sigdb_kind)kind);
		struct sigdb_doubt y = sigdb_doubt(b, (enum sigdb_kind)kind);

		cr_assert(x.share > 0 && fabsf(x.share - y.share) < 1e-4f);
		cr_assert(x.syns > 0 && x.syns == y.syns && fabsf(x.right - y.right) < 1e-4f);
	}
	sigdb_free(a);
	sigdb_free(b);
	vocab_free(words_a);
	vocab_free(words_b);
}

Test(sigdb_write, conditions_and_sources_stand_where_they_stood)
{
	static const char first[] = "class = Linux, Linux, 0.25\n"
				    "\n[tcp:request]\n"
				    "\nlabel = s:unix:Linux:1\n"
				    "sig = 4:64:0:*:1,0:mss::0\n"
				    "\nfrom = here\n"
				    "when = ip_id=7\n"
				    "sig = 4:64:0:*:2,0:mss::0 @ 0.5\n"
				    "\nlabel = s:unix:Linux:2\n"
				    "when = ip_id=7\n"
				    "sig = 4:64:0:*:3,0:mss::0\n"
				    "when = always\n"
				    "sig = 4:64:0:*:4,0:mss::0\n"
				    "when = seq=dst\n"
				    "sig = 4:64:0:*:5,0:mss::0\n"
				    "when = ip_id=dst^port^seq\n"
				    "sig = 4:64:0:*:6,0:mss::0\n";
	static const char second[] = "[tcp:request]\nlabel = g:!:Linux:3\n"
				     "sig = 4:64:0:*:7,0:mss::0\n";
	struct vocab *vocab = vocab_new();
	struct sigdb *db = sigdb_new(vocab);
	char expected[2048];

	cr_assert_eq(sigdb_load(db, first, strlen(first), NULL), 0);
	cr_assert_eq(sigdb_load(db, second, strlen(second), NULL), 0);
	snprintf(expected, sizeof(expected), "%s\nfrom = not given\n%s", first,
		 "\nlabel = g:!:Linux:3\nsig = 4:64:0:*:7,0:mss::0\n");
	cr_assert_str_eq(write_all(db, vocab), expected, "%s", text);
	sigdb_free(db);
	vocab_free(vocab);
}

static const struct {
	const char *a, *b;
	bool covers;
} covers[] = {
	{"*:64:0:*:*,*:mss:df:0", "4:64:0:1460:512,3:mss:df:0", true},
	{"*:64:0:*:*,*:mss:df:0", "4:64:0:1460:512,3:mss,nop:df:0", false},
	{"*:64:0:*:%512,0:mss::0", "*:64:0:*:1024,0:mss::0", true},
	{"*:64:0:*:%512,0:mss::0", "*:64:0:*:1025,0:mss::0", false},
	{"*:64:0:*:mss*4,0:mss::0", "*:64:0:*:mss*4,0:mss::0", true},
	{"*:64:0:*:mss*4,0:mss::0", "*:64:0:*:mss*5,0:mss::0", false},
	{"*:64:0:*:mss*4,0:mss::0", "*:64:0:536:2144,0:mss::0", true},
	{"*:64:0:*:mss*4,0:mss::0", "*:64:0:*:2144,0:mss::0", false},
	{"4:64:0:*:1,0:mss::*", "4:64:0:*:1,0:mss::0", true},
	{"4:64:0:*:1,0:mss::0", "4:64:0:*:1,0:mss::*", false},
	{"4:64:0:*:1,0:mss::0", "4:60:0:*:1,0:mss::0", true},
	{"4:64:0:*:1,0:mss::0", "4:20:0:*:1,0:mss::0", false},
	{"4:64-:0:*:1,0:mss::0", "4:20:0:*:1,0:mss::0", true},
	{"*:128:0:*:1,0:mss:df,id+:0", "*:128:0:*:1,0:mss::0", true},
	{"4:128:0:*:1,0:mss:df,id+:0", "4:128:0:*:1,0:mss::0", false},
	{"*:64:0:*:1,0:mss:flow:0", "4:64:0:*:1,0:mss::0", true},
};

Test(sigdb_write, coverage_is_p0fs)
{
	for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
		struct sig a, b;

		cr_assert_eq(sig_parse(covers[i].a, strlen(covers[i].a), NULL, &a), 0);
		cr_assert_eq(sig_parse(covers[i].b, strlen(covers[i].b), NULL, &b), 0);
		cr_expect_eq(sig_p0f_covers(&a, &b), covers[i].covers, "%s and %s", covers[i].a,
			     covers[i].b);
	}
}

Test(sigdb_write, names_end_where_versions_begin)
{
	cr_assert_eq(sigdb_name_len("Mac OS X 10.5"), strlen("Mac OS X"));
	cr_assert_eq(sigdb_name_len("Windows XP SP2"), strlen("Windows"));
	cr_assert_eq(sigdb_name_len("Router"), strlen("Router"));
}
