/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which operations count, and how witnesses give a flush away. */
#include "publish/setops.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static struct addr addr_of(const char *text)
{
	struct addr addr;

	cr_assert_eq(addr_parse(text, &addr), 0);
	return addr;
}

static struct publish_op op(const char *text, enum publish_op_kind kind)
{
	return (struct publish_op){.addr = addr_of(text), .kind = kind};
}

Test(setops, the_last_operation_about_an_address_counts)
{
	struct setops_list lists[SETOPS_VERSIONS];
	struct publish_op ops[] = {
		op("192.0.2.1", PUBLISH_ADD),        op("2001:db8::1", PUBLISH_REMOVE),
		op("192.0.2.1", PUBLISH_REMOVE),     op("2001:db8::1", PUBLISH_ADD),
		op("::ffff:192.0.2.1", PUBLISH_ADD), op("192.0.2.2", PUBLISH_REFRESH),
	};

	setops_split(ops, 6, false, lists);
	cr_expect_eq(lists[SETOPS_V4].count, 2);
	cr_expect_eq(lists[SETOPS_V6].count, 1);
	cr_expect_eq(lists[SETOPS_V4].ops[0], &ops[5]);
	cr_expect_eq(lists[SETOPS_V4].ops[1], &ops[4]);
	cr_expect_eq(lists[SETOPS_V6].ops[0], &ops[3]);
}

Test(setops, as_many_as_there_may_be)
{
	static struct publish_op ops[SETOPS_MAX];
	struct setops_list lists[SETOPS_VERSIONS];

	for (unsigned i = 0; i < SETOPS_MAX; i++) {
		uint8_t bytes[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};

		ops[i].addr = addr_from_v4(bytes);
	}
	setops_split(ops, SETOPS_MAX, false, lists);
	cr_expect_eq(lists[SETOPS_V4].count, SETOPS_MAX);
	cr_expect_eq(lists[SETOPS_V6].count, 0);
}

Test(setops, bytes_of_each_version)
{
	struct addr v4 = addr_of("192.0.2.1"), v6 = addr_of("2001:db8::1");
	size_t len;

	cr_expect_eq(setops_bytes(&v4, SETOPS_V4, &len), v4.bytes + 12);
	cr_expect_eq(len, 4);
	cr_expect_eq(setops_bytes(&v6, SETOPS_V6, &len), v6.bytes);
	cr_expect_eq(len, 16);
}

static void note(struct witnesses *witnesses, const char *text, enum publish_op_kind kind,
		 uint64_t now_ms)
{
	struct publish_op one = op(text, kind);
	struct setops_list list = {.count = 1, .ops = {&one}};

	witnesses_note(witnesses, &list, 10, now_ms);
}

static bool has(const struct witnesses *witnesses, uint64_t now_ms, const char *text)
{
	struct witness found[WITNESSES];
	struct addr addr = addr_of(text);
	unsigned count = witnesses_list(witnesses, now_ms, found);

	for (unsigned i = 0; i < count; i++)
		if (addr_equal(&found[i].addr, &addr))
			return true;
	return false;
}

Test(witnesses, live_as_long_as_their_element)
{
	struct witnesses w = {0};

	note(&w, "192.0.2.1", PUBLISH_ADD, 1000);
	cr_expect(has(&w, 1000, "192.0.2.1"));
	cr_expect(!has(&w, 10900, "192.0.2.1"), "the timeout of 10 s has nearly passed");
	note(&w, "192.0.2.1", PUBLISH_REFRESH, 5000);
	cr_expect(has(&w, 10900, "192.0.2.1"));
	note(&w, "192.0.2.1", PUBLISH_REMOVE, 6000);
	cr_expect(!has(&w, 6000, "192.0.2.1"));
}

Test(witnesses, only_one_is_replaced_between_two_looks)
{
	struct witnesses w = {0};
	struct witness found[WITNESSES];
	char text[ADDR_TEXT_MAX];
	unsigned old = 0;

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		note(&w, text, PUBLISH_ADD, 1000);
	}
	witnesses_looked(&w, true);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "198.51.100.%d", i);
		note(&w, text, PUBLISH_ADD, 2000);
	}
	cr_expect_eq(witnesses_list(&w, 2000, found), WITNESSES);
	for (int i = 0; i < WITNESSES; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		old += has(&w, 2000, text);
	}
	cr_expect_eq(old, WITNESSES - 1);
	witnesses_looked(&w, false);
	cr_expect_eq(witnesses_list(&w, 2000, found), 0);
}

struct pair {
	int rcs[SETOPS_VERSIONS]; /* what becomes of each */
	unsigned asked;
};

static int ensure(void *ctx, enum setops_version version, bool *is_created,
		  struct text_error *ret_error)
{
	struct pair *pair = ctx;
	int rc = pair->rcs[version];

	(void)is_created;
	pair->asked++;
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "%d", version);
	return rc;
}

/* One good set is enough, the first bad one is told, and what is no fault of a set ends it. */
Test(setops, both_sets_of_a_pair)
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
		{{0, 1}, {0, 0}, 0, {0, 0}, false, 2, ""},
		{{1, 0}, {0, 1}, 0, {0, 0}, true, 2, ""},
		{{-ENOENT, 0}, {0, 0}, 0, {1, 0}, false, 2, "0"},
		{{0, -EINVAL}, {0, 0}, 0, {0, 1}, false, 2, "1"},
		{{1, -EINVAL}, {0, 0}, -EINVAL, {0, 1}, false, 2, "1"},
		{{-EINVAL, -ENOENT}, {0, 1}, -EINVAL, {1, 1}, false, 2, "0"},
		{{-EPERM, 0}, {0, 0}, -EPERM, {1, 0}, false, 1, "0"},
		{{-ENOENT, -EPERM}, {0, 0}, -EPERM, {1, 1}, false, 2, "0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair pair = {.rcs = {cases[i].rcs[0], cases[i].rcs[1]}};
		bool is_out[] = {cases[i].was_out[0], cases[i].was_out[1]}, is_created = false;
		struct text_error error = {.what = ""};

		cr_expect_eq(setops_ensure(ensure, &pair, is_out, &is_created, &error), cases[i].rc,
			     "case %zu", i);
		cr_expect(is_out[0] == cases[i].is_out[0] && is_out[1] == cases[i].is_out[1],
			  "case %zu", i);
		cr_expect_eq(is_created, cases[i].is_created, "case %zu", i);
		cr_expect_eq(pair.asked, cases[i].asked, "case %zu", i);
		cr_expect_str_eq(error.what, cases[i].what, "case %zu", i);
	}
}
