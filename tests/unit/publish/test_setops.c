/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which operations count, and how witnesses give a flush away. */
#include "publish/setops.h"

#include <criterion/criterion.h>
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

static bool is_op(const struct publish_op *a, const struct publish_op *b)
{
	return addr_equal(&a->addr, &b->addr) && a->kind == b->kind;
}

Test(setops, the_last_operation_about_an_address_counts)
{
	static struct setops split;
	struct publish_op ops[] = {
		op("192.0.2.1", PUBLISH_ADD),        op("2001:db8::1", PUBLISH_REMOVE),
		op("192.0.2.1", PUBLISH_REMOVE),     op("2001:db8::1", PUBLISH_ADD),
		op("::ffff:192.0.2.1", PUBLISH_ADD), op("192.0.2.2", PUBLISH_REFRESH),
	};

	setops_split(ops, 6, false, 128, &split);
	cr_assert_eq(split.lists[SETOPS_V4].count, 2);
	cr_assert_eq(split.lists[SETOPS_V6].count, 1);
	cr_expect(is_op(&split.lists[SETOPS_V4].ops[0], &ops[4]));
	cr_expect(is_op(&split.lists[SETOPS_V4].ops[1], &ops[5]));
	cr_expect(is_op(&split.lists[SETOPS_V6].ops[0], &ops[3]));
}

/* Of IPv6 alone; of one prefix the last counts as well. */
Test(setops, prefixes)
{
	static struct setops split;
	struct addr prefix = addr_of("2001:db8::");
	struct publish_op ops[] = {op("2001:db8::1", PUBLISH_ADD), op("192.0.2.1", PUBLISH_ADD),
				   op("2001:db8::2", PUBLISH_REMOVE)};

	setops_split(ops, 3, false, 64, &split);
	cr_assert_eq(split.lists[SETOPS_V6].count, 1);
	cr_expect(addr_equal(&split.lists[SETOPS_V6].ops[0].addr, &prefix));
	cr_expect_eq(split.lists[SETOPS_V6].ops[0].kind, PUBLISH_REMOVE);
	cr_assert_eq(split.lists[SETOPS_V4].count, 1);
	cr_expect(is_op(&split.lists[SETOPS_V4].ops[0], &ops[1]));
}

Test(setops, ports)
{
	static struct setops split;
	struct publish_op ops[] = {op("192.0.2.1", PUBLISH_ADD), op("192.0.2.1", PUBLISH_REMOVE)};

	ops[1].port = 7;
	setops_split(ops, 2, true, 128, &split);
	cr_expect_eq(split.lists[SETOPS_V4].count, 2);
	setops_split(ops, 2, false, 128, &split);
	cr_expect_eq(split.lists[SETOPS_V4].count, 1);
}

Test(setops, as_many_as_there_may_be)
{
	static struct publish_op ops[SETOPS_MAX];
	static struct setops split;

	for (unsigned i = 0; i < SETOPS_MAX; i++) {
		uint8_t bytes[4] = {10, 0, (uint8_t)(i >> 8), (uint8_t)i};

		ops[i].addr = addr_from_v4(bytes);
	}
	setops_split(ops, SETOPS_MAX, false, 128, &split);
	cr_assert_eq(split.lists[SETOPS_V4].count, SETOPS_MAX);
	cr_expect(is_op(&split.lists[SETOPS_V4].ops[0], &ops[0]));
	cr_expect_eq(split.lists[SETOPS_V6].count, 0);
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
	struct setops_list list = {&one, 1};

	witnesses_note(witnesses, &list, 10, now_ms);
}

static bool has(const struct witnesses *witnesses, uint64_t now_ms, const char *text)
{
	struct publish_op found[SETOPS_WITNESSES];
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
	struct publish_op found[SETOPS_WITNESSES];
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
	cr_expect_eq(witnesses_list(&w, 2000, found), SETOPS_WITNESSES);
	for (int i = 0; i < SETOPS_WITNESSES; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		old += has(&w, 2000, text);
	}
	cr_expect_eq(old, SETOPS_WITNESSES - 1);
	witnesses_looked(&w, false);
	cr_expect_eq(witnesses_list(&w, 2000, found), 0);
}
