/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody can do to the client table with SYNs that only claim to be a client's: nothing. */
#include "core/clients/table.h"

#define NOW_S 1700000000u
#define DAY_S 86400u

static struct clients *clients;
static struct addr victim, server;

static void make_table(size_t capacity)
{
	struct clients_params params = {.capacity = capacity,
					.recent = 4096,
					.seed = 42,
					.v6_prefix_bits = 128,
					.refresh_s = 1800,
					.vocab = vocab};

	clients = clients_new(&params);
	cr_assert_not_null(clients);
}

static void setup_table(void)
{
	setup();
	victim = addr_from_v4((const uint8_t[4]){192, 0, 2, 77});
	server = addr_from_v4((const uint8_t[4]){203, 0, 113, 2});
	make_table(1024);
}

static void teardown_table(void)
{
	clients_free(clients);
	teardown();
}

TestSuite(confirm, .init = setup_table, .fini = teardown_table);

static struct syn syn_of(struct addr src, uint16_t port, uint32_t seq)
{
	return (struct syn){.src = src,
			    .dst = server,
			    .src_port = port,
			    .dst_port = 443,
			    .seq = seq,
			    .ip_version = 4};
}

static struct verdict honest(void)
{
	return (struct verdict){.class_id = class_linux & 63u,
				.label = 1,
				.mss = 1460,
				.confidence_permille = 950,
				.family_permille = 950};
}

static struct verdict forged(void)
{
	return (struct verdict){.class_id = class_windows & 63u,
				.label = 2,
				.mss = 1380,
				.flags = VERDICT_VPN,
				.grade = LINK_LIKELY,
				.confidence_permille = 990,
				.family_permille = 990};
}

static struct change see_at(uint64_t now_ms, struct syn syn, struct verdict verdict)
{
	return observe(clients, now_ms, syn, verdict);
}

static struct change see(struct syn syn, struct verdict verdict)
{
	return see_at(NOW_MS, syn, verdict);
}

static int answer_at(uint32_t now_s, struct syn syn, uint32_t sent,
		     struct client_confirmed *ret_confirmed)
{
	struct client_handshake handshake = {.client = syn.src,
					     .server = syn.dst,
					     .client_port = syn.src_port,
					     .server_port = syn.dst_port,
					     .has_ack = true,
					     .ack = syn.seq + 1 + sent};

	return clients_confirm(clients, &handshake, now_s, ret_confirmed);
}

static struct client_confirmed answer(struct syn syn)
{
	struct client_confirmed confirmed;

	cr_assert_eq(answer_at(NOW_S, syn, 300, &confirmed), 0);
	return confirmed;
}

static unsigned class_at(uint16_t port)
{
	const struct client_conn *conn;
	struct client client;

	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	conn = client_conn_find(&client, port);
	cr_assert_not_null(conn, "port %u is not remembered", port);
	return conn->verdict.class_id;
}

static bool newer_differs(uint16_t port)
{
	struct client client;

	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	return client_newer_differs(&client, client_conn_find(&client, port), port);
}

Test(confirm, what_was_confirmed_before_is_told)
{
	struct syn first = syn_of(victim, 1000, 7), second = syn_of(victim, 1001, 8);
	struct client_confirmed confirmed;

	see(first, forged());
	cr_expect_not(answer(first).has_before);
	see(second, honest());
	see(syn_of(victim, 1002, 9), honest());
	confirmed = answer(second);
	cr_expect(confirmed.has_before);
	cr_expect_eq(confirmed.before.flags, VERDICT_VPN);
	cr_expect_eq(confirmed.verdict.flags, 0);
}

Test(confirm, a_client_is_confirmed_by_its_connection_alone)
{
	struct syn syn = syn_of(victim, 1000, 7);
	struct client_confirmed confirmed;
	struct client client;

	cr_expect_eq(answer_at(NOW_S, syn, 0, &confirmed), -ENOENT, "nobody was seen");
	cr_expect(see(syn, honest()).asks);
	cr_expect_eq(answer_at(NOW_S, syn_of(victim, 1001, 7), 0, &confirmed), -ENOENT);
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect(!client.is_confirmed && !client.conns[0].is_confirmed);
	confirmed = answer(syn);
	cr_expect(confirmed.is_first);
	cr_expect_eq(confirmed.syn_count, 1);
	cr_expect_eq(confirmed.verdict.mss, 1460);
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect(client.is_confirmed && client.conns[0].is_confirmed);
	cr_expect(!answer(syn).is_first, "told twice");
}

Test(confirm, seven_forged_syns_change_no_answer)
{
	struct syn own = syn_of(victim, 1000, 7);

	see(own, honest());
	answer(own);
	for (uint16_t i = 0; i < 7; i++)
		see(syn_of(victim, (uint16_t)(2000 + i), i), forged());
	cr_expect_eq(class_at(1000), class_linux, "by port");
	cr_expect_eq(class_at(0), class_linux, "without");
	cr_expect(newer_differs(0), "and it is said");
	cr_expect(!newer_differs(1000));
	see(syn_of(victim, 3000, 9), honest());
	cr_expect_eq(class_at(3000), class_linux, "a new connection has a place");
}

Test(confirm, forged_syns_on_the_own_tuple_change_no_answer)
{
	struct syn own = syn_of(victim, 1000, 7), got;
	uint64_t seen_ms;

	own.win = 64240;
	see(own, honest());
	for (uint32_t i = 0; i < 7; i++)
		see(syn_of(victim, 1000, 0x10000000u * i + 99), forged());
	cr_expect_eq(class_at(1000), class_linux, "before the server has answered");
	cr_assert_eq(clients_get_syn(clients, &victim, 1000, &got, &seen_ms), 0);
	cr_expect_eq(got.win, 64240);
	answer(own);
	for (uint32_t i = 0; i < 7; i++)
		see_at(NOW_MS + 200000, syn_of(victim, 1000, 0x10000000u * i + 99), forged());
	cr_expect_eq(class_at(1000), class_linux, "while it lasts");
	cr_assert_eq(clients_get_syn(clients, &victim, 1000, &got, &seen_ms), 0);
	cr_expect_eq(got.win, 64240, "and its SYN is still the one that is shown");
	cr_expect(newer_differs(1000));
}

/* Connections of a known client are not confirmed one by one. */
Test(confirm, what_contradicts_the_confirmed_ones_answers_for_no_other_connection)
{
	struct syn own = syn_of(victim, 1000, 7), next = syn_of(victim, 1001, 8), got;
	uint64_t seen_ms;

	see(own, honest());
	answer(own);
	next.win = 64240;
	cr_expect(!see(next, honest()).asks);
	for (uint32_t i = 0; i < 7; i++) {
		struct syn lie = syn_of(victim, 1001, i);

		lie.dst = numbered(i);
		cr_expect(see_at(NOW_MS + 5000, lie, forged()).asks);
	}
	cr_expect_eq(class_at(1001), class_linux);
	cr_assert_eq(clients_get_syn(clients, &victim, 1001, &got, &seen_ms), 0);
	cr_expect_eq(got.win, 64240);
}

/* Behind a NAT that gives one port to two systems. */
Test(confirm, what_contradicts_and_is_confirmed_is_believed)
{
	struct syn own = syn_of(victim, 1000, 7), other = syn_of(victim, 1001, 9);

	see(own, honest());
	answer(own);
	see(syn_of(victim, 1001, 8), honest());
	other.dst = numbered(1);
	see(other, forged());
	cr_expect_eq(class_at(1001), class_linux);
	cr_expect_eq(answer(other).verdict.class_id, class_windows);
	cr_expect_eq(class_at(1001), class_windows);
}

Test(confirm, a_steady_client_says_the_same_in_all_that_is_remembered)
{
	struct syn own = syn_of(victim, 1000, 7);

	cr_expect(!see(own, honest()).is_steady, "not confirmed");
	cr_expect_eq(answer(own).seen_ms, NOW_MS, "when the SYN came");
	cr_expect(see(syn_of(victim, 1001, 8), honest()).is_steady);
	cr_expect(!see(syn_of(victim, 1002, 9), forged()).is_steady);
	cr_expect(!see(syn_of(victim, 1003, 10), honest()).is_steady,
		  "the one before says otherwise");
	see(syn_of(victim, 1004, 11), honest());
	see(syn_of(victim, 1005, 12), honest());
	cr_expect(see(syn_of(victim, 1006, 13), honest()).is_steady, "that is forgotten");
	cr_expect(!see_at(NOW_MS + (DAY_S + 300) * 1000ull, syn_of(victim, 1007, 14), honest())
			   .is_steady,
		  "a day later");
}

Test(confirm, the_servers_number_tells_which_syn_it_was)
{
	struct syn first = syn_of(victim, 1000, 0x11111111), own = syn_of(victim, 1000, 0xffffff00);

	see(first, forged());
	see(own, honest());
	cr_expect_eq(answer(own).verdict.class_id, class_linux, "the second one, across zero");
	cr_expect_eq(class_at(1000), class_linux);
	cr_expect_eq(class_at(0), class_linux);
}

/* One in 256 forged numbers is as close to the client's as data of many megabytes would be. */
Test(confirm, a_number_that_was_nearly_guessed_confirms_nothing)
{
	struct syn own = syn_of(victim, 1000, 0x20000), guess = syn_of(victim, 1000, 0x10000);
	struct client_confirmed confirmed;

	see(guess, forged());
	cr_expect_eq(answer_at(NOW_S, guess, 0x800000, &confirmed), 0, "much, but nobody else");
	guess.src_port = own.src_port = 2000;
	see(guess, forged());
	see(own, honest());
	cr_expect_eq(answer_at(NOW_S, own, 0, &confirmed), -ENOENT);
	cr_expect_eq(answer_at(NOW_S, own, 0xffffff, &confirmed), 0, "too far from the guess");
	cr_expect_eq(confirmed.verdict.class_id, class_linux);
	own.src_port = 3000;
	guess.src_port = 3000;
	see(own, honest());
	see(guess, forged());
	cr_expect_eq(answer_at(NOW_S, own, 0xffff, &confirmed), 0, "a first window");
	cr_expect_eq(confirmed.verdict.class_id, class_linux);
	cr_expect_eq(answer_at(NOW_S, own, 0x10000, &confirmed), 0, "it was confirmed before");
}

Test(confirm, a_connection_that_is_not_remembered_confirms_nothing)
{
	struct syn own = syn_of(victim, 1000, 0x80000000), other = own;
	struct client_confirmed confirmed;
	struct client client;

	see(syn_of(victim, 1000, 5), forged());
	cr_expect_eq(answer_at(NOW_S, own, 0, &confirmed), -ENOENT, "another number");
	other.dst_port = 22;
	other.seq = 5;
	cr_expect_eq(answer_at(NOW_S, other, 0, &confirmed), -ENOENT, "another server");
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect(!client.is_confirmed);
}

Test(confirm, forged_systems_make_no_client_shared)
{
	struct syn own = syn_of(victim, 1000, 7);
	struct change change;

	see(own, honest());
	answer(own);
	for (uint16_t i = 0; i < 20; i++)
		change = see(syn_of(victim, (uint16_t)(2000 + i), i), i % 2 ? honest() : forged());
	cr_expect_eq(change.verdict.flags & VERDICT_SHARED, 0);
	cr_expect_eq(see(syn_of(victim, 3000, 9), honest()).verdict.flags, 0);
}

Test(confirm, forged_mtus_are_no_evidence)
{
	struct verdict dsl = honest(), ethernet = honest();
	struct syn own = syn_of(victim, 1000, 7);

	dsl.mss = 1452;
	dsl.grade = LINK_ACCESS;
	see(own, dsl);
	answer(own);
	see(syn_of(victim, 2000, 1), ethernet);
	cr_expect_eq(see(syn_of(victim, 1001, 8), dsl).verdict.grade, LINK_ACCESS);
	own = syn_of(victim, 2001, 2);
	see(own, ethernet);
	answer(own);
	cr_expect_eq(see(syn_of(victim, 1002, 9), dsl).verdict.grade, LINK_POSSIBLE);
}

Test(confirm, the_class_changes_by_confirmed_connections)
{
	struct syn own = syn_of(victim, 1000, 7), other = syn_of(victim, 1001, 8);
	struct client client;

	see(own, honest());
	answer(own);
	see_at(NOW_MS + 5000, other, forged());
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect_eq(client.chg_seen_s, 0);
	answer(other);
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect_eq(client.chg_seen_s, NOW_S);
	cr_expect_eq(class_at(0), class_windows, "the newest that is confirmed");
	cr_expect_eq(class_at(1000), class_linux, "each by its port");
}

Test(confirm, three_confirmed_connections_and_the_newest_are_remembered)
{
	struct client client;

	for (uint16_t i = 0; i < 6; i++) {
		struct syn syn = syn_of(victim, (uint16_t)(1000 + i), i);

		see(syn, i == 3 ? forged() : honest());
		answer(syn);
	}
	for (uint16_t i = 0; i < 50; i++)
		see(syn_of(victim, (uint16_t)(2000 + i), i), forged());
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect_eq(client.conn_count, CLIENT_CONNS);
	cr_expect_eq(client_conn_find(&client, 0)->src_port, 1005);
	cr_expect_eq(client_conn_find(&client, 1003)->verdict.class_id, class_windows);
	cr_expect_null(client_conn_find(&client, 1002));
	cr_expect_eq(client.conns[0].src_port, 2049);
	cr_expect(!client.conns[0].is_confirmed);
}

Test(confirm, it_is_asked_for_what_is_not_known_yet)
{
	struct syn own = syn_of(victim, 1000, 7);

	cr_expect(see(own, honest()).asks);
	cr_expect(see(own, honest()).asks, "sent again");
	answer(own);
	cr_expect(!see(syn_of(victim, 1001, 8), honest()).asks);
	cr_expect(see(syn_of(victim, 1002, 9), forged()).asks, "says something else");
	cr_expect(!see_at(NOW_MS + DAY_S / 2 * 1000ull, syn_of(victim, 1003, 10), honest()).asks);
	cr_expect(see_at(NOW_MS + (DAY_S + 300) * 1000ull, syn_of(victim, 1004, 11), honest()).asks,
		  "a day later");
	for (unsigned hours = 26; hours < 24 * 8; hours += 12)
		cr_expect(see_at(NOW_MS + hours * 3600000ull,
				 syn_of(victim, (uint16_t)(3000 + hours), hours), honest())
				  .asks,
			  "%u hours later", hours);
}

/* A flood takes the place of the whole SYN, by which two on one tuple are told apart. */
Test(confirm, a_flood_makes_no_forged_syn_the_confirmed_one)
{
	struct syn own = syn_of(victim, 1000, 7);
	struct client_confirmed confirmed;
	struct client client;

	clients_free(clients);
	make_table(1u << 17);
	see(own, honest());
	for (uint32_t i = 0; i < 40000; i++)
		see(syn_of(numbered(i), 1000, i), forged());
	see(syn_of(victim, 1000, 1u << 31), forged());
	for (uint32_t i = 0; i < 40000; i++)
		see(syn_of(numbered(i), 2000, i), forged());
	cr_assert_eq(clients_get(clients, &victim, &client), 0);
	cr_expect_eq(client.conn_count, 2);
	cr_expect_eq(answer_at(NOW_S, own, 300, &confirmed), -ENOENT);
}

static void expect_all_known(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr addr = numbered(i);
		struct client client;

		cr_assert_eq(clients_get(clients, &addr, &client), 0, "client %u is gone", i);
		cr_assert_eq(client_conn_find(&client, 0)->verdict.class_id, class_linux);
	}
}

/* However often each address comes, and be there a /24, a /48 or the whole Internet of them. */
Test(confirm, no_flood_pushes_out_who_is_confirmed)
{
	const uint32_t count = 6000;

	clients_free(clients);
	make_table(8192);
	for (uint32_t i = 0; i < count; i++) {
		struct syn syn = syn_of(numbered(i), 1000, i);

		see(syn, honest());
		answer(syn);
	}
	for (unsigned syns = 1; syns <= 3; syns++)
		for (uint32_t i = 0; i < 100000; i++)
			for (unsigned k = 0; k < syns; k++)
				see(syn_of(numbered(1u << 23 | i), (uint16_t)(1000 + k), i),
				    forged());
	for (uint32_t i = 0; i < count; i++)
		for (uint16_t k = 0; k < 5; k++)
			see(syn_of(numbered(i), (uint16_t)(2000 + k), k), forged());
	expect_all_known(count);
}

/* Who is confirmed everywhere in his own network takes his share, and no place of others. */
Test(confirm, a_confirmed_network_pushes_out_nobody_else)
{
	clients_free(clients);
	make_table(8192);
	for (uint32_t i = 0; i < 2000; i++) {
		struct syn syn = syn_of(numbered(i * 256), 1000, i);

		see(syn, honest());
		answer(syn);
	}
	for (uint32_t i = 0; i < 50000; i++) {
		uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8};
		struct syn syn;

		memcpy(bytes + 8, &i, sizeof(i));
		syn = syn_of(addr_from_v6(bytes), 1000, i);
		see(syn, forged());
		answer(syn);
	}
	for (uint32_t i = 0; i < 2000; i++) {
		struct addr addr = numbered(i * 256);
		struct client client;

		cr_assert_eq(clients_get(clients, &addr, &client), 0, "client %u is gone", i);
	}
}

Test(confirm, a_table_full_of_confirmed_clients_still_takes_new_ones)
{
	struct clients_stats stats;
	struct client client;
	struct addr last = numbered((299u << 8) * 1);

	clients_free(clients);
	make_table(64);
	for (uint32_t i = 0; i < 300; i++) {
		struct syn syn = syn_of(numbered(i << 8), 1000, i);

		see(syn, honest());
		answer(syn);
	}
	clients_get_stats(clients, &stats);
	cr_expect_eq(stats.used, 64);
	cr_expect_eq(clients_get(clients, &last, &client), 0);
	see(syn_of(victim, 1, 1), forged());
	cr_expect_eq(clients_get(clients, &victim, &client), 0);
	cr_expect_eq(clients_get(clients, &last, &client), 0);
}
