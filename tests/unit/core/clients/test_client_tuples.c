/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Several SYNs of one tuple, which of them a server answered, and on which list a client is then. */
#include "core/clients/client_shard.h"
#include "core/clients/table.h"

#define NOW_S ((uint32_t)(NOW_MS / 1000))
#define PORT 4000

static struct clients *clients;

static void setup_table(void)
{
	setup();
	clients = make(64, 128);
}

static void teardown_table(void)
{
	clients_free(clients);
	teardown();
}

static void renew(void)
{
	teardown_table();
	setup_table();
}

TestSuite(client_tuples, .init = setup_table, .fini = teardown_table);

static struct syn usual_syn(void)
{
	return (struct syn){.src = numbered(1),
			    .dst = numbered(2),
			    .src_port = PORT,
			    .dst_port = 443,
			    .seq = 1000,
			    .ttl = 57,
			    .win = 1024,
			    .ip_version = 4};
}

static struct change see(const struct syn *syn, uint64_t at_ms, unsigned label)
{
	return observe(clients, at_ms, *syn,
		       (struct verdict){.label = label & 0xffff, .class_id = 1});
}

/* The first one stays what is found, where the other is its rival. */
Test(client_tuples, rivals)
{
	static const struct {
		const char *name;
		uint32_t seq;
		uint8_t ttl, dst;
		uint16_t win, dst_port;
		uint64_t after_ms;
		bool is_rival;
	} cases[] = {
		{"another number", 2000, 57, 2, 1024, 443, 1, true},
		{"another number, nearer", 2000, 58, 2, 1024, 443, 1, true},
		{"another number, late", 2000, 57, 2, 1024, 443, 129999, true},
		{"another number, too late", 2000, 57, 2, 1024, 443, 130000, false},
		{"another port", 2000, 57, 2, 1024, 444, 1, false},
		{"another server", 2000, 57, 3, 1024, 443, 1, false},
		{"another shape", 1000, 57, 2, 1025, 443, 1, true},
		{"another shape, farther", 1000, 56, 2, 1025, 443, 1, true},
		{"another shape, nearer", 1000, 58, 2, 1025, 443, 1, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn first = usual_syn(), second = first, found;
		uint64_t seen_ms;

		renew();
		second.seq = cases[i].seq;
		second.ttl = cases[i].ttl;
		second.win = cases[i].win;
		second.dst = numbered(cases[i].dst);
		second.dst_port = cases[i].dst_port;
		see(&first, NOW_MS, 1);
		cr_assert_neq(see(&second, NOW_MS + cases[i].after_ms, 2).kind, CHANGE_REPEAT, "%s",
			      cases[i].name);
		cr_assert_eq(clients_get_syn(clients, &first.src, PORT, &found, &seen_ms), 0, "%s",
			     cases[i].name);
		cr_expect_eq(seen_ms, NOW_MS + (cases[i].is_rival ? 0 : cases[i].after_ms), "%s",
			     cases[i].name);
	}
}

/* Where what is kept of both is the same, the whole one tells them apart: one in 256 of these numbers. */
Test(client_tuples, no_number_is_taken_for_a_repetition)
{
	struct syn first = usual_syn(), second = first;

	for (second.seq = 2000; second.seq < 4000; second.seq++) {
		renew();
		see(&first, NOW_MS, 1);
		cr_assert_neq(see(&second, NOW_MS + 1, 2).kind, CHANGE_REPEAT, "%u", second.seq);
		cr_assert_eq(see(&first, NOW_MS + 2, 1).kind, CHANGE_REPEAT);
	}
}

/* What a server acknowledges is at most a first window behind the SYN that it answers; up to 16 MiB it may be either's. */
Test(client_tuples, the_number_tells_which_was_answered)
{
	static const struct {
		uint32_t ack;
		unsigned label; /* 0: neither */
	} cases[] = {
		{1001, 1},
		{1002, 1},
		{1000 + (1u << 16), 1},
		{1001 + (1u << 16), 0},
		{1000 + (1u << 24), 0},
		{1001 + (1u << 24), 2},
		{1000, 2},
		{0x40000001, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct syn first = usual_syn(), second = first;
		struct client_handshake handshake = {.client = first.src,
						     .server = first.dst,
						     .client_port = PORT,
						     .server_port = 443,
						     .has_ack = true,
						     .ack = cases[i].ack};
		struct client_confirmed confirmed;

		renew();
		second.seq = 0x40000000;
		see(&first, NOW_MS, 1);
		see(&second, NOW_MS + 1, 2);
		cr_assert_eq(clients_confirm(clients, &handshake, NOW_S, &confirmed),
			     cases[i].label ? 0 : -ENOENT, "%x", cases[i].ack);
		if (!cases[i].label)
			continue;
		cr_expect_eq(confirmed.verdict.label, cases[i].label, "%x: %u", cases[i].ack,
			     confirmed.verdict.label);
	}
}

/* What a SYN changes is a change of what is confirmed, where anything is. */
Test(client_tuples, the_verdict_before_is_the_confirmed_one)
{
	struct syn syn = usual_syn();
	struct client_handshake handshake = {.client = syn.src,
					     .server = syn.dst,
					     .client_port = PORT,
					     .server_port = 443};
	struct client_confirmed confirmed;
	struct change change;

	see(&syn, NOW_MS, 1);
	cr_assert_eq(clients_confirm(clients, &handshake, NOW_S, &confirmed), 0);
	syn.src_port = PORT + 1;
	see(&syn, NOW_MS + 1, 2);
	syn.src_port = PORT + 2;
	change = see(&syn, NOW_MS + 2, 3);
	cr_expect_eq(change.old_verdict.label, 1, "%u", change.old_verdict.label);
	cr_expect_eq(change.verdict.label, 3);
}

/* A rival goes behind it. */
Test(client_tuples, what_is_confirmed_stays_so)
{
	struct syn syn = usual_syn();
	struct client_handshake handshake = {.client = syn.src,
					     .server = syn.dst,
					     .client_port = PORT,
					     .server_port = 443};
	struct client_confirmed confirmed;
	struct client client;

	see(&syn, NOW_MS, 1);
	cr_assert_eq(clients_confirm(clients, &handshake, NOW_S, &confirmed), 0);
	syn.seq = 2000;
	see(&syn, NOW_MS + 1, 2);
	cr_assert_eq(clients_get(clients, &syn.src, &client), 0);
	cr_assert_eq(client.conn_count, 2);
	for (unsigned i = 0; i < 2; i++)
		cr_expect_eq(client.conns[i].is_confirmed, client.conns[i].verdict.label == 1, "%u",
			     i);
	cr_expect_eq(client_conn_find(&client, PORT)->verdict.label, 1);
}

static void expect_list(enum age_list list, const char *what)
{
	for (unsigned i = 0; i < AGE_LISTS; i++)
		cr_expect_eq(clients->shards->ages[i].count, i == list, "%s: list %u", what, i);
}

Test(client_tuples, who_comes_back_is_known_by_another_syn)
{
	struct syn syn = usual_syn();

	see(&syn, NOW_MS, 1);
	expect_list(AGE_ONCE, "one SYN");
	see(&syn, NOW_MS + 1000, 1);
	expect_list(AGE_ONCE, "the same again");
	syn.src_port++;
	see(&syn, NOW_MS + 2000, 1);
	expect_list(AGE_AGAIN, "another one");
}

Test(client_tuples, a_restart_keeps_the_list)
{
	static const struct {
		uint32_t syn_count;
		bool is_confirmed;
		enum age_list list;
	} cases[] = {{1, false, AGE_ONCE},
		     {2, false, AGE_AGAIN},
		     {9, false, AGE_AGAIN},
		     {1, true, AGE_CONFIRMED},
		     {2, true, AGE_CONFIRMED}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client client = {.addr = numbered(1),
					.syn_count = cases[i].syn_count,
					.conn_count = 1,
					.is_confirmed = cases[i].is_confirmed};

		renew();
		cr_expect_not(clients_restore(clients, &client));
		expect_list(cases[i].list, "restored");
		cr_expect(clients_restore(clients, &client), "it is known");
	}
}

/* A SYN count has 31 bits; one place of a client's connections is never a confirmed one's. */
Test(client_tuples, restores_counts_and_confirmations)
{
	struct client client = {.addr = numbered(1),
				.syn_count = UINT32_MAX,
				.conn_count = CLIENT_CONNS,
				.is_confirmed = true};
	struct syn syn = usual_syn();

	client.conns[CLIENT_CONNS - 2].is_confirmed = client.conns[CLIENT_CONNS - 1].is_confirmed =
		true;
	clients_restore(clients, &client);
	cr_assert_eq(clients_get(clients, &client.addr, &client), 0);
	cr_expect_eq(client.syn_count, INT32_MAX);
	cr_expect_eq(client.conn_count, CLIENT_CONNS);
	for (unsigned i = 0; i < CLIENT_CONNS; i++)
		cr_expect_eq(client.conns[i].is_confirmed, i == CLIENT_CONNS - 2, "%u", i);
	see(&syn, NOW_MS, 1);
	cr_assert_eq(clients_get(clients, &client.addr, &client), 0);
	cr_expect_eq(client.syn_count, INT32_MAX);
}

/* The time of a SYN is told of the connection that was confirmed, not of another one from its port. */
Test(client_tuples, when_it_was_seen)
{
	struct client client = {.addr = numbered(1),
				.syn_count = 1,
				.conn_count = 1,
				.is_confirmed = true,
				.conns = {{.src_port = PORT, .is_confirmed = true}}};
	struct client_handshake handshake = {.client = numbered(1),
					     .server = numbered(2),
					     .client_port = PORT,
					     .server_port = 443};
	struct client_confirmed confirmed;
	struct syn syn = usual_syn(), whole;
	uint64_t seen_ms;

	clients_restore(clients, &client);
	see(&syn, NOW_MS, 1);
	cr_expect_eq(clients_get_syn(clients, &syn.src, PORT, &whole, &seen_ms), -ENOENT);
	cr_assert_eq(clients_confirm(clients, &handshake, NOW_S, &confirmed), 0);
	cr_expect_eq(confirmed.seen_ms, 0);
	renew();
	see(&syn, NOW_MS, 1);
	cr_expect_eq(clients_get_syn(clients, &syn.src, PORT, &whole, &seen_ms), 0);
	cr_assert_eq(clients_confirm(clients, &handshake, NOW_S, &confirmed), 0);
	cr_expect_eq(confirmed.seen_ms, NOW_MS);
}
