/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft sets as a target, in a real kernel. */
#include "publish/nftset.h"
#include "publish/target_turns.h"
#include "alloc.h"

#include <unistd.h>

#define LIST "nft list ruleset"
#define OPS_MAX 4096

TestSuite(nftset, .init = setup, .fini = teardown, .timeout = 120);

static void make(const struct target_params *params)
{
	cr_assert_eq(nftset_new(params, &target), 0);
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

/* Seconds until an element goes, as nft shows them ("expires 9m59s920ms"); -1: it is not there. */
static int left_s(const char *address)
{
	const char *pos = strstr(kernel_output(LIST), address);
	int sum = 0, value, used;
	char unit;

	pos = pos ? strstr(pos, "expires ") : NULL;
	if (!pos)
		return -1;
	pos += strlen("expires ");
	while (sscanf(pos, "%d%c%n", &value, &unit, &used) == 2 && strncmp(pos + used, "s", 1)) {
		sum += value * (unit == 'h' ? 3600 : unit == 'm' ? 60 : 1);
		pos += used;
	}
	return sum;
}

static void expect_left(const char *address, int about_s)
{
	int seconds = left_s(address);

	cr_expect(seconds <= about_s && seconds >= about_s - 1 - passed_s(),
		  "%s goes in %d s, not in %d s", address, seconds, about_s);
}

Test(nftset, makes_what_is_missing)
{
	make_ours(600, 5000);
	cr_expect(!ensure());
	kernel_expect(LIST, "set vpn4 {\n\t\ttype ipv4_addr\n\t\tsize 5000\n\t\tflags "
			    "dynamic,timeout\n\t\ttimeout 10m");
	kernel_expect(LIST, "set vpn6 {\n\t\ttype ipv6_addr\n\t\tsize 5000\n\t\tflags "
			    "dynamic,timeout\n\t\ttimeout 10m");
	kernel_run("nft delete set inet synprint vpn6");
	cr_expect(ensure());
}

Test(nftset, elements_have_timeouts_and_go)
{
	make_ours(600, 0);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 20), 0);
	expect_left("192.0.2.1", 600);
	expect_left("2001:db8::1", 20);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REMOVE, 0), 0);
	kernel_expect_not(LIST, "192.0.2.1");
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REMOVE, 0), 0, "missing is no failure");
	kernel_expect_not(LIST, "192.0.2.1");
}

Test(nftset, both_kinds_restart_the_expiry)
{
	for (int kind = PUBLISH_ADD; kind <= PUBLISH_REFRESH; kind++) {
		if (kind == PUBLISH_ADD)
			make_ours(5, 0);
		cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
		usleep(2100000);
		cr_expect_lt(left_s("192.0.2.1"), 3);
		since_ms = now_ms();
		cr_expect_eq(commit("192.0.2.1", (enum publish_op_kind)kind, 0), 0);
		expect_left("192.0.2.1", 5);
		cr_expect_eq(commit("192.0.2.1", (enum publish_op_kind)kind, 600), 0);
		expect_left("192.0.2.1", 600);
	}
}

Test(nftset, the_same_address_twice)
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

Test(nftset, a_large_burst)
{
	static struct publish_op ops[OPS_MAX];

	make_ours(600, 0);
	fill(ops, OPS_MAX, PUBLISH_ADD);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(target_commit(target, ops, OPS_MAX), 0);
	cr_expect_eq(kernel_count("nft list set inet synprint vpn4", " expires "), OPS_MAX / 2);
	cr_expect_eq(kernel_count("nft list set inet synprint vpn6", " expires "), OPS_MAX / 2);
	fill(ops, OPS_MAX, PUBLISH_REMOVE);
	cr_expect_eq(target_commit(target, ops, OPS_MAX), 0);
	kernel_expect_not(LIST, "elements");
	cr_expect_eq(target_commit(target, ops, 0), 0);
}

Test(nftset, a_full_set_harms_nobody_else)
{
	struct publish_op ops[3];

	make_ours(600, 2);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 100), 0);
	cr_expect_eq(commit("192.0.2.2", PUBLISH_ADD, 100), 0);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REFRESH, 200), 0, "is there, so it has room");
	fill(ops, 2, PUBLISH_ADD);
	ops[2] = (struct publish_op){.kind = PUBLISH_REFRESH, .timeout_s = 300};
	cr_assert_eq(addr_parse("192.0.2.2", &ops[2].addr), 0);
	cr_expect_eq(target_commit(target, ops, 3), -ENFILE);
	kernel_expect("nft list set inet synprint vpn6", "2001:db8::a00:1 expires");
	kernel_expect("nft list set inet synprint vpn4", "192.0.2.2 timeout 5m");
	kernel_expect_not(LIST, "10.0.0.0");
	cr_expect_eq(commit("192.0.2.1", PUBLISH_REMOVE, 0), 0);
	cr_expect_eq(commit("10.0.0.0", PUBLISH_ADD, 0), 0);
}

/* Many go in a few transactions, and others take their places in the last one. */
Test(nftset, some_make_room)
{
	static const struct {
		unsigned go, enter;
	} rows[] = {{0, 3}, {3, 0}, {1000, 10}, {1600, 500}, {3100, 400}};
	static struct publish_op ops[OPS_MAX], both[2 * OPS_MAX];
	const char *list = "nft list set inet synprint vpn4";

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		unsigned go = rows[r].go, enter = rows[r].enter;

		make_ours(600, OPS_MAX);
		fill(both, 2 * OPS_MAX, PUBLISH_ADD);
		for (unsigned i = 0; i < OPS_MAX; i++)
			ops[i] = both[2 * i];
		cr_assert_eq(target_commit(target, ops, 3200), 0);
		for (unsigned i = 0; i < go; i++)
			ops[i].kind = PUBLISH_REMOVE;
		memmove(ops + go, ops + 3200, enter * sizeof(*ops));
		cr_expect_eq(target->type->drop(target, ops, go + enter), 0, "row %zu", r);
		cr_expect_eq(kernel_count(list, " expires "), (int)(3200 - go + enter), "row %zu",
			     r);
		cr_expect(is_intact(), "who went by our hand is no sign of a flush");
		kernel_run("nft flush ruleset");
		target->type->free(target);
		target = NULL;
	}
}

/* What maps to another mark is taken out first. */
Test(nftset, a_map_of_other_marks)
{
	struct target_params params = {.table = "mine",
				       .name4 = "them",
				       .timeout_s = 60,
				       .is_map = true,
				       .mark = 5,
				       .is_foreign = true};
	struct publish_op ops[3];

	kernel_run("nft 'add table inet mine; "
		   "add map inet mine them { type ipv4_addr : mark; flags timeout; }; "
		   "add element inet mine them { 10.0.0.0 timeout 1h : 7 }'");
	make(&params);
	cr_expect(!ensure());
	fill(ops, 3, PUBLISH_ADD);
	ops[1] = (struct publish_op){.kind = PUBLISH_REMOVE};
	cr_assert_eq(addr_parse("192.0.2.1", &ops[1].addr), 0);
	cr_expect_eq(target_commit(target, ops, 3), 0);
	cr_expect_eq(kernel_count(LIST, " : 0x00000005"), 2);
	cr_expect_eq(kernel_count(LIST, " : 0x00000007"), 0);
	cr_expect(is_intact());
}

Test(nftset, a_missing_set_is_told_and_harms_nobody_else)
{
	struct publish_op ops[2];

	make_ours(600, 0);
	kernel_run("nft delete set inet synprint vpn4");
	fill(ops, 2, PUBLISH_ADD);
	cr_expect_eq(target_commit(target, ops, 2), -ENOENT);
	kernel_expect("nft list set inet synprint vpn6", "2001:db8::a00:1");
	kernel_run("nft flush ruleset");
	cr_expect_eq(target_commit(target, ops, 2), -ENOENT);
	cr_expect(ensure());
	cr_expect_eq(target_commit(target, ops, 2), 0);
}

Test(nftset, check_sees_what_was_done_behind_our_back)
{
	static const char *const commands[] = {
		"nft flush set inet synprint vpn4",
		"nft flush ruleset",
		"nft delete set inet synprint vpn6",
	};
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
		kernel_run("nft flush ruleset");
		target->type->free(target);
		target = NULL;
	}
}

Test(nftset, remove_leaves_nothing)
{
	make_ours(600, 0);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(target_remove(target), 0);
	cr_expect_str_eq(kernel_output(LIST), "");
	cr_expect_eq(target_remove(target), 0, "nothing there is no failure");
}

Test(nftset, remove_keeps_what_rules_refer_to)
{
	make_ours(600, 0);
	kernel_run("nft 'add chain inet synprint admin; "
		   "add rule inet synprint admin ip saddr @vpn4 drop'");
	cr_expect_eq(target_remove(target), 0);
	kernel_expect(LIST, "set vpn4");
	kernel_expect(LIST, "@vpn4 drop");
	kernel_expect_not(LIST, "vpn6");
}

Test(nftset, a_set_that_was_there_is_used_and_kept)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};

	kernel_run("nft 'add table inet synprint; "
		   "add set inet synprint vpn4 { type ipv4_addr; flags timeout; }'");
	make(&params);
	cr_expect(!ensure());
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	expect_left("192.0.2.1", 60);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0, "no set for that version");
	cr_expect_eq(target_remove(target), 0);
	kernel_expect(LIST, "192.0.2.1");
}

Test(nftset, the_administrators_own_table)
{
	static const struct {
		enum target_family family;
		const char *name;
	} families[] = {{TARGET_INET, "inet"}, {TARGET_IP, "ip"}, {TARGET_IP6, "ip6"}};

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		char command[200];
		struct target_params params = {.family = families[i].family,
					       .table = "mine",
					       .name4 = "them",
					       .timeout_s = 60,
					       .is_foreign = true};

		snprintf(command, sizeof(command),
			 "nft 'add table %s mine; add set %s mine them { type ipv4_addr; "
			 "flags timeout, dynamic; }'",
			 families[i].name, families[i].name);
		kernel_run(command);
		make(&params);
		cr_expect(!ensure());
		cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
		cr_expect_eq(target_remove(target), 0);
		kernel_expect(LIST, "192.0.2.1 timeout 1m");
		kernel_run("nft flush ruleset");
		target->type->free(target);
		target = NULL;
	}
}

Test(nftset, sets_that_do_not_fit)
{
	static const struct {
		const char *set, *what;
		int rc;
	} rows[] = {
		{NULL, "there is no set them", -ENOENT},
		{"type ipv6_addr; flags timeout;", "type ipv4_addr", -EINVAL},
		{"type ipv4_addr . inet_service; flags timeout;", "type ipv4_addr", -EINVAL},
		{"type ipv4_addr;", "flags timeout", -EINVAL},
		{"type ipv4_addr; flags timeout, interval;", "interval", -EINVAL},
	};
	struct target_params params = {.table = "mine",
				       .name4 = "them",
				       .timeout_s = 60,
				       .is_foreign = true};

	make(&params);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct text_error error = {.what = ""};
		bool is_created = true;
		char command[200];
		int rc;

		kernel_run("nft 'add table inet mine; flush table inet mine'");
		snprintf(command, sizeof(command), "nft 'add set inet mine them { %s }'",
			 rows[i].set ? rows[i].set : "");
		if (rows[i].set)
			kernel_run(command);
		rc = target_ensure(target, &is_created, &error);
		cr_expect_eq(rc, rows[i].rc, "row %zu: %d %s", i, rc, error.what);
		cr_expect(strstr(error.what, rows[i].what), "row %zu: %s", i, error.what);
		kernel_run("nft delete table inet mine");
	}
}

/* One set of a pair is enough; the other one is taken in when it is there and fits. */
Test(nftset, half_a_pair)
{
	struct target_params params = {.table = "mine",
				       .name4 = "them4",
				       .name6 = "them6",
				       .timeout_s = 60,
				       .is_foreign = true};
	struct text_error error = {.what = ""};
	bool is_created = true, is_intact = false;

	kernel_run("nft 'add table inet mine; "
		   "add set inet mine them4 { type ipv4_addr; flags timeout; }; "
		   "add set inet mine them6 { type ether_addr; flags timeout; }'");
	make(&params);
	cr_expect_eq(target_ensure(target, &is_created, &error), 0);
	cr_expect_not(is_created);
	cr_expect(strstr(error.what, "them6 must have 'type ipv6_addr'"), "%s", error.what);
	cr_expect_eq(commit("192.0.2.1", PUBLISH_ADD, 0), 0);
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0);
	kernel_expect("nft list set inet mine them4", "192.0.2.1 timeout 1m");
	cr_expect_eq(target_check(target, &is_intact), 0);
	cr_expect(is_intact);
	kernel_run("nft 'delete set inet mine them6; "
		   "add set inet mine them6 { type ipv6_addr; flags timeout; }'");
	cr_expect_eq(target_check(target, &is_intact), 0);
	cr_expect_not(is_intact);
	error.what[0] = '\0';
	cr_expect_eq(target_ensure(target, &is_created, &error), 0);
	cr_expect(is_created, "it is to be filled");
	cr_expect_str_eq(error.what, "");
	cr_expect_eq(commit("2001:db8::1", PUBLISH_ADD, 0), 0);
	kernel_expect("nft list set inet mine them6", "2001:db8::1 timeout 1m");
}

/* Not a missing capability: nobody but its owner may change such a table. */
Test(nftset, a_table_with_an_owner)
{
	struct target_params params = {.table = "mine",
				       .name4 = "them",
				       .timeout_s = 60,
				       .is_foreign = true};
	FILE *nft = popen("nft -i >/dev/null 2>&1", "w");
	int rc = 0;

	fputs("add table inet mine { flags owner; }\n"
	      "add set inet mine them { type ipv4_addr; flags timeout; }\n",
	      nft);
	fflush(nft);
	make(&params);
	WAIT_FOR(target_ensure(target, &(bool){false}, NULL) == 0);
	rc = commit("192.0.2.1", PUBLISH_ADD, 0);
	cr_expect_eq(rc, -EPERM);
	cr_expect(strstr(target->type->explain(target, rc), "another process owns the table"));
	pclose(nft);
}

Test(nftset, bad_parameters)
{
	static const struct target_params rows[] = {
		{.timeout_s = 1},
		{.name4 = "a", .timeout_s = 0},
		{.name4 = "", .timeout_s = 1},
		{.name4 = "a", .timeout_s = 1, .table = "not-foreign"},
		{.name4 = "a", .timeout_s = 1, .family = TARGET_IP},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(nftset_new(&rows[i], &target), -EINVAL, "row %zu", i);
}

Test(nftset, without_memory)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};
	unsigned failures = 0;

	for (;; failures++) {
		int rc;

		alloc_fail_after(failures);
		rc = nftset_new(&params, &target);
		if (!alloc_has_failed())
			break;
		cr_assert_eq(rc, -ENOMEM, "allocation %u", failures);
	}
	cr_expect_gt(failures, 0);
}

Test(nftset, without_privileges)
{
	struct target_params params = {.name4 = "vpn4", .timeout_s = 60};
	struct text_error error = {.what = ""};
	bool is_created;

	make(&params);
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_eq(target_ensure(target, &is_created, &error), -EPERM);
	cr_expect(strstr(error.what, "CAP_NET_ADMIN"), "%s", error.what);
}
