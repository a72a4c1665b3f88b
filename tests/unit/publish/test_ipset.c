/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipsets as a target, in a real kernel. */
#include "publish/ipset.h"
#include "publish/target_turns.h"
#include "alloc.h"

#include <unistd.h>

#define LIST "ipset list"
#define OPS_MAX 4096

TestSuite(ipset, .init = setup, .fini = teardown, .timeout = 120);

static void make(const struct target_params *params)
{
	cr_assert_eq(ipset_new(params, &target), 0);
}

static void make_ours(uint32_t timeout_s, uint32_t size)
{
	struct target_params params = {.name4 = "vpn4",
				       .name6 = "vpn6",
				       .timeout_s = timeout_s,
				       .size = size};

	make(&params);
	cr_assert(ensure());
}

/* Expects an element that goes in about @about_s seconds. */
static void expect_left(const char *address, int about_s)
{
	char start[100];
	const char *pos;
	int seconds = -1;

	snprintf(start, sizeof(start), "\n%s timeout ", address);
	pos = strstr(kernel_output(LIST), start);
	if (pos)
		seconds = atoi(pos + strlen(start));
	cr_expect(seconds <= about_s && seconds >= about_s - 1 - passed_s(),
		  "%s goes in %d s, not in %d s", address, seconds, about_s);
}

Test(ipset, makes_what_is_missing)
{
	make_ours(600, 5000);
	cr_expect(!ensure());
	kernel_expect("ipset list vpn4", "Type: hash:ip");
	kernel_expect("ipset list vpn4", "family inet hashsize 2048 maxelem 5000 timeout 600");
	kernel_expect("ipset list vpn6", "family inet6 hashsize 2048 maxelem 5000 timeout 600");
	kernel_run("ipset destroy vpn6");
	cr_expect(ensure());
}

Test(ipset, elements_have_timeouts_and_go)
{
	make_ours(600, 0);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 20), 0);
	expect_left("192.0.2.1", 600);
	expect_left("2001:db8::1", 20);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REMOVE, 0), 0);
	kernel_expect_not(LIST, "192.0.2.1");
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REMOVE, 0), 0, "missing is no failure");
}

Test(ipset, both_kinds_restart_the_expiry)
{
	for (int kind = PUBLISH_ADD; kind <= PUBLISH_REFRESH; kind++) {
		if (kind == PUBLISH_ADD)
			make_ours(600, 0);
		cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 20), 0);
		expect_left("192.0.2.1", 20);
		cr_expect_eq(commit("192.0.2.1", (enum publish_op_kind)kind, 0), 0);
		expect_left("192.0.2.1", 600);
	}
}

Test(ipset, the_same_address_twice)
{
	struct publish_op ops[4];

	make_ours(600, 0);
	fill(ops, 1, PUBLISH_ADD);
	ops[1] = ops[2] = ops[3] = ops[0];
	ops[2].kind = PUBLISH_REMOVE;
	cr_expect_eq(target_commit(target, ops, 3), 0);
	kernel_expect_not(LIST, "10.0.0.0");
	cr_expect_eq(target_commit(target, ops, 4), 0);
	kernel_expect(LIST, "10.0.0.0");
}

Test(ipset, a_large_burst)
{
	static struct publish_op ops[OPS_MAX];

	make_ours(600, 0);
	fill(ops, OPS_MAX, PUBLISH_ADD);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(target_commit(target, ops, OPS_MAX), 0);
	cr_expect_eq(kernel_count("ipset list vpn4", "\n10.0."), OPS_MAX / 2);
	cr_expect_eq(kernel_count("ipset list vpn6", "\n2001:db8:"), OPS_MAX / 2);
	fill(ops, OPS_MAX, PUBLISH_REMOVE);
	cr_expect_eq(target_commit(target, ops, OPS_MAX), 0);
	kernel_expect_not(LIST, "\n10.0.");
	kernel_expect_not(LIST, "\n2001:");
	cr_expect_eq(target_commit(target, ops, 0), 0);
}

Test(ipset, a_full_set_harms_nobody_else)
{
	struct publish_op ops[3];

	make_ours(600, 2);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 100), 0);
	cr_expect_eq(commit("192.0.2.2", PUBLISH_ADD, 100), 0);
	fill(ops, 2, PUBLISH_ADD);
	ops[2] = (struct publish_op){.kind = PUBLISH_REFRESH, .timeout_s = 300};
	cr_assert_eq(addr_parse("192.0.2.2", &ops[2].addr), 0);
	cr_expect_eq(target_commit(target, ops, 3), -ENOSPC);
	expect_left("2001:db8::a00:1", 600);
	expect_left("192.0.2.2", 300);
	kernel_expect_not(LIST, "10.0.0.0");
	ops[1] = (struct publish_op){.kind = PUBLISH_REMOVE};
	cr_assert_eq(addr_parse("192.0.2.1", &ops[1].addr), 0);
	cr_expect_eq(target_commit(target, ops, 3), 0, "the removal makes room");
	expect_left("10.0.0.0", 600);
}

Test(ipset, a_missing_set_is_told_and_harms_nobody_else)
{
	struct publish_op ops[2];

	make_ours(600, 0);
	kernel_run("ipset destroy vpn4");
	fill(ops, 2, PUBLISH_ADD);
	cr_expect_eq(target_commit(target, ops, 2), -ENOENT);
	kernel_expect("ipset list vpn6", "2001:db8::a00:1");
	cr_expect(ensure());
	cr_expect_eq(target_commit(target, ops, 2), 0);
}

/* The administrator's: one set of a pair is enough, the other is taken in once it fits. */
Test(ipset, half_a_pair)
{
	struct target_params params = {.name4 = "them4",
				       .name6 = "them6",
				       .timeout_s = 60,
				       .is_foreign = true};
	struct text_error error = {.what = ""};
	bool is_created = true, is_intact = false;

	kernel_run("ipset create them4 hash:ip timeout 60; ipset create them6 hash:ip timeout 60");
	make(&params);
	cr_expect_eq(target_ensure(target, &is_created, &error), 0);
	cr_expect_not(is_created);
	cr_expect(strstr(error.what, "ipset them6 must be of type"), "%s", error.what);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0);
	kernel_expect("ipset list them4", "192.0.2.1 timeout");
	cr_expect_eq(target_check(target, &is_intact), 0);
	cr_expect(is_intact);
	kernel_run("ipset destroy them6; ipset create them6 hash:ip family inet6 timeout 60");
	cr_expect_eq(target_check(target, &is_intact), 0);
	cr_expect_not(is_intact);
	error.what[0] = '\0';
	cr_expect_eq(target_ensure(target, &is_created, &error), 0);
	cr_expect(is_created, "it is to be filled");
	cr_expect_str_eq(error.what, "");
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0);
	kernel_expect("ipset list them6", "2001:db8::1 timeout");
}

/* One of ours that somebody made another is left alone, and made again once it is gone. */
Test(ipset, another_in_our_place)
{
	struct text_error error = {.what = ""};
	bool is_created = false;

	make_ours(600, 0);
	kernel_run("ipset destroy vpn4; ipset create vpn4 hash:ip,port timeout 60");
	cr_expect_eq(target_ensure(target, &is_created, &error), 0);
	cr_expect(strstr(error.what, "ipset vpn4 must be of type"), "%s", error.what);
	cr_expect(is_intact());
	kernel_run("ipset destroy vpn4");
	cr_expect_not(is_intact());
	cr_expect(ensure());
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	kernel_expect(LIST, "192.0.2.1");
}

Test(ipset, check_sees_what_was_done_behind_our_back)
{
	static const char *const commands[] = {"ipset flush vpn4", "ipset destroy",
					       "ipset destroy vpn6"};
	struct publish_op ops[64];

	fill(ops, 64, PUBLISH_ADD);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		make_ours(600, 0);
		cr_expect(is_intact(), "empty");
		cr_expect_eq(target_commit(target, ops, 64), 0);
		cr_expect(is_intact());
		kernel_run(commands[i]);
		/* What comes after it must not hide it. */
		ensure();
		cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
		cr_expect_eq(commit("2001:db8::f", PUBLISH_ADD, 0), 0);
		cr_expect(!is_intact(), "%s", commands[i]);
		ensure();
		cr_expect_eq(target_commit(target, ops, 64), 0);
		cr_expect(is_intact(), "repaired after %s", commands[i]);
		kernel_run("ipset destroy");
		cr_expect(!is_intact());
		cr_expect(!is_intact(), "stays so, without any witness left");
		target->type->free(target);
		target = NULL;
	}
}

Test(ipset, remove_leaves_nothing)
{
	make_ours(600, 0);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(target_remove(target), 0);
	cr_expect_str_eq(kernel_output(LIST), "");
	cr_expect_eq(target_remove(target), 0, "nothing there is no failure");
}

Test(ipset, remove_keeps_what_rules_refer_to)
{
	make_ours(600, 0);
	kernel_run("iptables -A INPUT -m set --match-set vpn4 src -j DROP");
	cr_expect_eq(target_remove(target), 0);
	kernel_expect(LIST, "Name: vpn4");
	kernel_expect_not(LIST, "Name: vpn6");
	kernel_expect("iptables-save", "--match-set vpn4 src -j DROP");
}

Test(ipset, a_set_that_was_there_is_used_and_kept)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};

	kernel_run("ipset create vpn4 hash:ip timeout 0 counters comment");
	make(&params);
	cr_expect(!ensure());
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	expect_left("192.0.2.1", 60);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0, "no set for that version");
	cr_expect_eq(target_remove(target), 0);
	kernel_expect(LIST, "192.0.2.1");
}

Test(ipset, sets_that_do_not_fit)
{
	static const struct {
		const char *set, *what;
		int rc;
	} rows[] = {
		{NULL, "there is no ipset them", -ENOENT},
		{"hash:ip family inet6 timeout 0", "family inet", -EINVAL},
		{"hash:ip,port timeout 0", "type hash:ip or hash:net", -EINVAL},
		{"list:set", "type hash:ip or hash:net", -EINVAL},
	};
	struct target_params params = {.name4 = "them", .timeout_s = 60, .is_foreign = true};

	make(&params);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct text_error error = {.what = ""};
		bool is_created = true;
		char command[200];
		int rc;

		snprintf(command, sizeof(command), "ipset create them %s",
			 rows[i].set ? rows[i].set : "");
		if (rows[i].set)
			kernel_run(command);
		rc = target_ensure(target, &is_created, &error);
		cr_expect_eq(rc, rows[i].rc, "row %zu: %d %s", i, rc, error.what);
		cr_expect(strstr(error.what, rows[i].what), "row %zu: %s", i, error.what);
		kernel_run("ipset destroy");
	}
}

Test(ipset, bad_parameters)
{
	static const struct target_params rows[] = {
		{.timeout_s = 1},
		{.name4 = "a", .timeout_s = 0},
		{.name4 = "a", .timeout_s = 2147484},
		{.name4 = "", .timeout_s = 1},
		{.name4 = "a_name_of_thirty_two_characters_", .timeout_s = 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(ipset_new(&rows[i], &target), -EINVAL, "row %zu", i);
}

Test(ipset, without_memory)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};
	unsigned failures = 0;

	for (;; failures++) {
		int rc;

		alloc_fail_after(failures);
		rc = ipset_new(&params, &target);
		if (!alloc_has_failed())
			break;
		cr_assert_eq(rc, -ENOMEM, "allocation %u", failures);
	}
	cr_expect_gt(failures, 0);
}

Test(ipset, without_privileges)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};
	struct text_error error = {.what = ""};
	bool is_created;

	make(&params);
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_eq(target_ensure(target, &is_created, &error), -EPERM);
	cr_expect(strstr(error.what, "CAP_NET_ADMIN"), "%s", error.what);
}
