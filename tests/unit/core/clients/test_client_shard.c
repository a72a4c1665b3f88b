/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shards from the inside: their sizes, each list's share, and who has to give way. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/clients/client_shard.h"

static struct vocab *vocab;

static void setup(void)
{
	vocab = vocab_new();
}

static void teardown(void)
{
	vocab_free(vocab);
}

TestSuite(client_shard, .init = setup, .fini = teardown);

static struct clients *make(size_t capacity, size_t recent)
{
	struct clients_params params = {.capacity = capacity,
					.recent = recent,
					.seed = 42,
					.v6_prefix_bits = 128,
					.refresh_s = 10,
					.vocab = vocab};

	return clients_new(&params);
}

Test(client_shard, sizes)
{
	static const struct {
		size_t capacity, recent;
		unsigned shards;
		uint32_t entries, lines, recents;
	} cases[] = {
		{64, 256, 1, 64, 5, 256},           {2047, 257, 1, 2047, 147, 258},
		{2048, 256, 2, 1136, 82, 128}, /* 1024 and 7 / 2 of 32 */
		{2049, 257, 2, 1140, 82, 130}, /* 1025 and 7 / 2 of 33 */
		{4095, 256, 2, 2209, 158, 128},     {4096, 256, 4, 1136, 82, 64},
		{32767, 256, 16, 2209, 158, 16},    {32768, 257, 32, 1136, 82, 10},
		{1 << 20, 256, 32, 33405, 2387, 8}, {1 << 22, 256, 128, 33405, 2387, 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(cases[i].capacity, cases[i].recent);
		struct shard *last = &clients->shards[cases[i].shards - 1];
		size_t n = cases[i].shards;

		cr_assert_not_null(clients);
		cr_expect_eq(clients->shard_count, n, "%zu: %u", cases[i].capacity,
			     clients->shard_count);
		cr_expect_eq(last->entry_count, cases[i].entries, "%zu: %u", cases[i].capacity,
			     last->entry_count);
		cr_expect_eq(last->line_count, cases[i].lines, "%zu: %u", cases[i].capacity,
			     last->line_count);
		cr_expect_eq(last->recent_count, cases[i].recents, "%zu: %u", cases[i].capacity,
			     last->recent_count);
		cr_expect_eq(clients->memory_bytes,
			     sizeof(*clients) + n * (sizeof(*last) + 120ul * cases[i].entries +
						     64ul * cases[i].lines +
						     sizeof(struct recent) * cases[i].recents));
		cr_expect_eq(last->entries, clients->entries + (n - 1) * cases[i].entries);
		cr_expect_eq(last->lines, clients->lines + (n - 1) * cases[i].lines);
		cr_expect_eq(last->recent, clients->recent + (n - 1) * cases[i].recents);
		clients_free(clients);
	}
}

/* By their first bits, where subnets are clients; IPv4 addresses never. */
Test(client_shard, keys)
{
	static const struct {
		const char *addr, *key;
		unsigned bits;
	} cases[] = {
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", 128},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", 127},
		{"2001:db8:1:2:3:4:5:7", "2001:db8:1:2:3:4:5:6", 127},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 64},
		{"192.0.2.1", "192.0.2.1", 64},
		{"192.0.2.1", "192.0.2.1", 128},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients clients = {.params = {.v6_prefix_bits = cases[i].bits}};
		struct addr addr, key;

		cr_assert_eq(addr_parse(cases[i].addr, &addr), 0);
		cr_assert_eq(addr_parse(cases[i].key, &key), 0);
		addr = clients_key(&clients, &addr);
		cr_expect(addr_equal(&addr, &key), "%s, %u", cases[i].addr, cases[i].bits);
	}
}

Test(client_shard, recent_syns_have_all_the_room)
{
	struct clients *clients = make(64, 64);
	bool is_used[64] = {false};

	for (unsigned port = 0; port < 5000; port++)
		is_used[shard_recent(clients->shards, 7, (uint16_t)port) - clients->recent] = true;
	for (unsigned i = 0; i < 64; i++)
		cr_expect_eq(is_used[i], i % RECENT_WAYS == 0, "%u", i);
	clients_free(clients);
}

/* One of 2001:db8::/48. */
static struct addr in_site(uint32_t number)
{
	const uint8_t bytes[16] = {0x20,
				   0x01,
				   0x0d,
				   0xb8,
				   [13] = (uint8_t)(number >> 16),
				   (uint8_t)(number >> 8),
				   (uint8_t)number};

	return addr_from_v6(bytes);
}

static struct entry *add(struct clients *clients, const struct addr *addr)
{
	uint64_t hash = clients_hash(clients, addr);

	return shard_add(clients, clients_shard(clients, hash), addr, hash);
}

static bool has(struct clients *clients, uint32_t number)
{
	struct addr addr = in_site(number);
	uint64_t hash = clients_hash(clients, &addr);

	return shard_find(clients_shard(clients, hash), &addr, hash);
}

/* How many lines of the index some entry has passed by; and how many slots are in use. */
static void look_at(const struct shard *shard, unsigned *ret_passed, unsigned *ret_used)
{
	*ret_passed = *ret_used = 0;
	for (uint32_t n = 0; n < shard->line_count; n++) {
		const struct index_line *line = &shard->lines[n];

		*ret_passed += line->passed != 0;
		for (unsigned slot = 0; slot < INDEX_SLOTS; slot++)
			*ret_used += (line->tags[slot / 4] >> 8 * (slot % 4) & 0xff) != 0;
	}
}

/* Wherever one is, and whoever went before: lines overflow, and drain again. */
Test(client_shard, the_index_has_who_is_there)
{
	enum { ALL = 2000, STEP = 7 /* has no divisor in common with ALL */ };
	struct clients *clients = make(ALL, 64);
	struct shard *shard = clients->shards;
	unsigned passed, used;

	cr_assert_eq(clients->shard_count, 1);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (uint32_t i = 0; i < ALL; i++) {
			struct addr addr = in_site(turn * ALL + i);

			add(clients, &addr);
		}
		look_at(shard, &passed, &used);
		cr_expect_gt(passed, 0);
		cr_expect_eq(used, ALL, "%u", used);
		for (uint32_t i = 0; i < ALL; i++) {
			uint32_t number = turn * ALL + i * STEP % ALL;
			struct addr addr = in_site(number);

			cr_assert(has(clients, number), "%u", number);
			shard_remove(clients, shard,
				     shard_find(shard, &addr, clients_hash(clients, &addr)));
			cr_assert(!has(clients, number), "%u", number);
		}
		look_at(shard, &passed, &used);
		cr_expect_eq(passed, 0, "%u", passed);
		cr_expect_eq(used, 0, "%u", used);
	}
	clients_free(clients);
}

/* Who comes pushes out who was silent longest, for hours: lines do not overflow more and more. */
Test(client_shard, the_index_stays_as_good)
{
	enum { ALL = 2000, TURNS = 20 };
	struct clients *clients = make(ALL, 64);
	struct shard *shard = clients->shards;
	unsigned passed, used;

	for (uint32_t i = 0; i < TURNS * ALL; i++) {
		struct addr addr = in_site(i);

		add(clients, &addr);
	}
	look_at(shard, &passed, &used);
	cr_expect_eq(used, ALL, "%u", used);
	cr_expect_lt(passed, shard->line_count / 2, "%u of %u", passed, shard->line_count);
	for (uint32_t i = (TURNS - 1) * ALL; i < TURNS * ALL; i++)
		cr_assert(has(clients, i), "%u", i);
	clients_free(clients);
}

static uint32_t counted(const struct shard *shard, enum age_list list)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < SHARD_NETWORKS; i++)
		sum += shard->count_of[list][i];
	return sum;
}

static void expect_lists(const struct shard *shard, uint32_t once, uint32_t again,
			 uint32_t confirmed)
{
	const uint32_t counts[AGE_LISTS] = {once, again, confirmed};

	for (unsigned list = 0; list < AGE_LISTS; list++) {
		cr_expect_eq(shard->ages[list].count, counts[list], "list %u: %u", list,
			     shard->ages[list].count);
		cr_expect_eq(counted(shard, (enum age_list)list),
			     list == AGE_ONCE ? 0 : counts[list], "list %u: %u", list,
			     counted(shard, (enum age_list)list));
	}
	cr_expect_eq(shard->used, once + again + confirmed);
}

#define OF_SITE 600

/* An eighth of a shard on each list, and 256 at least; the rest stays on the list before. */
Test(client_shard, a_network_has_its_share)
{
	static const struct {
		size_t capacity;
		uint32_t share;
	} cases[] = {{2047, 256}, {4095, 276}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(cases[i].capacity, 64);
		struct shard *shard = clients->shards;
		struct entry *entries[OF_SITE];
		uint32_t share = cases[i].share, count = 0;

		for (uint32_t k = 0; count < OF_SITE; k++) {
			struct addr addr = in_site(k);

			if (clients_shard(clients, clients_hash(clients, &addr)) == shard)
				entries[count++] = add(clients, &addr);
		}
		expect_lists(shard, OF_SITE, 0, 0);
		for (uint32_t k = 0; k < OF_SITE; k++)
			shard_promote(clients, shard, entries[k], AGE_AGAIN);
		expect_lists(shard, OF_SITE - share, share, 0);
		for (uint32_t k = 0; k < OF_SITE; k++)
			shard_promote(clients, shard, entries[k], AGE_CONFIRMED);
		expect_lists(shard, OF_SITE - share, 0, share);
		shard_promote(clients, shard, entries[0], AGE_AGAIN);
		expect_lists(shard, OF_SITE - share, 0, share);
		for (uint32_t k = 0; k < OF_SITE; k++)
			shard_remove(clients, shard, entries[k]);
		cr_expect_eq(entries[0]->syn_count, 0, "an entry that is free");
		expect_lists(shard, 0, 0, 0);
		clients_free(clients);
	}
}

/* Seven eighths are for who is confirmed; one more sends back the oldest of them. */
Test(client_shard, the_confirmed_leave_room)
{
	struct clients *clients = make(64, 64);
	struct shard *shard = clients->shards;
	struct entry *entries[64];

	for (uint32_t i = 0; i < 64; i++) {
		struct addr addr = in_site(i);

		entries[i] = add(clients, &addr);
	}
	for (uint32_t i = 0; i < 56; i++)
		shard_promote(clients, shard, entries[i], AGE_CONFIRMED);
	expect_lists(shard, 8, 0, 56);
	shard_promote(clients, shard, entries[56], AGE_CONFIRMED);
	expect_lists(shard, 7, 1, 56);
	cr_expect_eq(entries[0]->list, AGE_AGAIN);
	cr_expect_eq(entries[1]->list, AGE_CONFIRMED);
	clients_free(clients);
}

/* Those seen once are numbered from 0, those who came back behind them. */
Test(client_shard, who_gives_way)
{
	static const struct {
		uint32_t once, victim;
	} cases[] = {{64, 0}, {63, 0}, {9, 0}, {8, 8}, {1, 1}, {0, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clients *clients = make(64, 64);
		struct addr addr;

		for (uint32_t k = 0; k < 64; k++) {
			struct entry *entry;

			addr = in_site(k);
			entry = add(clients, &addr);
			if (k >= cases[i].once)
				shard_promote(clients, clients->shards, entry, AGE_AGAIN);
		}
		addr = in_site(64);
		add(clients, &addr);
		for (uint32_t k = 0; k <= 64; k++)
			cr_expect_eq(has(clients, k), k != cases[i].victim, "%u once: %u",
				     cases[i].once, k);
		cr_expect_eq(clients->shards->evicted, 1);
		cr_expect_eq(clients->shards->used, 64);
		clients_free(clients);
	}
}
