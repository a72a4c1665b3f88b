/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all kinds of targets have in common. */
#include "publish/target.h"

#include <criterion/criterion.h>
#include <errno.h>

#define NONE 1 /* there is no such set */

struct pair {
	struct target target;
	int rcs[SETOPS_VERSIONS]; /* what becomes of each */
	unsigned asked, makes;
	int make_rc;
};

static int find(struct target *target, enum setops_version version, struct text_error *ret_error)
{
	struct pair *pair = (struct pair *)target;

	pair->asked++;
	if (pair->rcs[version] < 0)
		text_error_set(ret_error, 0, 0, "%d", version);
	return pair->rcs[version];
}

static int make(struct target *target, enum setops_version version, struct text_error *ret_error)
{
	(void)version;
	(void)ret_error;
	((struct pair *)target)->makes++;
	return ((struct pair *)target)->make_rc;
}

static const char *explain(const struct target *target, int rc)
{
	(void)target;
	return rc == -EPERM ? "not permitted" : "?";
}

static void init(struct pair *pair, bool is_foreign)
{
	static const struct target_type type = {.find = find, .make = make, .explain = explain};
	const struct target_params params = {.name4 = pair->rcs[0] == NONE ? NULL : "set4",
					     .name6 = pair->rcs[1] == NONE ? NULL : "set6",
					     .timeout_s = 1,
					     .is_foreign = is_foreign};

	cr_assert_eq(target_init(&pair->target, &type, &params, "pair", 16), 0);
}

/* One good set is enough, the first bad one is told, and what is no fault of a set ends it. */
Test(target, both_sets_of_a_pair)
{
	static const struct {
		int rcs[SETOPS_VERSIONS];
		bool was_out[SETOPS_VERSIONS];
		int rc;
		bool is_out[SETOPS_VERSIONS], is_created;
		unsigned asked;
		const char *what;
	} cases[] = {
		{{0, 0}, {0, 0}, 0, {0, 0}, false, 2, ""},
		{{0, 0}, {0, 1}, 0, {0, 0}, true, 2, ""},
		{{0, NONE}, {0, 0}, 0, {0, 0}, false, 1, ""},
		{{NONE, 0}, {0, 1}, 0, {0, 0}, true, 1, ""},
		{{-ENOENT, 0}, {0, 0}, 0, {1, 0}, false, 2, "0"},
		{{0, -EINVAL}, {0, 0}, 0, {0, 1}, false, 2, "1"},
		{{NONE, -EINVAL}, {0, 0}, -EINVAL, {0, 1}, false, 1, "1"},
		{{-EINVAL, -ENOENT}, {0, 1}, -EINVAL, {1, 1}, false, 2, "0"},
		{{-EPERM, 0}, {0, 0}, -EPERM, {1, 0}, false, 1, "0"},
		{{-ENOENT, -EPERM}, {0, 0}, -EPERM, {1, 1}, false, 2, "0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair pair = {.rcs = {cases[i].rcs[0], cases[i].rcs[1]}};
		bool is_created = false;
		struct text_error error = {.what = ""};

		init(&pair, true);
		memcpy(pair.target.is_out, cases[i].was_out, sizeof(pair.target.is_out));
		cr_expect_eq(target_ensure(&pair.target, &is_created, &error), cases[i].rc,
			     "case %zu", i);
		cr_expect(pair.target.is_out[0] == cases[i].is_out[0] &&
				  pair.target.is_out[1] == cases[i].is_out[1],
			  "case %zu", i);
		cr_expect_eq(is_created, cases[i].is_created, "case %zu", i);
		cr_expect_eq(pair.asked, cases[i].asked, "case %zu", i);
		cr_expect_str_eq(error.what, cases[i].what, "case %zu", i);
	}
}

Test(target, what_is_ours_is_made)
{
	struct pair pair = {.rcs = {-ENOENT, 0}};
	struct text_error error = {.what = ""};
	bool is_created = false;

	init(&pair, false);
	cr_expect_str_eq(pair.target.name, "pair set4/set6");
	cr_expect_eq(target_ensure(&pair.target, &is_created, &error), 0);
	cr_expect(is_created);
	cr_expect_eq(pair.makes, 1);
	cr_expect_str_eq(error.what, "", "what was missing is no news");
	pair.make_rc = -EPERM;
	is_created = false;
	cr_expect_eq(target_ensure(&pair.target, &is_created, &error), -EPERM);
	cr_expect_not(is_created);
	cr_expect_str_eq(error.what, "not permitted");
}

/* One that is out is looked for: foreign ones until they fit, and ours until they are gone, too. */
Test(target, one_that_is_out_comes_back)
{
	static const struct {
		int rc;
		bool is_foreign, is_intact;
	} cases[] = {
		{0, true, false},       {0, false, false},     {-EINVAL, true, true},
		{-EINVAL, false, true}, {-ENOENT, true, true}, {-ENOENT, false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair pair = {.rcs = {NONE, cases[i].rc}};
		bool is_intact = !cases[i].is_intact;

		init(&pair, cases[i].is_foreign);
		pair.target.is_out[SETOPS_V6] = true;
		cr_expect_eq(target_check(&pair.target, &is_intact), 0);
		cr_expect_eq(is_intact, cases[i].is_intact, "case %zu", i);
	}
}

Test(target, bad_parameters)
{
	static const struct target_params rows[] = {
		{.timeout_s = 1},
		{.name4 = "a", .timeout_s = 0},
		{.name4 = "a", .name6 = "", .timeout_s = 1},
		{.name4 = "", .timeout_s = 1},
		{.name4 = "a_name_of_sixteen", .timeout_s = 1},
	};
	static const struct target_type type = {.find = find};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(target_init(&(struct target){0}, &type, &rows[i], "pair", 16), -EINVAL,
			     "row %zu", i);
}
