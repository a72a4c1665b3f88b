/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules in a real kernel: what nft shows of them, and what they do to real SYNs. */
#include "input/rules_kernel.h"

Test(rules_kernel, apply_is_idempotent_and_keeps_counters)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int server = listen_on(AF_INET, &addr, &len), client;
	uint32_t before;

	apply(&everywhere);
	client = begin_connect(AF_INET, &addr, len);
	cr_expect(is_connected(client, 1000));
	before = generation();
	apply(&everywhere);
	cr_expect_eq(generation(), before);
	cr_expect_eq(get_status().syns, 1);
	close(client);
	close(server);
}

Test(rules_kernel, other_parameters_replace_in_one_transaction)
{
	uint32_t before;
	struct rules_status status;

	apply(&everywhere);
	before = generation();
	apply(&four_on_two);
	cr_expect_eq(generation(), before + 1);
	status = get_status();
	cr_expect(status.is_present);
	cr_expect_eq(status.queue_first, 3);
	cr_expect_eq(status.queue_count, 4);
	cr_expect_eq(status.interface_count, 2);
	cr_expect_str_eq(status.interfaces[0], "lo");
	cr_expect_str_eq(status.interfaces[1], "eth*");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 2);
	cr_expect_eq(kernel_count(LIST, "typeof symhash mod 4 offset 3"), 2);
	apply(&everywhere);
	cr_expect_eq(kernel_count(LIST, "goto syn"), 1);
	cr_expect_eq(kernel_count(LIST, "symhash"), 0, "another kind of set under the same name");
	cr_expect_eq(get_status().interface_count, 0);
}

static void *apply_too(void *ctx)
{
	struct nl *other;

	(void)ctx;
	if (nl_open(&other) < 0)
		return NULL;
	rules_apply(other, &four_on_two, NULL, NULL);
	nl_close(other);
	return NULL;
}

/* As synprintd, which lays rules that are gone again, and who says `rules apply`. */
Test(rules_kernel, two_at_the_same_time_lay_them_once)
{
	for (int round = 0; round < 20; round++) {
		struct rules_status status;
		pthread_t thread;

		cr_assert_eq(rules_remove(nl, NULL, 0), 0);
		cr_assert_eq(pthread_create(&thread, NULL, apply_too, NULL), 0);
		apply(&four_on_two);
		pthread_join(thread, NULL);
		status = get_status();
		cr_assert_eq(status.interface_count, 2, "round %d", round);
		cr_assert(status.is_complete, "round %d", round);
	}
}

Test(rules_kernel, what_was_read_before_a_commit_is_no_ground_for_the_next)
{
	struct nft_batch *batch = nft_batch_new(nl);
	uint32_t before = generation();

	cr_assert_not_null(batch);
	for (int commit = 0; commit < 2; commit++) {
		nft_batch_expect(batch, before);
		nft_batch_put_table(batch, false);
		cr_expect_eq(nft_batch_commit(batch, NULL), commit ? -ERESTART : 0);
	}
	cr_expect_eq(generation(), before + 1);
	nft_batch_put_table(batch, false);
	cr_expect_eq(nft_batch_commit(batch, NULL), 0, "what expects nothing");
	nft_batch_free(batch);
}

Test(rules_kernel, what_nft_shows)
{
	apply(&four_on_two);
	kernel_expect(LIST, "type filter hook prerouting priority -175; policy accept;");
	kernel_expect(LIST, "type filter hook prerouting priority -174; policy accept;");
	kernel_expect(LIST, "iifname \"lo\" tcp flags syn / fin,syn,rst,ack counter packets 0 "
			    "bytes 0 goto syn");
	kernel_expect(LIST, "iifname \"eth*\" tcp flags");
	kernel_expect(LIST, "symhash mod 4 offset 3 @answering goto send");
	kernel_expect(LIST, "meta mark & 0x7f000000 != 0x00000000 goto marked");
	kernel_expect(LIST, "bypass");
	cr_expect(get_status().is_complete);
}

/* Each engine either works or says which configuration of the kernel is missing. */
Test(rules_kernel, each_engine_works_or_says_why)
{
	for (int e = RULES_AUTO; e <= RULES_XT; e++) {
		struct rules_params params = {.engine = (enum rules_engine)e,
					      .queue_count = 1,
					      .marks = MARKS};
		struct rules_applied applied = {RULES_NONE, 0};
		struct text_error error = {.what = ""};
		int rc = rules_apply(nl, &params, &applied, &error);

		if (rc == 0) {
			cr_expect(applied.engine == params.engine || params.engine == RULES_AUTO);
			cr_expect_eq(get_status().engine, applied.engine);
			cr_expect_eq(get_status().fingerprint, applied.fingerprint);
		} else {
			cr_expect_eq(rc, -EOPNOTSUPP, "%d: %s", rc, error.what);
			cr_expect(strstr(error.what, "CONFIG_"), "%s", error.what);
			kernel_expect_not(LIST, "synprint");
		}
		cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	}
}

Test(rules_kernel, none_is_refused)
{
	struct rules_params params = {.engine = RULES_NONE, .queue_count = 1, .marks = MARKS};

	cr_expect_eq(rules_apply(nl, &params, NULL, NULL), -EINVAL);
}

Test(rules_kernel, remove_leaves_nothing)
{
	apply(&four_on_two);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_str_eq(kernel_output(LIST), "");
	cr_expect_eq(rules_remove(nl, NULL, 0), 0, "nothing there is no failure");
	cr_expect(!get_status().is_present);
}

Test(rules_kernel, remove_keeps_what_is_not_ours)
{
	static const char *const sets[] = {"vpn4", "scanner4"};

	apply(&everywhere);
	kernel_run("nft 'add set inet synprint vpn4 { type ipv4_addr; }'");
	kernel_run("nft 'add chain inet synprint admin { type filter hook forward priority 0; }'");
	kernel_run("nft 'add rule inet synprint admin ip saddr @vpn4 counter'");
	kernel_run("nft 'add rule inet synprint divert meta mark 7 counter'");
	kernel_run("nft 'add table ip other; add chain ip other c'");
	cr_expect_eq(rules_remove(nl, sets, 2), 0);
	kernel_expect(LIST, "chain admin");
	kernel_expect(LIST, "ip saddr @vpn4");
	kernel_expect(LIST, "meta mark 0x00000007");
	kernel_expect(LIST, "table ip other");
	kernel_expect_not(LIST, "answering");
	kernel_run("nft 'delete chain inet synprint admin; flush chain inet synprint divert; "
		   "delete set inet synprint vpn4'");
	cr_expect_eq(rules_remove(nl, sets, 2), 0);
	kernel_expect_not(LIST, "synprint");
}

Test(rules_kernel, remove_keeps_a_table_that_was_there)
{
	kernel_run("nft add table inet synprint");
	apply(&everywhere);
	cr_expect_eq(rules_remove(nl, NULL, 0), 0);
	cr_expect_str_eq(kernel_output(LIST), "table inet synprint {\n}\n");
}

Test(rules_kernel, undivert_deletes_the_rules_only)
{
	apply(&four_on_two);
	cr_expect_eq(rules_undivert(nl), 0);
	cr_expect(!get_status().is_present);
	kernel_expect(LIST, "chain divert");
	kernel_expect(LIST, "set waiting");
	apply(&four_on_two);
	cr_expect(get_status().is_present);
}

Test(rules_kernel, names_that_are_taken)
{
	static const char *const commands[] = {
		"nft 'add table inet synprint; add set inet synprint waiting { type ipv4_addr; }'",
		"nft 'add table inet synprint; add chain inet synprint divert { type filter hook "
		"input priority 0; }'",
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		struct text_error error = {.what = ""};
		int rc;

		kernel_run(commands[i]);
		rc = rules_apply(nl, &everywhere, NULL, &error);
		cr_expect_eq(rc, -EEXIST, "%s: %d %s", commands[i], rc, error.what);
		cr_expect(strstr(error.what, "not ours"), "%s", error.what);
		kernel_run("nft delete table inet synprint");
	}
}

/* The switch of version 0.1: of rules that it printed, or left behind. */
#define OLD_RULES                                                                                  \
	"nft 'table inet synprint { comment \"synprint\"; set alive { type inet_proto; flags "     \
	"timeout; comment \"synprint\"; }; set vpn4 { type ipv4_addr; flags timeout; timeout 1h; " \
	"comment \"synprint\"; elements = { 192.0.2.1 }; }; chain divert { comment \"synprint\"; " \
	"type filter hook prerouting priority -175; tcp flags syn / fin,syn,rst,ack counter meta " \
	"l4proto @alive accept comment \"synprint xt 0-0 *\"; }; }'"

static bool has_beat(void)
{
	return kernel_count("nft list set inet synprint alive", "expires") == 1;
}

Test(rules_kernel, heartbeat_makes_nothing_and_lasts_as_long_as_it_says)
{
	cr_expect_eq(rules_heartbeat(nl, 700), -ENOENT);
	cr_expect_str_eq(kernel_output(LIST), "");
	kernel_run(OLD_RULES);
	cr_expect(get_status().has_old_switch);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(rules_heartbeat(nl, 20000), 0);
		cr_expect(has_beat());
	}
	cr_expect_eq(rules_heartbeat(nl, 100), 0);
	for (int i = 0; i < 100 && has_beat(); i++)
		usleep(100000);
	cr_expect(!has_beat());
	cr_expect_eq(rules_heartbeat(nl, 20000), 0);
	cr_expect_eq(rules_disarm(nl), 0);
	cr_expect(!has_beat());
	cr_expect_eq(rules_disarm(nl), 0, "nothing there is no failure");
}

Test(rules_kernel, takes_over_from_version_0_1_in_one_transaction)
{
	uint32_t before;

	kernel_run(OLD_RULES);
	before = generation();
	apply(&with_sets);
	cr_expect_eq(generation(), before + 1);
	kernel_expect_not(LIST, "alive");
	kernel_expect_not(LIST, "accept comment");
	kernel_expect(LIST, "192.0.2.1");
	cr_expect_eq(kernel_count(LIST, "goto syn"), 1);
}

static void expect_loads_again(void)
{
	kernel_run(
		"f=$(mktemp); nft -s list ruleset | sed 's/queue num [0-9]* bypass/accept/' >$f; "
		"nft flush ruleset; nft -f $f && nft -s list ruleset | diff $f - && rm $f");
}

/* But for the queue where nft's own expression is missing. */
Test(rules_kernel, what_nft_lists_loads_again)
{
	struct rules_params params = with_sets;

	params.queue_count = 2;
	params.marks.fresh = 0x20000000;
	params.skip_known_s = 10;
	apply(&params);
	expect_loads_again();
	kernel_run("nft flush ruleset");
	params.queue_count = 1;
	params.queue_first = 9;
	apply(&params);
	expect_loads_again();
}

Test(rules_kernel, a_dormant_table_is_woken)
{
	apply(&everywhere);
	kernel_run("nft 'add table inet synprint { flags dormant; }'");
	cr_expect(get_status().is_dormant);
	apply(&everywhere);
	cr_expect(!get_status().is_dormant);
	cr_expect(get_status().is_complete);
}

Test(rules_kernel, a_missing_rule_is_seen)
{
	apply(&with_sets);
	cr_expect(get_status().is_complete);
	kernel_run("nft flush chain inet synprint publish");
	cr_expect(get_status().is_present);
	cr_expect(!get_status().is_complete);
	apply(&with_sets);
	cr_expect(get_status().is_complete);
}

Test(rules_kernel, without_privileges)
{
	struct text_error error = {.what = ""};

	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_expect_eq(rules_apply(nl, &everywhere, NULL, &error), -EPERM);
	cr_expect(strstr(error.what, "CAP_NET_ADMIN"), "%s", error.what);
}
