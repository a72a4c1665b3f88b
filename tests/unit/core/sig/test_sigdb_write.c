/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Databases as text: what is written loads as what was there. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "shipped_db.h"
#include "core/sig/sigdb_write.h"

static char text[SHIPPED_DB_MAX];

static const char *write_as(const struct sigdb *db, const struct vocab *vocab, bool for_p0f)
{
	struct sigdb_writer writer = {.db = db, .vocab = vocab, .for_p0f = for_p0f};
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

static const char *write_all(const struct sigdb *db, const struct vocab *vocab)
{
	return write_as(db, vocab, false);
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
				    "sig = 4:64:0:*:6,0:mss::0\n"
				    "when = mss=1410\n"
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
	{"*:64:0:*:1,0:mss:flow:0", "6:64:0:*:1,0:mss::0", false},
	{"*:64:0:*:1,0:mss:df:0", "6:64:0:*:1,0:mss::0", true},
	{"*:64:0:*:1,0:mss:df:0", "4:64:0:*:1,0:mss::0", false},
	{"*:64:0:*:1,0:mss:ecn:0", "*:64:0:*:1,0:mss::0", false},
	{"4:64:0:*:1,0:mss::0", "4:29:0:*:1,0:mss::0", true},
	{"4:64:0:*:1,0:mss::0", "4:28:0:*:1,0:mss::0", false},
	{"4:64:0:*:1,0:mss::0", "4:64:0:*:1,0:mss::0", true},
	{"4:64:0:*:1,0:mss::0", "4:65:0:*:1,0:mss::0", false},
	{"4:64-:0:*:1,0:mss::0", "4:65:0:*:1,0:mss::0", false},
	{"4:64:4:*:1,0:mss::0", "4:64:0:*:1,0:mss::0", false},
	{"4:64:0:1460:1,0:mss::0", "4:64:0:1460:1,0:mss::0", true},
	{"4:64:0:1460:1,0:mss::0", "4:64:0:1461:1,0:mss::0", false},
	{"4:64:0:*:1,1:mss::0", "4:64:0:*:1,0:mss::0", false},
	{"4:64:0:*:1,1:mss::0", "4:64:0:*:1,*:mss::0", false},
	{"4:64:0:*:1,0:mss::0", "4:64:0:*:2,0:mss::0", false},
	{"4:64:0:*:1,0:mss::0", "4:64:0:*:*,0:mss::0", false},
	{"4:64:0:*:*,0:mss::0", "4:64:0:*:*,0:mss::0", true},
	{"4:64:0:*:%512,0:mss::0", "4:64:0:*:%512,0:mss::0", true},
	{"4:64:0:*:%512,0:mss::0", "4:64:0:*:%1024,0:mss::0", false},
	{"4:64:0:*:mss*4,0:mss::0", "4:64:0:*:mtu*4,0:mss::0", false},
	{"*:64:0:*:mss*4,0:mss::0", "*:64:0:536:2145,0:mss::0", false},
	{"*:64:0:*:mtu*4,0:mss::0", "4:64:0:1000:4160,0:mss::0", true},
	{"*:64:0:*:mtu*4,0:mss::0", "6:64:0:1000:4240,0:mss::0", true},
	{"*:64:0:*:mss*4,0:mss::0", "4:64:0:1000:4160,0:mss::0", false},
	{"4:64:0:*:1,0:mss,eol+1::0", "4:64:0:*:1,0:mss,eol+2::0", false},
	{"4:64:0:*:1,0:mss,nop::0", "4:64:0:*:1,0:mss,sok::0", false},
	{"4:64:0:*:1,0:mss::+", "4:64:0:*:1,0:mss::0", false},
	{"4:64:0:*:1,0:mss::+", "4:64:0:*:1,0:mss::+", true},
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
	cr_assert_eq(sigdb_name_len("Windows 10"), strlen("Windows"));
	cr_assert_eq(sigdb_name_len("Windows XP SP2"), strlen("Windows"));
	cr_assert_eq(sigdb_name_len("Router"), strlen("Router"));
}

static void expect_written(const char *text_in, bool for_p0f, const char *expected)
{
	struct vocab *vocab = vocab_new();
	struct sigdb *db = sigdb_new(vocab);
	struct text_error error = {0};

	cr_assert_eq(sigdb_load(db, text_in, strlen(text_in), &error), 0, "%u:%u: %s", error.line,
		     error.column, error.what);
	cr_expect_str_eq(write_as(db, vocab, for_p0f), expected, "%s", text);
	sigdb_free(db);
	vocab_free(vocab);
}

#define A_SIG "sig = 4:64:0:*:1,0:mss::0"

/* Each of these is written as it was read. */
Test(sigdb_write, our_own_form_is_kept)
{
	static const char *const cases[] = {
		"class = Linux, Linux, 2\nclass = Puffin, Birds\nclass = B, Birds, 0.0001\n"
		"doubt = fuzzy, 0.25, 0.75, 12\ndoubt = specific, 0.5\n"
		"\n[tcp:request]\n\nfrom = here\n"
		"\nlabel = s:unix:Linux:\n" A_SIG " @ 12.5\n" A_SIG " @ 1000\n"
		"\nlabel = s:unix:Linux as Tuxes:1\n" A_SIG " @ 0.1235\n"
		"\nlabel = s:unix:Linux as Linuxy:1\n" A_SIG " @ 0.0001\n"
		"\nlabel = s:unix:Linux as Tux:1\n" A_SIG " @ 1.0203\n"
		"\nfrom = there\n"
		"\nlabel = g:unix:Linux as Tux:1\n" A_SIG "\n"
		"\nlabel = g:!:Linux as Tux:1\n" A_SIG "\n"
		"\nlabel = g:!:Puffin as Tux:1\n" A_SIG "\n"
		"\nlabel = s:other:B:1 2\n" A_SIG "\n"
		"\nlabel = s:other:B as Tux:1\n" A_SIG "\n",
		"class = macOS, Apple\nclass = FreeBSD, BSD\nclass = Solaris, Unix\n"
		"\n[tcp:request]\n"
		"\nlabel = s:unix:Mac OS X:10.5\n" A_SIG "\n"
		"\nlabel = s:unix:macOS:\n" A_SIG "\n"
		"\nlabel = s:unix:macOS as Mac:OS Xy 1\n" A_SIG "\n"
		"\nlabel = s:unix:FreeBSD:8\n" A_SIG "\n"
		"\nlabel = s:unix:Solaris:8\n" A_SIG "\n",
		"class = Linux, Linux\n\n[tcp:request]\n"
		"\nlabel = s:unix:Linux:1\ndoes = ws\n" A_SIG "\n" A_SIG "\n"
		"does = sok\n" A_SIG "\ndoes = ts\n" A_SIG "\ndoes = ws,sok,ts\n" A_SIG "\n"
		"does = none\n" A_SIG "\n"
		"\nlabel = s:unix:Linux:1\n" A_SIG "\n",
		"class = Linux, Linux\n\n[tcp:request]\n"
		"\nlabel = s:unix:Linux:1\nwhen = ip_id=1\n" A_SIG "\n" A_SIG "\n"
		"when = ip_id=2\n" A_SIG "\nwhen = seq=dst\n" A_SIG "\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_written(cases[i], false, cases[i]);
}

Test(sigdb_write, numbers_have_four_digits)
{
	static const struct {
		const char *rate, *written;
	} cases[] = {{"0.00001", "0.0001"}, {"0.00016", "0.0002"}, {"0.99994", "0.9999"},
		     {"0.99996", "1"},      {"1.0", "1"},          {"20.50", "20.5"},
		     {"9.009", "9.009"},    {"0.00024", "0.0002"}};
	char given[200], expected[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static const char form[] = "class = Linux, Linux\n\n[tcp:request]\n"
					   "\nlabel = s:unix:Linux:1\n" A_SIG " @ %s\n";

		snprintf(given, sizeof(given), form, cases[i].rate);
		snprintf(expected, sizeof(expected), form, cases[i].written);
		expect_written(given, false, expected);
	}
}

Test(sigdb_write, p0f_gets_what_it_has_words_for)
{
	expect_written("class = Windows, Windows, 3\nclass = Linux, Linux\nclass = macOS, Apple\n"
		       "class = FreeBSD, BSD\nclass = Solaris, Unix\nclass = Puffin, Birds\n"
		       "class = nmap, Tool\ndoubt = fuzzy, 0.25\n[tcp:request]\nfrom = here\n"
		       "label = s:win:Windows:XP\n" A_SIG " @ 3\n" A_SIG "\n"
		       "label = g:unix:Linux as Tux:1\nwhen = ip_id=3\n" A_SIG "\n"
		       "label = s:unix:Mac OS X:10\ndoes = ws\n" A_SIG "\n"
		       "label = s:unix:FreeBSD:8\n" A_SIG "\nlabel = s:unix:Solaris:8\n" A_SIG "\n"
		       "label = s:other:Puffin:8\n" A_SIG "\nlabel = s:!:NMap:SYN scan\n" A_SIG
		       "\n",
		       true,
		       "classes = win,unix,other\n\n[tcp:request]\n"
		       "\nlabel = s:win:Windows:XP\n" A_SIG "\n" A_SIG "\n"
		       "\nlabel = g:unix:Tux:1\n" A_SIG "\n"
		       "\nlabel = s:unix:Mac OS X:10\n" A_SIG "\n"
		       "\nlabel = s:unix:FreeBSD:8\n" A_SIG "\n"
		       "\nlabel = s:unix:Solaris:8\n" A_SIG "\n"
		       "\nlabel = s:other:Puffin:8\n" A_SIG "\n"
		       "\nlabel = s:!:NMap:SYN scan\nsys = @unix,@win,@other\n" A_SIG "\n");
}

Test(sigdb_write, p0f_lacks_words)
{
	static const struct {
		const char *sig;
		enum sig_when when;
		const char *lacks;
	} cases[] = {
		{"*:64:0:*:mss*4,*:mss:df:*", SIG_WHEN_ALWAYS, NULL},
		{"*:64:0:*:*,*:mss:df:0", SIG_WHEN_IP_ID, "a condition (when)"},
		{"*:64:0:*:mss*max,*:mss:df:0", SIG_WHEN_ALWAYS, "the window mss*max"},
		{"*:64:0:*:*,*:*:df:0", SIG_WHEN_ALWAYS, "any option layout"},
		{"*:64:0:*:*,*:mss:*:0", SIG_WHEN_ALWAYS, "any quirks"},
		{"*:64:0:*:*,*:mss:df,ae:0", SIG_WHEN_ALWAYS, "the quirk ae"},
		{"*:64:*:*:*,*:mss:df:0", SIG_WHEN_ALWAYS, "any length of IP options"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sig sig;
		struct sigdb_info info = {.sig = &sig, .when = cases[i].when};
		const char *lacks;

		cr_assert_eq(sig_parse(cases[i].sig, strlen(cases[i].sig), NULL, &sig), 0);
		lacks = sigdb_p0f_lacks(&info);
		if (cases[i].lacks)
			cr_expect(lacks && strcmp(lacks, cases[i].lacks) == 0, "%s: %s",
				  cases[i].sig, lacks);
		else
			cr_expect_null(lacks, "%s: %s", cases[i].sig, lacks);
	}
}
