/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations: the numbers add up to the verdict's, over every signature of the database. */
#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>

#include "shipped_db.h"
#include "core/report/explain.h"

static struct vocab *vocab;
static struct sigdb *db;
static struct linkdb *linkdb;
static char data[65536];

static void setup(void)
{
	size_t len;
	char *text = shipped_db_read("conf/links.db", &len);
	struct text_error error = {0};

	vocab = vocab_new();
	db = shipped_db_load(vocab);
	linkdb = linkdb_new(vocab);
	cr_assert_eq(linkdb_load(linkdb, text, len, &error), 0, "%s", error.what);
	free(text);
}

static void teardown(void)
{
	linkdb_free(linkdb);
	sigdb_free(db);
	vocab_free(vocab);
}

TestSuite(explain, .init = setup, .fini = teardown);

static cJSON *explain(const struct syn *syn, struct verdict *ret_verdict)
{
	struct explain_bases bases = {.sigdb = db, .linkdb = linkdb, .vocab = vocab};
	struct match match;
	struct link link;
	struct report report = {.addr = syn->src, .syn = syn, .match = &match, .link = &link};
	struct text_buf buf;
	cJSON *tree;

	match_syn(db, syn, &match);
	link_judge(linkdb, syn, 0, &link);
	report.verdict = verdict_decide(syn, &match, &link, LINK_LIKELY);
	*ret_verdict = report.verdict;
	text_buf_init(&buf, data, sizeof(data));
	text_put(&buf, "{\"found\":true");
	explain_put_members(&report, &bases, &buf);
	text_put_char(&buf, '}');
	cr_assert_not(buf.overflow);
	tree = cJSON_Parse(data);
	cr_assert_not_null(tree, "%s", data);
	return tree;
}

static const cJSON *part(const cJSON *tree, const char *name)
{
	const cJSON *member =
		cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItem(tree, "explain"), name);

	cr_assert_not_null(member, "%s", name);
	return member;
}

static double sum_of(const cJSON *steps, const char *name)
{
	const cJSON *step;
	double sum = 0;

	cJSON_ArrayForEach (step, steps)
		sum += cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(step, name));
	return sum;
}

static void check_sums(const struct syn *syn, const char *what)
{
	struct match_explanation explanation;
	struct verdict verdict;
	cJSON *tree = explain(syn, &verdict);
	const cJSON *steps = part(tree, "steps");
	const struct match_step *last;

	cr_assert(fabs(sum_of(steps, "change") - verdict.confidence_permille / 1000.0) < 1e-9,
		  "%s: %s", what, data);
	cr_assert(fabs(sum_of(steps, "family_change") -
		       cJSON_GetNumberValue(part(tree, "family_confidence"))) < 1e-9);
	match_explain(db, syn, &explanation);
	cr_assert_gt(explanation.step_count, 1, "%s", what);
	cr_assert_null(strstr(data, ":-0,"), "%s: no zero is negative", what);
	cr_assert_eq(lround(1000 *
			    cJSON_GetNumberValue(cJSON_GetObjectItem(steps->child, "class"))),
		     lroundf(1000 * explanation.steps[0].class_prob), "%s", what);
	last = &explanation.steps[explanation.step_count - 1];
	cr_assert(fabsf(last->class_prob - explanation.match.confidence) < 1e-5f,
		  "%s: the trace ends at %f, the verdict is %f", what, (double)last->class_prob,
		  (double)explanation.match.confidence);
	cr_assert(fabsf(last->family_prob - explanation.match.family_confidence) < 1e-5f, "%s",
		  what);
	cJSON_Delete(tree);
}

static void change_path(struct syn *syn, unsigned way)
{
	switch (way) {
	case 1: syn->ttl = 20; break;
	case 2: syn->quirks ^= QUIRK_DF; break;
	case 3: syn->win = 12345; break;
	case 4: syn->wscale ^= 3; break;
	case 5: syn->opt_kinds[syn->opt_count ? syn->opt_count - 1 : 0] = SYN_OPT_NOP; break;
	case 6: syn->quirks |= QUIRK_URG_PTR | QUIRK_ACK_NONZERO; break;
	default: break;
	}
}

Test(explain, changes_add_up_to_the_verdict)
{
	size_t count = shipped_db_count(db), seen = 0;

	for (size_t i = 0; i < count; i++)
		for (unsigned way = 0; way < 7; way++) {
			struct match match;
			struct syn syn;

			if (!syn_from_sig(db, i, 3, &syn))
				continue;
			change_path(&syn, way);
			match_syn(db, &syn, &match);
			if (match.kind == MATCH_NONE)
				continue;
			check_sums(&syn, vocab_text(vocab, VOCAB_LABEL, sigdb_info(db, i).label));
			seen++;
		}
	cr_assert_gt(seen, count);
}

static struct syn first_syn(void)
{
	struct syn syn;

	cr_assert(syn_from_sig(db, 0, 3, &syn));
	return syn;
}

Test(explain, guesses_are_sorted_and_a_perfect_one_has_ten)
{
	struct syn syn = first_syn();
	struct verdict verdict;
	cJSON *tree = explain(&syn, &verdict);
	const cJSON *guess;
	double before = 10;

	cJSON_ArrayForEach (guess, part(tree, "bestNGuesses")) {
		double score = cJSON_GetNumberValue(cJSON_GetObjectItem(guess, "score"));

		cr_assert_leq(score, before);
		before = score;
	}
	guess = part(tree, "bestNGuesses")->child;
	cr_assert_float_eq(cJSON_GetNumberValue(cJSON_GetObjectItem(guess, "score")), 10, 1e-6);
	cJSON_Delete(tree);
}

Test(explain, averages_are_written_as_the_article_does)
{
	struct syn syn = first_syn();
	struct verdict verdict;
	cJSON *tree = explain(&syn, &verdict);
	const cJSON *averages = part(tree, "avgScoreOsClass");
	struct match_average expected[VOCAB_CLASSES_MAX];
	const cJSON *average;
	int count = 0;
	float told;
	unsigned n;

	match_averages(db, &syn, expected);
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		count += expected[id].sigs > 0;
	cr_assert_eq(cJSON_GetArraySize(averages), count);
	cr_assert_gt(count, 5);
	cJSON_ArrayForEach (average, averages) {
		int id = vocab_find(vocab, VOCAB_CLASS, average->string, strlen(average->string));

		cr_assert_eq(sscanf(average->valuestring, "avg=%f, N=%u", &told, &n), 2);
		cr_assert(fabsf(told - expected[id].score) < 0.0051f, "%s", average->string);
		cr_assert_eq(n, expected[id].sigs);
		cr_assert_geq(n, MATCH_AVERAGE_SIGS_MIN, "%s", average->string);
	}
	cr_assert_null(cJSON_GetObjectItem(averages, "nmap"), "tools stand apart");
	cJSON_Delete(tree);
}

static bool has_number(const cJSON *list, double number)
{
	const cJSON *item;

	cJSON_ArrayForEach (item, list)
		if (item->valuedouble == number)
			return true;
	return false;
}

Test(explain, link_has_arithmetic_and_origins_of_the_window)
{
	struct syn syn = first_syn();
	struct verdict verdict;
	const cJSON *link, *window;
	cJSON *tree;

	syn.mss = 1380; /* WireGuard over IPv4: 1500 - 60 - 20 - 40 */
	syn.win = 64860;
	tree = explain(&syn, &verdict);
	link = part(tree, "link");
	cr_assert_gt(cJSON_GetArraySize(cJSON_GetObjectItem(link, "candidates")), 0, "%s", data);
	cr_assert_not_null(strstr(data, "1420"), "%s", data);
	window = cJSON_GetObjectItem(link, "window");
	/* This window is 47 times 1380 and 46 times 1410. */
	cr_assert(has_number(cJSON_GetObjectItem(window, "origins"), 1380), "%s", data);
	cr_assert(has_number(cJSON_GetObjectItem(window, "origins"), 1410), "%s", data);
	cJSON_Delete(tree);
}

static int number(const cJSON *object, const char *name)
{
	return (int)cJSON_GetNumberValue(cJSON_GetObjectItem(object, name));
}

/* There may be any number of them; so many are told, and how many there are. */
Test(explain, origins_and_candidates_are_bounded)
{
	struct syn syn = first_syn();
	struct verdict verdict;
	const cJSON *window;
	int most = 0;
	cJSON *tree;

	syn.win = 64512; /* 2^10 * 63 has 21 divisors up to 63 */
	tree = explain(&syn, &verdict);
	window = cJSON_GetObjectItem(part(tree, "link"), "window");
	cr_expect_eq(number(window, "origin_count"), 21);
	cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(window, "origins")), 16);
	cJSON_Delete(tree);
	for (syn.mss = 1200; syn.mss <= 1460; syn.mss += 2) {
		const cJSON *link;
		int count;

		tree = explain(&syn, &verdict);
		link = part(tree, "link");
		count = number(link, "candidate_count");
		most = count > most ? count : most;
		cr_expect_eq(cJSON_GetArraySize(cJSON_GetObjectItem(link, "candidates")),
			     count < 8 ? count : 8);
		cJSON_Delete(tree);
	}
	cr_expect_gt(most, 8);
}

Test(explain, windows_come_from_536_to_loopback)
{
	static const struct {
		uint16_t win;
		int origin, beyond; /* an MSS that is told, and one that is not */
	} cases[] = {{65392, 536, 0}, {65495, 65495, 0}, {65496, 0, 65496}, {65270, 0, 535}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn syn = first_syn();
		struct verdict verdict;
		const cJSON *origins;
		cJSON *tree;

		syn.win = cases[i].win;
		tree = explain(&syn, &verdict);
		origins = cJSON_GetObjectItem(cJSON_GetObjectItem(part(tree, "link"), "window"),
					      "origins");
		cr_expect(!cases[i].origin || has_number(origins, cases[i].origin), "%s", data);
		cr_expect(!cases[i].beyond || !has_number(origins, cases[i].beyond), "%s", data);
		cJSON_Delete(tree);
	}
}

Test(explain, every_step_has_words)
{
	struct match_explanation explanation;
	size_t count = shipped_db_count(db);

	for (size_t i = 0; i < count; i++) {
		struct syn syn;

		if (!syn_from_sig(db, i, 40, &syn))
			continue;
		syn.wscale ^= 1;
		match_explain(db, &syn, &explanation);
		for (unsigned k = 0; k < explanation.step_count; k++)
			cr_assert_neq(*explain_step_text(explanation.steps[k].name), '\0', "%s",
				      explanation.steps[k].name);
	}
	cr_assert_str_eq(explain_step_text("no such step"), "");
}
