/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/clients/table.h"

TestSuite(clients, .init = setup, .fini = teardown);

/* A decoy goes ahead with the same numbers and dies behind us: what follows is judged all the same. */
Test(clients, another_shape_with_the_same_numbers_is_no_repeat)
{
	struct clients *clients = make(1000, 128);
	struct verdict verdict = verdict_of(1, 0);
	unsigned repeats = 0;

	for (uint32_t number = 0; number < 400; number++) {
		struct syn decoy = syn_from(numbered(number), 1000, 1), real = decoy, again;

		decoy.ttl = 1;
		real.ttl = 57;
		again = real;
		again.ttl = 55; /* by another way */
		again.opt_count = 0; /* as BSDs do */
		observe(clients, 1000, decoy, verdict);
		repeats += observe(clients, 1001, real, verdict).kind == CHANGE_REPEAT;
		cr_assert_eq(observe(clients, 2001, again, verdict).kind, CHANGE_REPEAT);
	}
	cr_assert_leq(repeats, 8, "%u of 400", repeats);
	clients_free(clients);
}

Test(clients, tells_new_known_changed_repeated)
{
	struct clients *clients = make(64, 128);
	struct addr a = numbered(1);
	struct verdict l = verdict_of(class_linux, 0), v = verdict_of(class_linux, VERDICT_VPN);
	struct {
		const char *name;
		struct syn syn;
		struct verdict verdict;
		unsigned after_s;
		enum change_kind kind;
		uint32_t syn_count;
	} steps[] = {
		{"first", syn_from(a, 1000, 1), l, 0, CHANGE_NEW, 1},
		{"the same SYN again", syn_from(a, 1000, 1), l, 1, CHANGE_REPEAT, 1},
		{"another connection", syn_from(a, 1001, 2), l, 1, CHANGE_NONE, 2},
		{"the port again, another sequence number", syn_from(a, 1000, 77), l, 2,
		 CHANGE_NONE, 3},
		{"another verdict", syn_from(a, 1002, 3), v, 3, CHANGE_VERDICT, 4},
		{"unchanged for less than the refresh", syn_from(a, 1003, 4), v, 12, CHANGE_NONE,
		 5},
		{"unchanged for the refresh", syn_from(a, 1004, 5), v, 13, CHANGE_REFRESH, 6},
		{"silent for very long", syn_from(a, 1005, 6), v, 70000, CHANGE_REFRESH, 7},
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct change change = observe(clients, NOW_MS + steps[i].after_s * 1000u,
					       steps[i].syn, steps[i].verdict);

		cr_expect_eq(change.kind, steps[i].kind, "%s: %d", steps[i].name, change.kind);
		cr_expect_eq(change.syn_count, steps[i].syn_count, "%s: %u", steps[i].name,
			     change.syn_count);
	}
	clients_free(clients);
}

/* Which members of a verdict make it another one, and which only say how it came about. */
Test(clients, what_changes_a_verdict)
{
	static const struct {
		const char *name;
		struct verdict verdict;
		bool is_other;
	} cases[] = {
		{"nothing", {.class_id = 1}, false},
		{"class", {.class_id = 2}, true},
		{"label", {.class_id = 1, .label = 1}, true},
		{"flags", {.class_id = 1, .flags = VERDICT_SCANNER}, true},
		{"link", {.class_id = 1, .link = 1}, true},
		{"match", {.class_id = 1, .match = 1}, true},
		{"confidence", {.class_id = 1, .confidence_permille = 1}, true},
		{"interface", {.class_id = 1, .interface = 1}, true},
		{"reasons", {.class_id = 1, .reasons = 1}, false},
		{"distance", {.class_id = 1, .dist_hops = 1}, false},
		{"MSS", {.class_id = 1, .mss = 1}, false},
		{"family's confidence", {.class_id = 1, .family_permille = 1}, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(64, 128);
		struct change change;

		observe(clients, NOW_MS, syn_from(numbered(1), 1, 1),
			(struct verdict){.class_id = 1});
		change = observe(clients, NOW_MS, syn_from(numbered(1), 2, 2), cases[i].verdict);
		cr_expect_eq(change.kind, cases[i].is_other ? CHANGE_VERDICT : CHANGE_NONE,
			     "%s: %d", cases[i].name, change.kind);
		clients_free(clients);
	}
}

/* Linux sends a SYN for the last time after 127 s. */
Test(clients, a_retransmission_comes_within_130_seconds)
{
	static const struct {
		unsigned after_s;
		enum change_kind kind;
	} cases[] = {{1, CHANGE_REPEAT}, {130, CHANGE_REPEAT}, {131, CHANGE_REFRESH}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(64, 128);
		struct syn syn = syn_from(numbered(1), 1, 1);
		struct change change;

		observe(clients, NOW_MS, syn, verdict_of(class_linux, 0));
		change = observe(clients, NOW_MS + cases[i].after_s * 1000u, syn,
				 verdict_of(class_linux, 0));
		cr_expect_eq(change.kind, cases[i].kind, "%u s: %d", cases[i].after_s, change.kind);
		clients_free(clients);
	}
}

/* Each report is due so long after the last one, whatever came between them. */
Test(clients, refreshes_are_counted_from_the_last_report)
{
	struct clients *clients = make(64, 128);

	for (unsigned second = 0; second < 200; second++) {
		struct change change =
			observe(clients, NOW_MS + second * 1000u,
				syn_from(numbered(1), (uint16_t)(1 + second), second),
				verdict_of(class_linux, 0));

		cr_expect_eq(change.kind,
			     second == 0        ? CHANGE_NEW
			     : second % 10 == 0 ? CHANGE_REFRESH
						: CHANGE_NONE,
			     "second %u: %d", second, change.kind);
	}
	clients_free(clients);
}

Test(clients, parameters)
{
	static const struct {
		size_t capacity, recent;
		unsigned refresh_s;
		bool is_good;
	} cases[] = {
		{64, 64, 1, true},
		{63, 64, 1, false},
		{64, 63, 1, false},
		{64, 64, 0, false},
		{64, 64, 32767, true},
		{64, 64, 32768, false},
		{(size_t)1 << 32, 64, 1, false},
		{64, (size_t)1 << 32, 1, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients_params params = {.capacity = cases[i].capacity,
						.recent = cases[i].recent,
						.v6_prefix_bits = 128,
						.refresh_s = cases[i].refresh_s,
						.vocab = vocab};
		struct clients *clients = clients_new(&params);

		cr_expect_eq(clients != NULL, cases[i].is_good, "case %zu", i);
		clients_free(clients);
	}
	for (unsigned i = 0; i < 5; i++) {
		struct clients_params params = {.capacity = 64,
						.recent = 64,
						.refresh_s = 1,
						.vocab = vocab};

		alloc_fail_after(i);
		cr_expect_null(clients_new(&params), "allocation %u", i);
		cr_expect(alloc_has_failed());
	}
}

/* A small table is one shard, and holds exactly as many as it says. */
Test(clients, small_tables_hold_their_capacity)
{
	static const size_t capacities[] = {64, 65, 100, 1000};

	for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
		struct clients *clients = make(capacities[i], 128);
		struct clients_stats stats;

		for (uint32_t number = 0; number < 2 * capacities[i]; number++)
			observe(clients, NOW_MS, syn_from(numbered(number), 1, number),
				verdict_of(class_linux, 0));
		clients_get_stats(clients, &stats);
		cr_expect_eq(stats.used, capacities[i]);
		cr_expect_eq(stats.evicted, capacities[i]);
		cr_expect_geq(stats.capacity, capacities[i]);
		clients_free(clients);
	}
}

Test(clients, remembers_four_connections_by_port)
{
	struct clients *clients = make(64, 128);
	struct client client;

	for (unsigned i = 0; i < 6; i++)
		observe(clients, NOW_MS, syn_from(numbered(1), (uint16_t)(100 + i), i),
			verdict_of(class_linux, i == 3 ? VERDICT_VPN : 0));
	cr_assert_eq(find(clients, 9, &client), -ENOENT);
	cr_assert_eq(find(clients, 1, &client), 0);
	cr_expect_eq(client.conn_count, CLIENT_CONNS);
	cr_expect_eq(client.syn_count, 6);
	cr_expect_eq(client_conn_find(&client, 0)->src_port, 105);
	cr_expect_eq(client_conn_find(&client, 103)->verdict.flags, VERDICT_VPN);
	cr_expect_eq(client_conn_find(&client, 104)->verdict.flags, 0);
	cr_expect_null(client_conn_find(&client, 101), "the fifth newest is forgotten");
	clients_free(clients);
}

Test(clients, keeps_recent_syns_whole)
{
	struct clients *clients = make(64, 128);
	struct addr a = numbered(1), b = numbered(2);
	struct syn syn = syn_from(a, 1000, 7), got;
	uint64_t seen_ms;

	syn.win = 64240;
	observe(clients, NOW_MS + 123, syn, verdict_of(class_linux, 0));
	cr_assert_eq(clients_get_syn(clients, &a, 0, &got, &seen_ms), 0);
	cr_expect_eq(got.win, 64240);
	cr_expect_eq(seen_ms, NOW_MS + 123);
	cr_expect_eq(clients_get_syn(clients, &a, 1000, &got, &seen_ms), 0);
	cr_expect_eq(clients_get_syn(clients, &a, 1001, &got, &seen_ms), -ENOENT);
	cr_expect_eq(clients_get_syn(clients, &b, 0, &got, &seen_ms), -ENOENT);
	clients_free(clients);
}

/* As many places as SYNs: with one place for each, some 94 of 256 would be gone. */
Test(clients, the_oldest_of_the_whole_syns_gives_way)
{
	enum { SYNS = 256 }; /* of make() */
	struct clients *clients = make(64, 128);
	struct addr a = numbered(1), first = numbered(2);
	unsigned kept = 0;
	uint64_t seen_ms;
	struct syn got;

	for (unsigned i = 0; i < SYNS; i++)
		observe(clients, NOW_MS + i, syn_from(a, (uint16_t)(1000 + i), i),
			verdict_of(class_linux, 0));
	for (unsigned i = 0; i < SYNS; i++) {
		if (clients_get_syn(clients, &a, (uint16_t)(1000 + i), &got, &seen_ms) < 0)
			continue;
		cr_expect_eq(seen_ms, NOW_MS + i);
		kept++;
	}
	cr_expect_geq(kept, SYNS * 7 / 10, "%u", kept);

	/* However many come, the newest two of them are there. */
	for (unsigned i = 0; i < 20 * SYNS; i++) {
		struct syn syn = syn_from(first, (uint16_t)i, i);

		observe(clients, NOW_MS + SYNS + i, syn, verdict_of(class_linux, 0));
		cr_assert_eq(clients_get_syn(clients, &first, (uint16_t)i, &got, &seen_ms), 0);
		cr_assert_eq(seen_ms, NOW_MS + SYNS + i);
		if (i)
			cr_assert_eq(clients_get_syn(clients, &first, (uint16_t)(i - 1), &got,
						     &seen_ms),
				     0, "the one before, too: %u", i);
	}
	clients_free(clients);
}

Test(clients, ipv6_subnet_is_one_client_where_configured)
{
	struct clients *clients = make(64, 64);
	struct addr a, b, net;
	struct client client;

	cr_assert_eq(addr_parse("2001:db8:1:2::3", &a), 0);
	cr_assert_eq(addr_parse("2001:db8:1:2:ffff::4", &b), 0);
	cr_assert_eq(addr_parse("2001:db8:1:2::", &net), 0);
	observe(clients, NOW_MS, syn_from(a, 1, 1), verdict_of(class_linux, 0));
	cr_expect_eq(observe(clients, NOW_MS, syn_from(b, 2, 2), verdict_of(class_linux, 0)).kind,
		     CHANGE_NONE);
	cr_assert_eq(clients_get(clients, &b, &client), 0);
	cr_expect(addr_equal(&client.addr, &net));
	cr_expect_eq(client.syn_count, 2);
	clients_free(clients);
}

Test(clients, mark_reaches_the_connection_and_no_other)
{
	struct clients *clients = make(64, 128);
	struct addr a = numbered(1), b = numbered(2);
	uint64_t lie = reason_bit(REASON_UA_LIE);
	struct change change;
	struct client client;

	observe(clients, NOW_MS, syn_from(a, 100, 1), verdict_of(class_linux, VERDICT_VPN));
	observe(clients, NOW_MS, syn_from(a, 101, 2), verdict_of(class_linux, 0));
	cr_assert_eq(clients_mark(clients, &a, 100, VERDICT_OS_MISMATCH, lie, &change), 0);
	cr_expect_eq(change.kind, CHANGE_VERDICT);
	cr_expect_eq(change.verdict.flags, VERDICT_VPN | VERDICT_OS_MISMATCH);
	cr_expect_eq(change.old_verdict.flags, VERDICT_VPN);
	cr_assert_eq(clients_mark(clients, &a, 100, VERDICT_OS_MISMATCH, lie, &change), 0);
	cr_expect_eq(change.kind, CHANGE_NONE, "it is there already");
	cr_assert_eq(find(clients, 1, &client), 0);
	cr_expect_eq(client_conn_find(&client, 101)->verdict.flags, 0);
	cr_expect(client_conn_find(&client, 100)->verdict.reasons & lie);
	cr_expect_eq(clients_mark(clients, &a, 102, VERDICT_OS_MISMATCH, lie, &change), -ENOENT);
	cr_expect_eq(clients_mark(clients, &b, 0, VERDICT_OS_MISMATCH, lie, &change), -ENOENT);
	clients_free(clients);
}

Test(clients, pages_show_each_client_once)
{
	struct clients *clients = make(10000, 128);
	static unsigned seen[10000];
	struct client page[7];
	uint64_t cursor = 0;

	for (uint32_t i = 0; i < 9000; i++)
		observe(clients, NOW_MS, syn_from(numbered(i), 1, i), verdict_of(class_linux, 0));
	do {
		size_t n = clients_page(clients, cursor, 7, page, &cursor);

		for (size_t i = 0; i < n; i++)
			seen[(unsigned)page[i].addr.bytes[13] << 16 | page[i].addr.bytes[14] << 8 |
			     page[i].addr.bytes[15]]++;
	} while (cursor);
	for (uint32_t i = 0; i < 9000; i++)
		cr_assert_eq(seen[i], 1, "client %u: %u times", i, seen[i]);
	clients_free(clients);
}

struct thread_args {
	struct clients *clients;
	uint32_t first;
};

static void *observe_many(void *arg)
{
	const struct thread_args *args = arg;

	for (uint32_t i = 0; i < 50000; i++)
		observe(args->clients, NOW_MS,
			syn_from(numbered(i % 2000), (uint16_t)i, args->first + i),
			verdict_of(class_linux, 0));
	return NULL;
}

Test(clients, threads_count_every_connection)
{
	struct clients *clients = make(4096, 128);
	struct thread_args args[2] = {{clients, 0}, {clients, 1000000}};
	pthread_t threads[2];
	uint64_t cursor = 0, sum = 0;
	struct client client;

	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, observe_many, &args[i]), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	while (clients_page(clients, cursor, 1, &client, &cursor)) {
		sum += client.syn_count;
		if (!cursor)
			break;
	}
	/* Two threads may pick the same port and a colliding 8-bit tuple hash: that SYN is a repeat. */
	cr_expect_geq(sum, 99000, "%lu", (unsigned long)sum);
	cr_expect_leq(sum, 100000, "%lu", (unsigned long)sum);
	clients_free(clients);
}
