/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who gives way in a full table, and what becomes of the places. */
#include "core/clients/table.h"

TestSuite(clients, .init = setup, .fini = teardown);

Test(clients, full_table_forgets_the_one_silent_longest)
{
	struct clients *clients = make(64, 128);
	struct clients_stats stats;
	struct client client;

	for (uint32_t i = 0; i < 64; i++)
		observe(clients, NOW_MS + i, syn_from(numbered(i), 1, i),
			verdict_of(class_linux, 0));
	/* Number 0 speaks again, so number 1 is the oldest now. */
	observe(clients, NOW_MS + 100, syn_from(numbered(0), 2, 99), verdict_of(class_linux, 0));
	observe(clients, NOW_MS + 101, syn_from(numbered(1000), 1, 1), verdict_of(class_linux, 0));
	clients_get_stats(clients, &stats);
	cr_expect_eq(stats.used, 64);
	cr_expect_eq(stats.evicted, 1);
	cr_expect_eq(find(clients, 0, &client), 0);
	cr_expect_eq(find(clients, 1, &client), -ENOENT);
	cr_expect_eq(find(clients, 1000, &client), 0);
	clients_free(clients);
}

static void come_back(struct clients *clients, struct addr addr)
{
	observe(clients, NOW_MS, syn_from(addr, 1, 1), verdict_of(class_linux, 0));
	observe(clients, NOW_MS, syn_from(addr, 2, 2), verdict_of(class_linux, 0));
}

static void expect_known(struct clients *clients, uint32_t count)
{
	struct client client;

	for (uint32_t i = 0; i < count; i++)
		cr_assert_eq(find(clients, i, &client), 0, "client %u is gone", i);
}

Test(clients, those_who_came_back_outlast_a_flood)
{
	struct clients *clients = make(8192, 128);

	for (uint32_t i = 0; i < 2000; i++)
		come_back(clients, numbered(i));
	for (uint32_t i = 0; i < 100000; i++)
		observe(clients, NOW_MS, syn_from(numbered(1u << 23 | i), 1, i),
			verdict_of(class_linux, 0));
	expect_known(clients, 2000);
	clients_free(clients);
}

/* The subnet's and the host's part of an address in 2001:db8::/48. */
static struct addr in_site(uint32_t number)
{
	const uint8_t bytes[16] = {0x20,
				   0x01,
				   0x0d,
				   0xb8,
				   [6] = (uint8_t)number,
				   [14] = (uint8_t)(number >> 16),
				   (uint8_t)(number >> 8)};

	return addr_from_v6(bytes);
}

Test(clients, a_network_that_comes_back_everywhere_outlasts_nobody)
{
	struct clients *clients = make(8192, 128);

	for (uint32_t i = 0; i < 2000; i++)
		come_back(clients, numbered(i));
	for (unsigned round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < 50000; i++)
			come_back(clients, in_site(i));
		expect_known(clients, 2000);
		for (uint32_t i = 0; i < 50000; i++) {
			struct addr addr = in_site(i);

			clients_forget(clients, &addr, NULL);
		}
	}
	clients_free(clients);
}

Test(clients, what_was_withheld_is_said_until_it_is_not)
{
	struct clients *clients = make(64, 128);
	struct addr a = numbered(1), unknown = numbered(2);
	struct client client;

	cr_expect_eq(observe(clients, NOW_MS, syn_from(a, 1, 1), verdict_of(0, 0)).withheld, 0);
	for (unsigned kinds = 1; kinds < 4; kinds++) {
		uint16_t port = (uint16_t)(1 + kinds);

		clients_withhold(clients, &a, kinds);
		clients_withhold(clients, &unknown, kinds);
		cr_expect_eq(observe(clients, NOW_MS, syn_from(a, port, port), verdict_of(0, 0))
				     .withheld,
			     kinds);
		cr_expect_eq(find(clients, 1, &client), 0);
		cr_expect_eq(client.withheld, kinds);
	}
	clients_withhold(clients, &a, 0);
	cr_expect_eq(observe(clients, NOW_MS, syn_from(a, 9, 9), verdict_of(0, 0)).withheld, 0);
	clients_free(clients);
}

Test(clients, index_survives_any_order_of_removal)
{
	struct clients *clients = make(4096, 128);
	struct clients_stats stats;
	struct client client;
	uint32_t state = 1, present = 0;
	static bool is_in[5000];

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t number;
		struct addr addr;

		state = state * 1664525u + 1013904223u;
		number = (state >> 8) % 3000;
		addr = numbered(number);
		if (state >> 30 == 0) {
			cr_assert_eq(clients_forget(clients, &addr, NULL),
				     is_in[number] ? 0 : -ENOENT);
			present -= is_in[number];
			is_in[number] = false;
		} else {
			observe(clients, NOW_MS, syn_from(addr, (uint16_t)i, i),
				verdict_of(class_linux, 0));
			present += !is_in[number];
			is_in[number] = true;
		}
	}
	for (uint32_t number = 0; number < 3000; number++) {
		struct addr addr = numbered(number);

		cr_assert_eq(clients_get(clients, &addr, &client), is_in[number] ? 0 : -ENOENT);
	}
	clients_get_stats(clients, &stats);
	cr_expect_eq(stats.used, present);
	clients_free(clients);
}

Test(clients, holds_its_whole_capacity_within_the_promised_memory)
{
	struct clients_params params = {.capacity = 1000000,
					.recent = 16384,
					.seed = 7,
					.v6_prefix_bits = 128,
					.refresh_s = 10,
					.vocab = vocab};
	struct clients *clients = clients_new(&params);
	struct clients_stats stats;

	for (uint32_t i = 0; i < 1000000; i++)
		observe(clients, NOW_MS, syn_from(numbered(i), 1, i), verdict_of(class_linux, 0));
	clients_get_stats(clients, &stats);
	cr_expect_eq(stats.used, 1000000, "%zu", stats.used);
	cr_expect_eq(stats.evicted, 0);
	cr_expect_leq(stats.memory_bytes, (size_t)128 << 20, "%zu", stats.memory_bytes);
	clients_free(clients);
}
