/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The database's text: every way to refuse it, what p0f.fp means here, priors, and its limits. */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "shipped_db.h"
#include "core/match/match.h"

#define HEAD "[tcp:request]\n"
#define LABEL HEAD "label = s:unix:Linux:3.x\n"
#define SIG "sig = *:64:0:*:29200,7:mss,sok,ts,nop,ws:df,id+:0\n"

#define WORD_57 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefg"
#define WORD_58 WORD_57 "h"
#define WORD_63 WORD_58 "ijabc"
#define WORD_64 WORD_63 "d"

static struct vocab *vocab;
static struct sigdb *db;

static void setup(void)
{
	vocab = vocab_new();
	db = sigdb_new(vocab);
	cr_assert_not_null(db);
}

static void teardown(void)
{
	sigdb_free(db);
	vocab_free(vocab);
}

static void load(const char *text)
{
	struct text_error error = {0};

	cr_assert_eq(sigdb_load(db, text, strlen(text), &error), 0, "%u:%u: %s", error.line,
		     error.column, error.what);
}

Test(sigdb, refuses)
{
	static const struct {
		const char *text;
		unsigned line, column;
		const char *what;
	} cases[] = {
		{"nonsense\n", 1, 1, "neither"},
		{"; comment\n\n  [tcp:requests]\n", 3, 4, "no section"},
		{"[tcp:request\n", 1, 1, "a section is given"},
		{"colour = red\n", 1, 1, "no statement"},
		{"class =\n", 1, 1, "nothing stands behind"},
		{"class = Linux\n", 1, 9, "NAME, FAMILY"},
		{"class = Linux, Linux, -1\n", 1, 23, "weight"},
		{"class = Linux, Linux, 0\n", 1, 23, "weight"},
		{"label = s:unix:Linux:3.x\n", 1, 1, "belongs below"},
		{SIG, 1, 1, "belongs below"},
		{HEAD SIG, 2, 7, "before the first label"},
		{HEAD "label = Linux\n", 2, 9, "given as"},
		{HEAD "label = x:unix:Linux:3.x\n", 2, 9, "begins with"},
		{HEAD "label = s:unix::3.x\n", 2, 16, "1 to 63"},
		{HEAD "when = seq=dst\n", 2, 1, "behind a label"},
		{LABEL "when = sometimes\n", 3, 8, "not one of"},
		{LABEL "when = ip_id=65536\n", 3, 8, "not one of"},
		{LABEL "when = ip_id=1.5\n", 3, 8, "not one of"},
		{LABEL "sig = *:64:0:*:29200,7:mss,sok,tss,nop,ws:df,id+:0\n", 3, 32, "'tss'"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @\n", 3, 34, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 0\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 1001\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 1e2\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ .5\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 1.2.3\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 1000.1\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 0.00000000001\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 5:\n", 3, 35, "rate"},
		{LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 5/\n", 3, 35, "rate"},
		{LABEL "when = ip_id=\n", 3, 8, "not one of"},
		{LABEL "when = ip_id\n", 3, 8, "not one of"},
		{LABEL "when = mss=65536\n", 3, 8, "not one of"},
		{LABEL "when = mss=dst\n", 3, 8, "not one of"},
		{"class = Linux, Linux, 1000001\n", 1, 23, "weight"},
		{"class = Linux, " WORD_64 "\n", 1, 16, "the family is empty or longer than 63"},
		{"class = " WORD_64 ", Linux\n", 1, 9, "the class is empty or longer than 63"},
		{"doubt = fuzzy\n", 1, 9, "KIND, SHARE"},
		{"doubt = fuzzy, 0.991\n", 1, 16, "the share of a doubt"},
		{"doubt = fuzzy, 0.5, 1.1, 7\n", 1, 21, "RIGHT"},
		{"doubt = fuzzy, 0.5, 0.9\n", 1, 21, "RIGHT"},
		{"doubt = fuzzy, 0.5, 0.9, many\n", 1, 21, "RIGHT"},
		{"doubt = fuzzy, 0.5, 0.9, 1000000001\n", 1, 21, "RIGHT"},
		{"doubt = some, 0.5\n", 1, 9, "not one of fuzzy"},
		{HEAD "label = s:unix:" WORD_64 ":3.x\n", 2, 16, "1 to 63"},
		{HEAD "label = s:unix:Linux:" WORD_64 "\n", 2, 16, "longer than 63"},
		{HEAD "label = s:unix:Linux:" WORD_58 "\n", 2, 16, "longer than 63 bytes together"},
		{HEAD "label = s::Linux:3.x\n", 2, 9, "given as"},
		{HEAD "label = s:unix:Linux\n", 2, 9, "given as"},
		{HEAD "label =\n", 2, 1, "nothing stands behind"},
		{HEAD "sys = Linux\n", 2, 1, "behind a label"},
		{HEAD "does = ws\n", 2, 1, "behind a label"},
		{"sys = Linux\n", 1, 1, "belongs below"},
		{"when = always\n", 1, 1, "belongs below"},
		{"does = ws\n", 1, 1, "belongs below"},
		{"from = a book\n", 1, 1, "belongs below"},
		{"[tcp:request]x\n", 1, 1, "a section is given"},
		{"[]\n", 1, 2, "no section"},
		{LABEL SIG "[mtu]\nsig = what ever\n[tcp:request]\n" SIG, 7, 7,
		 "before the first label"},
	};
	struct text_error error;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup();
		error = (struct text_error){0};
		cr_expect_eq(sigdb_load(db, cases[i].text, strlen(cases[i].text), &error), -EINVAL,
			     "%s", cases[i].text);
		cr_expect(error.line == cases[i].line && error.column == cases[i].column,
			  "%s: %u:%u %s", cases[i].text, error.line, error.column, error.what);
		cr_expect_not_null(strstr(error.what, cases[i].what), "%s: %s", cases[i].text,
				   error.what);
		teardown();
	}
}

/* The most and the longest that is allowed; blanks of every kind around it. */
Test(sigdb, accepts)
{
	static const char *const cases[] = {
		"",
		"\n\n",
		"; comment",
		"class = Linux, Linux, 1000000\n",
		"class = Linux, Linux, 1.\n",
		"class = Linux, Linux, 0.0000000001\n",
		"class = " WORD_63 ", " WORD_63 "\n",
		"classes = win,unix\n",
		"doubt = fuzzy, 0.99, 1, 1000000000\ndoubt = generic, 0\n doubt = specific , 0.5 "
		"\n",
		LABEL "sys = Linux\n" SIG,
		LABEL "when = ip_id=65535\n" SIG "when = ip_id = 0\n" SIG,
		LABEL "sig = *:64:0:*:29200,7:mss:df:0 @ 1000\n",
		LABEL "\t sig\t=\t*:64:0:*:29200,7:mss:df:0\t@\t0.5\t \r\n",
		HEAD "label = s:unix:Linux:" WORD_57 "\n",
		HEAD "label = s:unix:" WORD_63 ":\n",
		"[mtu]\nlabel = what ever\nsig = it says\n[http:request]\nnonsense = 1\n" LABEL SIG,
	};
	struct text_error error = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup();
		cr_expect_eq(sigdb_load(db, cases[i], strlen(cases[i]), &error), 0, "%s: %u:%u %s",
			     cases[i], error.line, error.column, error.what);
		cr_expect(!error.line && !error.what[0], "%s: nothing to complain of", cases[i]);
		teardown();
	}
}

Test(sigdb, refuses_long_lines, .init = setup, .fini = teardown)
{
	static char text[5000];
	struct text_error error;

	memset(text, ';', sizeof(text));
	text[2048] = '\n';
	cr_expect_eq(sigdb_load(db, text, 2049, &error), 0, "2048 bytes");
	text[2048] = ';';
	text[2049] = '\n';
	cr_expect_eq(sigdb_load(db, text, 2050, &error), -EINVAL);
	cr_expect_eq(error.line, 1);
}

/* Whatever allocation fails, loading or building says so, and all of it can be freed. */
Test(sigdb, out_of_memory)
{
	static const char text[] =
		"class = Windows, Windows\n" LABEL "from = a book\n" SIG "label = g:win:Windows:\n"
		"sig = *:128:0:*:%8192,0:mss,nop,nop,sok:df,id+:0 @ 3\n"
		"sig = *:128:0:*:mss*max,*:mss,nop,ws,nop,nop,sok:df,id+:0 @ 3\n";
	unsigned failures = 0;
	int r;

	for (;; failures++) {
		vocab = vocab_new();
		alloc_fail_after(failures);
		db = sigdb_new(vocab);
		r = db ? sigdb_load(db, text, strlen(text), NULL) : -ENOMEM;
		if (r == 0)
			r = sigdb_build(db);
		sigdb_free(db);
		vocab_free(vocab);
		if (!alloc_has_failed())
			break;
		cr_expect_eq(r, -ENOMEM, "allocation %u: %d", failures, r);
	}
	cr_expect_eq(r, 0);
	cr_expect_geq(failures, 10, "%u", failures);
}

Test(sigdb, refuses_many_moduli, .init = setup, .fini = teardown)
{
	struct text_error error = {0};
	char text[200];

	for (unsigned i = 0; i < 17; i++) {
		snprintf(text, sizeof(text), LABEL "sig = *:64:0:*:%%%u,0:mss:df:0\n",
			 1000 + i % 16);
		load(text);
	}
	snprintf(text, sizeof(text), LABEL "sig = *:64:0:*:%%2000,0:mss:df:0\n");
	cr_expect_eq(sigdb_load(db, text, strlen(text), &error), -EINVAL);
	cr_expect_eq(error.line, 3);
}

Test(sigdb, needs_a_signature, .init = setup, .fini = teardown)
{
	cr_expect_eq(sigdb_build(db), -EINVAL);
	load(LABEL "; nothing\n");
	cr_expect_eq(sigdb_build(db), -EINVAL);
	load(LABEL SIG);
	cr_expect_eq(sigdb_build(db), 0);
}

Test(sigdb, tells_what_it_read, .init = setup, .fini = teardown)
{
	struct sigdb_info info;
	uint16_t label;

	load("class = Thing, Things, 0.5\n" HEAD "from = a book\nlabel = g:other:Thing:\n" SIG
	     "label = s:!:Probe:fast\nwhen = ip_id=54321\n"
	     "sig = 4:255:0:*:65535,0:::0 @ 12.5\nwhen = always\nsig = 4:255:0:*:1,0:::0\n");
	info = sigdb_info(db, 0);
	cr_expect(info.generic && !info.tool && info.permille == 0);
	cr_expect_str_eq(info.source, "a book");
	cr_expect_str_eq(vocab_text(vocab, VOCAB_LABEL, info.label), "Thing");
	cr_expect_str_eq(vocab_text(vocab, VOCAB_FAMILY, vocab_family_of(vocab, info.class_id)),
			 "Things");
	info = sigdb_info(db, 1);
	cr_expect(info.tool && !info.generic && info.when == SIG_WHEN_IP_ID);
	cr_expect_eq(info.when_value, 54321);
	cr_expect_float_eq(info.permille, 12.5f, 1e-6f);
	cr_expect_str_eq(info.source, "a book");
	cr_expect_str_eq(vocab_text(vocab, VOCAB_LABEL, info.label), "Probe fast");
	cr_expect_eq(sigdb_info(db, 2).when, SIG_WHEN_ALWAYS);
	cr_expect_eq(sigdb_sig(db, 2, &label)->win, 1);
	cr_expect_eq(label, info.label);
}

Test(sigdb, names_become_classes_and_families, .init = setup, .fini = teardown)
{
	static const struct {
		const char *label, *class, *family;
	} cases[] = {
		{"s:win:Windows:XP", "Windows", "Windows"},
		{"s:unix:MacOS X:10.9 or newer", "macOS", "Apple"},
		{"g:unix:Mac OS X:", "macOS", "Apple"},
		{"s:unix:iOS:iPhone or iPad", "iOS", "Apple"},
		{"s:!:NMap:SYN scan", "nmap", "Tool"},
		{"s:unix:BaiduSpider:", "BaiduSpider", "Unix"},
		{"s:other:NeXTSTEP:", "NeXTSTEP", "Other"},
	};
	char text[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sigdb_info info;

		snprintf(text, sizeof(text), HEAD "label = %s\n" SIG, cases[i].label);
		load(text);
		info = sigdb_info(db, i);
		cr_expect_str_eq(vocab_text(vocab, VOCAB_CLASS, info.class_id), cases[i].class);
		cr_expect_str_eq(vocab_text(vocab, VOCAB_FAMILY,
					    vocab_family_of(vocab, info.class_id)),
				 cases[i].family);
	}
}

Test(sigdb, more_names_than_classes, .init = setup, .fini = teardown)
{
	struct sigdb_stats stats;
	char text[200];

	for (unsigned i = 0; i < 3 * VOCAB_CLASSES_MAX; i++) {
		snprintf(text, sizeof(text), HEAD "label = s:unix:System%u:1\n" SIG, i);
		load(text);
	}
	cr_expect_eq(sigdb_build(db), 0);
	sigdb_get_stats(db, &stats);
	cr_expect_eq(stats.sigs, 3 * VOCAB_CLASSES_MAX);
	cr_expect_eq(stats.labels, 3 * VOCAB_CLASSES_MAX);
	cr_expect_eq(stats.classes, VOCAB_CLASSES_MAX - 1);
	cr_expect_str_eq(vocab_text(vocab, VOCAB_CLASS, sigdb_info(db, 150).class_id), "Other");
}

Test(sigdb, priors, .init = setup, .fini = teardown)
{
	int a, b, c;

	load("class = A, F\nclass = B, F, 0.5\nclass = C, F, 2\nclass = Unused, F, 9\n" HEAD
	     "label = s:unix:A:\n" SIG "label = s:unix:B:\n" SIG "label = s:unix:C:\n" SIG);
	a = vocab_find(vocab, VOCAB_CLASS, "A", 1);
	b = vocab_find(vocab, VOCAB_CLASS, "B", 1);
	c = vocab_find(vocab, VOCAB_CLASS, "C", 1);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, 0), -EINVAL);
	cr_expect_eq(sigdb_set_prior(db, VOCAB_CLASSES_MAX, 1), -EINVAL);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, -1), -EINVAL);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, NAN), -EINVAL);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, 1e6f), 0);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, 1000001), -EINVAL);
	cr_expect_eq(sigdb_set_prior(db, VOCAB_CLASSES_MAX - 1, 1), 0);
	cr_expect_eq(sigdb_set_prior(db, (unsigned)c, 0.5f), 0);
	load("class = C, F, 7\n");
	cr_assert_eq(sigdb_build(db), 0);
	cr_expect_float_eq(sigdb_prior(db, (unsigned)a), 0.5f, 1e-6f);
	cr_expect_float_eq(sigdb_prior(db, (unsigned)b), 0.25f, 1e-6f);
	cr_expect_float_eq(sigdb_prior(db, (unsigned)c), 0.25f, 1e-6f);
	cr_expect_float_eq(sigdb_prior(db, 0), 0, 1e-6f);
}

Test(sigdb, reads_what_p0f_ships, .init = setup, .fini = teardown)
{
	struct sigdb_stats stats;
	size_t len;
	char *text = shipped_db_read("/etc/p0f/p0f.fp", &len);

	cr_assert_eq(sigdb_load(db, text, len, NULL), 0);
	cr_assert_eq(sigdb_build(db), 0);
	sigdb_get_stats(db, &stats);
	cr_expect_eq(stats.sigs, 91); /* sig lines of its [tcp:request] */
	free(text);
}

Test(sigdb, the_shipped_one, .init = setup, .fini = teardown)
{
	struct sigdb *shipped = shipped_db_load(vocab);
	struct sigdb_stats stats;

	sigdb_get_stats(shipped, &stats);
	cr_expect_geq(stats.sigs, 400);
	cr_expect_geq(stats.classes, 30);
	for (size_t i = 0; i < stats.sigs; i++) {
		struct sigdb_info info = sigdb_info(shipped, i);

		cr_expect(info.source[0] && info.permille > 0, "signature %zu says too little", i);
		cr_expect_neq(vocab_family_of(vocab, info.class_id), 0);
	}
	sigdb_free(shipped);
}

/* 200,000 signatures; one that is only there once is found among them. */
Test(sigdb, holds_many, .init = setup, .fini = teardown, .timeout = 60)
{
	struct sigdb_stats stats;
	struct match match;
	struct syn syn;
	char line[120];

	load(LABEL);
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(line, sizeof(line),
			 LABEL "sig = *:64:0:%u:%u,7:mss,sok,ts,nop,ws:df,id+:0\n", 500 + i % 1000,
			 1000 + i / 1000);
		load(line);
	}
	load(HEAD
	     "label = s:unix:FreeBSD:x\nsig = *:64:0:1501:1100,7:mss,sok,ts,nop,ws:df,id+:0\n");
	cr_assert_eq(sigdb_build(db), 0);
	sigdb_get_stats(db, &stats);
	cr_expect_eq(stats.sigs, 200001);
	cr_expect_leq(stats.memory_bytes, 200 << 20);
	cr_assert(syn_from_sig(db, 200000, 3, &syn));
	match_syn(db, &syn, &match);
	cr_expect_eq(match.kind, MATCH_SPECIFIC);
	cr_expect_str_eq(vocab_text(vocab, VOCAB_LABEL, match.label), "FreeBSD x");
}
