/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "core/state/state.h"

#define NOW_S 2000000000u

struct file {
	uint8_t *bytes;
	size_t len;
};

static int append(void *ctx, const void *bytes, size_t len)
{
	struct file *file = ctx;

	file->bytes = realloc(file->bytes, file->len + len);
	memcpy(file->bytes + file->len, bytes, len);
	file->len += len;
	return 0;
}

static struct vocab *new_vocab(const char *const *classes)
{
	struct vocab *vocab = vocab_new();

	for (; *classes; classes++) {
		cr_assert_gt(vocab_add(vocab, VOCAB_CLASS, *classes, strlen(*classes)), 0);
		cr_assert_gt(vocab_add(vocab, VOCAB_LABEL, *classes, strlen(*classes)), 0);
	}
	cr_assert_gt(vocab_add(vocab, VOCAB_LINK, "DSL", 3), 0);
	return vocab;
}

static struct clients *new_clients(const struct vocab *vocab, size_t capacity)
{
	struct clients_params params = {.capacity = capacity,
					.recent = 64,
					.v6_prefix_bits = 128,
					.refresh_s = 60,
					.vocab = vocab};

	return clients_new(&params);
}

static struct client make_client(unsigned number, unsigned class_id)
{
	uint8_t bytes[4] = {10, 0, (uint8_t)(number >> 8), (uint8_t)number};
	struct client client = {.addr = addr_from_v4(bytes),
				.first_seen_s = 1000 + number,
				.last_seen_s = 5000 + number,
				.chg_seen_s = number,
				.syn_count = 1 + number,
				.conn_count = (uint8_t)(1 + number % CLIENT_CONNS),
				.is_confirmed = number % 3 == 0,
				.withheld = number % 4};

	for (unsigned i = 0; i < client.conn_count; i++)
		client.conns[i] =
			(struct client_conn){.src_port = (uint16_t)(40000 + i),
					     .is_confirmed = client.is_confirmed && i == 1,
					     .verdict = {.reasons = 0x1555555555,
							 .flags = VERDICT_VPN | VERDICT_SHARED,
							 .match = MATCH_SPECIFIC,
							 .grade = LINK_LIKELY,
							 .dist_hops = 12,
							 .class_id = class_id & 63u,
							 .label = class_id & 0xffffu,
							 .mss = 1380,
							 .confidence_permille = 987,
							 .family_permille = 999,
							 .link = 1}};
	return client;
}

static void fill(struct clients *clients, unsigned count, unsigned class_id)
{
	for (unsigned i = 0; i < count; i++) {
		struct client client = make_client(i, class_id);

		clients_restore(clients, &client);
	}
}

/* No baseline: test_baseline_bytes.c has that. */
#define TABLES(clients, vocab) (&(struct state_tables){clients, NULL, vocab, 0})

static struct file export(struct clients *clients, const struct vocab *vocab)
{
	struct file file = {NULL, 0};
	struct state_sink sink = {.write = append, .ctx = &file};

	cr_assert_eq(state_export(TABLES(clients, vocab), &sink), 0);
	return file;
}

static int import(struct clients *clients, const struct vocab *vocab, const struct file *file,
		  struct text_error *error, struct state_counts *counts)
{
	return state_import(TABLES(clients, vocab), NOW_S, file->bytes, file->len, error, counts);
}

/* They take any bit in these two bytes for a confirmation. */
Test(state, older_versions_confirm_nobody_who_is_withheld)
{
	struct vocab *vocab = new_vocab((const char *const[]){NULL});
	struct clients *clients = new_clients(vocab, 100);
	struct client client = make_client(7, 0);
	struct file file;
	uint8_t *record;

	cr_assert(client.withheld && !client.is_confirmed);
	clients_restore(clients, &client);
	file = export(clients, vocab);
	record = memmem(file.bytes, file.len, client.addr.bytes, sizeof(client.addr.bytes));
	cr_assert_not_null(record);
	cr_expect_eq(record[34] | record[35], 0);
	free(file.bytes);
	clients_free(clients);
	vocab_free(vocab);
}

Test(state, comes_back_as_it_was)
{
	static const char *const before[] = {"Windows", "Linux", NULL};
	static const char *const after[] = {"Linux", "iOS", "Windows", NULL};
	struct vocab *old = new_vocab(before), *now = new_vocab(after);
	struct clients *clients = new_clients(old, 2000), *again = new_clients(now, 2000);
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct file file;

	fill(clients, 1000, 2);
	file = export(clients, old);
	cr_assert_eq(import(again, now, &file, &error, &counts), 0, "%s", error.what);
	cr_expect_eq(counts.clients, 1000);
	cr_expect_eq(counts.dropped, 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct client expected = make_client(i, 1), found;

		cr_assert_eq(clients_get(again, &expected.addr, &found), 0, "client %u", i);
		cr_expect_eq(found.first_seen_s, expected.first_seen_s);
		cr_expect_eq(found.last_seen_s, expected.last_seen_s);
		cr_expect_eq(found.chg_seen_s, expected.chg_seen_s);
		cr_expect_eq(found.syn_count, expected.syn_count);
		cr_expect_eq(found.is_confirmed, expected.is_confirmed);
		cr_expect_eq(found.withheld, expected.withheld);
		cr_assert_eq(found.conn_count, expected.conn_count);
		cr_expect_eq(memcmp(found.conns, expected.conns,
				    found.conn_count * sizeof(found.conns[0])),
			     0, "client %u: class %u", i, found.conns[0].verdict.class_id);
	}
	free(file.bytes);
	clients_free(clients);
	clients_free(again);
	vocab_free(old);
	vocab_free(now);
}

Test(state, words_that_are_gone_make_an_unknown_verdict)
{
	static const char *const before[] = {"Windows", "BeOS", NULL}, *const after[] = {"Windows",
											 NULL};
	struct vocab *old = new_vocab(before), *now = new_vocab(after);
	struct clients *clients = new_clients(old, 64), *again = new_clients(now, 64);
	struct client client = make_client(1, 2), found;
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct file file;

	clients_restore(clients, &client);
	file = export(clients, old);
	cr_assert_eq(import(again, now, &file, &error, &counts), 0, "%s", error.what);
	cr_assert_eq(clients_get(again, &client.addr, &found), 0);
	cr_expect(found.conns[0].verdict.flags & VERDICT_UNKNOWN);
	cr_expect_eq(found.conns[0].verdict.class_id, 0);
	cr_expect_eq(found.conns[0].verdict.label, 0);
	cr_expect_eq(found.conns[0].verdict.match, MATCH_NONE);
	cr_expect_eq(found.conns[0].verdict.confidence_permille, 0);
	cr_expect_eq(found.conns[0].verdict.mss, 1380, "what was seen stays");
	free(file.bytes);
	clients_free(clients);
	clients_free(again);
	vocab_free(old);
	vocab_free(now);
}

Test(state, the_youngest_find_room)
{
	static const char *const words[] = {"Windows", NULL};
	struct vocab *vocab = new_vocab(words);
	struct clients *clients = new_clients(vocab, 500), *small = new_clients(vocab, 64);
	struct client oldest = make_client(1, 1), youngest = make_client(499, 1), found;
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct file file;

	for (unsigned i = 0; i < 500; i++) { /* in no order */
		struct client client = make_client(i * 137 % 500, 1);

		clients_restore(clients, &client);
	}
	file = export(clients, vocab);
	cr_assert_eq(import(small, vocab, &file, &error, &counts), 0, "%s", error.what);
	cr_expect_eq(counts.clients, 64);
	cr_expect_eq(counts.dropped, 436);
	cr_expect_eq(clients_get(small, &youngest.addr, &found), 0);
	for (unsigned i = 0; i < 250; i++) {
		struct client old = make_client(i, 1);

		cr_expect_eq(clients_get(small, &old.addr, &found), -ENOENT, "client %u", i);
	}
	cr_expect_eq(clients_get(small, &oldest.addr, &found), -ENOENT);
	free(file.bytes);
	clients_free(clients);
	clients_free(small);
	vocab_free(vocab);
}

Test(state, the_future_is_now)
{
	static const char *const words[] = {"Windows", NULL};
	struct vocab *vocab = new_vocab(words);
	struct clients *clients = new_clients(vocab, 64), *again = new_clients(vocab, 64);
	struct client client = make_client(1, 1), found;
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct file file;

	client.first_seen_s = client.last_seen_s = UINT32_MAX;
	clients_restore(clients, &client);
	file = export(clients, vocab);
	cr_assert_eq(import(again, vocab, &file, &error, &counts), 0);
	cr_assert_eq(clients_get(again, &client.addr, &found), 0);
	cr_expect_eq(found.last_seen_s, NOW_S);
	cr_expect_eq(found.first_seen_s, NOW_S);
	free(file.bytes);
	clients_free(clients);
	clients_free(again);
	vocab_free(vocab);
}

/* Each byte of a file, and each length of it. Nothing is taken from any of them. */
Test(state, damage_is_told_and_nothing_taken)
{
	static const char *const words[] = {"Windows", NULL};
	struct vocab *vocab = new_vocab(words);
	struct clients *clients = new_clients(vocab, 64), *again = new_clients(vocab, 64);
	struct clients_stats stats;
	struct state_counts counts;
	struct file file;

	fill(clients, 3, 1);
	file = export(clients, vocab);
	for (size_t i = 0; i < file.len; i++) {
		struct file damaged = {malloc(file.len), file.len};
		struct text_error error = {.what = ""};

		memcpy(damaged.bytes, file.bytes, file.len);
		damaged.bytes[i] ^= (uint8_t)(1u << i % 8);
		cr_assert_eq(import(again, vocab, &damaged, &error, &counts), -EINVAL, "byte %zu",
			     i);
		cr_assert_eq(strncmp(error.what, "byte ", 5), 0, "%s", error.what);
		free(damaged.bytes);
		cr_assert_eq(state_import(TABLES(again, vocab), NOW_S, guard_place(file.bytes, i),
					  i, &error, &counts),
			     -EINVAL, "length %zu", i);
	}
	clients_get_stats(again, &stats);
	cr_expect_eq(stats.used, 0);
	free(file.bytes);
	clients_free(clients);
	clients_free(again);
	vocab_free(vocab);
}

Test(state, files_of_others)
{
	static const char *const words[] = {"Windows", NULL};
	static const char *const texts[] = {"", "x", "synprint",
					    "\177ELF and so on and so on and on",
					    "# Signatures learned by synprintd\n"};
	struct vocab *vocab = new_vocab(words);
	struct clients *clients = new_clients(vocab, 64);

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct text_error error = {.what = ""};
		struct state_counts counts;

		cr_expect_eq(state_import(TABLES(clients, vocab), NOW_S, (const uint8_t *)texts[i],
					  strlen(texts[i]), &error, &counts),
			     -EINVAL);
		cr_expect_str_eq(error.what, "byte 0: this is no state file of synprintd");
	}
	clients_free(clients);
	vocab_free(vocab);
}

static int refuse(void *ctx, const void *bytes, size_t len)
{
	(void)bytes;
	(void)len;
	return --*(int *)ctx < 0 ? -ENOSPC : 0;
}

Test(state, a_sink_that_is_full_ends_the_export)
{
	static const char *const words[] = {"Windows", NULL};
	struct vocab *vocab = new_vocab(words);
	struct clients *clients = new_clients(vocab, 64);

	fill(clients, 10, 1);
	for (int room = 0; room < 9; room++) {
		int left = room;
		struct state_sink sink = {.write = refuse, .ctx = &left};

		cr_expect_eq(state_export(TABLES(clients, vocab), &sink), -ENOSPC, "room %d", room);
	}
	clients_free(clients);
	vocab_free(vocab);
}

/* A flood of addresses that never come back pushes out its own. */
Test(state, who_was_known_outlives_a_flood)
{
	static const char *const words[] = {"Windows", NULL};
	static const struct {
		unsigned known_syns, flood_syns;
		bool is_confirmed;
	} cases[] = {{1, 2, true}, {2, 1, false}};

	for (unsigned k = 0; k < 2; k++) {
		struct vocab *vocab = new_vocab(words);
		struct clients *clients = new_clients(vocab, 1000);
		struct client found;

		for (unsigned i = 0; i < 500 + 20000; i++) {
			struct client client = make_client(i < 500 ? i : i - 500, 1);

			client.syn_count = i < 500 ? cases[k].known_syns : cases[k].flood_syns;
			client.is_confirmed = i < 500 && cases[k].is_confirmed;
			if (i >= 500)
				client.addr.bytes[13] = 77;
			clients_restore(clients, &client);
		}
		for (unsigned i = 0; i < 500; i++) {
			struct client client = make_client(i, 1);

			cr_expect_eq(clients_get(clients, &client.addr, &found), 0, "%u: client %u",
				     k, i);
		}
		clients_free(clients);
		vocab_free(vocab);
	}
}
