/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a state file, written by hand: what the export must look like, and every way in
 * which a file with good checksums can still make no sense.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "alloc.h"
#include "packet.h"
#include "core/state/state.h"

#define NOW_S 2000000000u
#define FILE_MAX 65536
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct file {
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static void put(struct file *file, const void *bytes, size_t len)
{
	cr_assert_leq(file->len + len, FILE_MAX);
	memcpy(file->bytes + file->len, bytes, len);
	file->len += len;
}

static void put_le(struct file *file, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		put(file, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

static void put_header(struct file *file, unsigned version)
{
	put(file, "synprint", 8);
	put_le(file, version, 4);
}

static void put_chunk(struct file *file, const char *name, unsigned version, const char *contents)
{
	struct packet inner = {.len = 0};
	size_t head = file->len;

	packet_put(&inner, contents);
	put(file, name, 4);
	put_le(file, version, 4);
	put_le(file, inner.len, 8);
	put(file, inner.bytes, inner.len);
	put_le(file, XXH3_64bits(file->bytes + head, file->len - head), 8);
}

#define WORDS_NONE ""
#define WORD_WINDOWS "00 0500 07 57696e646f7773" /* class 5 of that process */
#define WORD_LABEL "02 0203 05 57696e3130" /* label 0x302, "Win10" */
#define WORD_DSL "03 ff00 03 44534c" /* link 255 */
#define WORD_ETH "04 0f00 04 65746830" /* interface 15 */
#define ALL_WORDS WORD_WINDOWS WORD_LABEL WORD_DSL WORD_ETH

#define ADDR_1 "00000000000000000000ffff c0000201"
#define TIMES "01020304 05060708 090a0b0c" /* first seen, last seen, changed */
#define CONN                                                                                       \
	"409c efcdab8905000000 ff01 02 03 7e 05 0203 6405 e703 d903 ff 0f" /* port 40000, ... */
#define NO_CONN "0000 0000000000000000 0000 00 00 00 00 0000 0000 0000 0000 00 00"
#define CLIENT_OF(syns, conns, confirmed, is_confirmed, first)                                     \
	ADDR_1 TIMES syns conns confirmed is_confirmed "00" first NO_CONN NO_CONN NO_CONN
#define CLIENT CLIENT_OF("05000000", "01", "01", "01", CONN)

static struct vocab *new_vocab(void)
{
	struct vocab *vocab = vocab_new();

	cr_assert_eq(vocab_add(vocab, VOCAB_CLASS, "Linux", 5), 1);
	cr_assert_eq(vocab_add(vocab, VOCAB_CLASS, "Windows", 7), 2);
	cr_assert_eq(vocab_add(vocab, VOCAB_LABEL, "Win10", 5), 1);
	cr_assert_eq(vocab_add(vocab, VOCAB_LINK, "DSL", 3), 1);
	cr_assert_eq(vocab_add(vocab, VOCAB_INTERFACE, "eth0", 4), 1);
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

static struct baseline *new_baseline(void)
{
	struct baseline_params params = {.prefixes = 64,
					 .v4_prefix_bits = 16,
					 .v6_prefix_bits = 32,
					 .half_life_s = 86400};

	return baseline_new(&params);
}

static int import(const struct file *file, struct clients *clients, struct baseline *baseline,
		  const struct vocab *vocab, struct text_error *error, struct state_counts *counts)
{
	const struct state_tables tables = {clients, baseline, vocab, 0};

	return state_import(&tables, NOW_S, file->bytes, file->len, error, counts);
}

static struct client only_client(struct clients *clients)
{
	const struct addr addr = addr_from_v4((const uint8_t[]){192, 0, 2, 1});
	struct client client;

	cr_assert_eq(clients_get(clients, &addr, &client), 0);
	return client;
}

static void make_file(struct file *file, const char *words, const char *clients)
{
	file->len = 0;
	put_header(file, 1);
	put_chunk(file, "WORD", 1, words);
	put_chunk(file, "CLNT", 1, clients);
	put_chunk(file, "END ", 1, "");
}

Test(state_format, every_member_of_a_client)
{
	static struct file file;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64);
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct client client;
	const struct verdict *verdict = &client.conns[0].verdict;

	make_file(&file, ALL_WORDS, CLIENT);
	cr_assert_eq(import(&file, clients, NULL, vocab, &error, &counts), 0, "%s", error.what);
	cr_expect_eq(counts.clients, 1);
	cr_expect_not(counts.has_baseline);
	client = only_client(clients);
	cr_expect_eq(client.first_seen_s, 0x04030201);
	cr_expect_eq(client.last_seen_s, 0x08070605);
	cr_expect_eq(client.chg_seen_s, 0x0c0b0a09);
	cr_expect_eq(client.syn_count, 5);
	cr_expect_eq(client.conn_count, 1);
	cr_expect(client.is_confirmed && client.conns[0].is_confirmed);
	cr_expect_eq(client.conns[0].src_port, 40000);
	cr_expect_eq((uint64_t)verdict->reasons, 0x589abcdef);
	cr_expect_eq(verdict->flags, 0x1ff);
	cr_expect_eq(verdict->match, 2);
	cr_expect_eq(verdict->grade, 3);
	cr_expect_eq(verdict->dist_hops, 0x7e);
	cr_expect_eq(verdict->class_id, 2);
	cr_expect_eq(verdict->label, 1);
	cr_expect_eq(verdict->mss, 1380);
	cr_expect_eq(verdict->confidence_permille, 999);
	cr_expect_eq(verdict->family_permille, 985);
	cr_expect_eq(verdict->link, 1);
	cr_expect_eq(verdict->interface, 1);
	clients_free(clients);
	vocab_free(vocab);
}

/* Whatever stands in a record: members keep to their bits, and times are not of the future. */
Test(state_format, a_record_of_ones)
{
	static struct file file;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64);
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct client client;
	const struct verdict *verdict = &client.conns[0].verdict;

	make_file(&file, "00 3f00 07 57696e646f7773", /* class 63 */
		  ADDR_1
		  "ffffffff ffffffff ffffffff ffffffff 01 ff ff ff"
		  "ffff ffffffffffffffff ffff ff ff ff ff ffff ffff ffff ffff ff ff" NO_CONN NO_CONN
			  NO_CONN);
	cr_assert_eq(import(&file, clients, NULL, vocab, &error, &counts), 0, "%s", error.what);
	client = only_client(clients);
	cr_expect_eq(client.first_seen_s, NOW_S);
	cr_expect_eq(client.last_seen_s, NOW_S);
	cr_expect_eq(client.chg_seen_s, NOW_S);
	cr_expect_eq(client.syn_count, 0x7fffffffu);
	cr_expect_eq((uint64_t)verdict->reasons, VERDICT_REASONS_MASK);
	cr_expect_eq(verdict->flags, VERDICT_FLAGS_MASK);
	cr_expect_eq(verdict->match, 3);
	cr_expect_eq(verdict->grade, 3);
	cr_expect_eq(verdict->dist_hops, 127);
	cr_expect_eq(verdict->class_id, 2);
	cr_expect_eq(verdict->label, 0, "no such word");
	cr_expect_eq(verdict->mss, 65535);
	cr_expect_eq(verdict->confidence_permille, 1023);
	cr_expect_eq(verdict->family_permille, 1023);
	cr_expect_eq(verdict->link, 0);
	cr_expect_eq(verdict->interface, 0);
	clients_free(clients);
	vocab_free(vocab);
}

Test(state_format, a_class_that_is_gone)
{
	static struct file file;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64);
	struct text_error error = {.what = ""};
	struct state_counts counts;
	const struct verdict *verdict;
	struct client client;

	make_file(&file, WORD_LABEL WORD_DSL, CLIENT);
	cr_assert_eq(import(&file, clients, NULL, vocab, &error, &counts), 0, "%s", error.what);
	client = only_client(clients);
	verdict = &client.conns[0].verdict;
	cr_expect(verdict->flags & VERDICT_UNKNOWN);
	cr_expect_eq(verdict->match, MATCH_NONE);
	cr_expect_eq(verdict->class_id, 0);
	cr_expect_eq(verdict->label, 0);
	cr_expect_eq(verdict->confidence_permille, 0);
	cr_expect_eq(verdict->family_permille, 0);
	cr_expect_eq(verdict->link, 1, "what was seen of the link stays");
	clients_free(clients);
	vocab_free(vocab);
}

/* A number beyond the last one is nobody's, and does not become somebody else's. */
Test(state_format, numbers_of_words)
{
	static const char *const words[] = {
		"00 4000 07 57696e646f7773", /* class 64 */
		"00 ffff 07 57696e646f7773",
		"03 0001 03 44534c", /* link 256 */
		"04 1000 04 65746830", /* interface 16 */
		"04 ffff 04 65746830",
		"01 0000 07 57696e646f7773", /* families are not kept */
	};
	static struct file file;

	for (size_t i = 0; i < COUNT(words); i++) {
		struct vocab *vocab = new_vocab();
		struct clients *clients = new_clients(vocab, 64);
		struct text_error error = {.what = ""};
		struct state_counts counts;
		struct client client;

		make_file(&file, words[i],
			  CLIENT_OF("01000000", "01", "00", "00",
				    "0100 0000000000000000 0000 00 00 00 00 0000 0000 0000 0000 00 "
				    "00"));
		cr_assert_eq(import(&file, clients, NULL, vocab, &error, &counts), 0, "%s: %s",
			     words[i], error.what);
		client = only_client(clients);
		cr_expect_eq(client.conns[0].verdict.class_id, 0, "%s", words[i]);
		cr_expect_eq(client.conns[0].verdict.label, 0, "%s", words[i]);
		cr_expect_eq(client.conns[0].verdict.link, 0, "%s", words[i]);
		cr_expect_eq(client.conns[0].verdict.interface, 0, "%s", words[i]);
		cr_expect_not(client.is_confirmed || client.conns[0].is_confirmed);
		clients_free(clients);
		vocab_free(vocab);
	}
}

Test(state_format, contents_that_make_sense_and_not)
{
	static const char words_error[] = "the list of words makes no sense",
			  clients_error[] = "the list of clients makes no sense",
			  client_error[] = "a client makes no sense";
	static const struct {
		const char *name, *words, *clients, *error; /* words NULL: no such chunk */
	} cases[] = {
		{"whole", ALL_WORDS, CLIENT, NULL},
		{"no words and nobody", WORDS_NONE, "", NULL},
		{"a word without its length", "00 0000", "", words_error},
		{"a word of no bytes", "00 0000 00", "", NULL},
		{"a word that is not there", "00 0000 01", "", words_error},
		{"half a word", "00 0000 03 4141", "", words_error},
		{"half a second word", ALL_WORDS "00", "", words_error},
		{"the last kind of word", "04 0000 00", "", NULL},
		{"no such kind of word", "05 0000 00", "", words_error},
		{"clients before the words", NULL, "", clients_error},
		{"half a client", ALL_WORDS, CLIENT "00", clients_error},
		{"less than one client", ALL_WORDS, ADDR_1, clients_error},
		{"nobody with 0 connections", ALL_WORDS,
		 CLIENT_OF("01000000", "00", "00", "00", CONN), client_error},
		{"4 connections", ALL_WORDS, CLIENT_OF("01000000", "04", "00", "00", CONN), NULL},
		{"5 connections", ALL_WORDS, CLIENT_OF("01000000", "05", "00", "00", CONN),
		 client_error},
		{"no SYN", ALL_WORDS, CLIENT_OF("00000000", "01", "00", "00", CONN), client_error},
		{"one SYN", ALL_WORDS, CLIENT_OF("01000000", "01", "00", "00", CONN), NULL},
		{"16777216 SYNs", ALL_WORDS, CLIENT_OF("00000001", "01", "00", "00", CONN), NULL},
		{"a bad one behind a good one", ALL_WORDS,
		 CLIENT CLIENT_OF("01000000", "09", "00", "00", CONN), client_error},
	};
	static struct file file;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vocab *vocab = new_vocab();
		struct clients *clients = new_clients(vocab, 64);
		struct text_error error = {.what = ""};
		struct state_counts counts = {.dropped = 77};
		struct clients_stats stats;
		int rc;

		file.len = 0;
		put_header(&file, 1);
		if (cases[i].words)
			put_chunk(&file, "WORD", 1, cases[i].words);
		put_chunk(&file, "CLNT", 1, cases[i].clients);
		put_chunk(&file, "END ", 1, "");
		rc = import(&file, clients, NULL, vocab, &error, &counts);
		cr_expect_eq(rc, cases[i].error ? -EINVAL : 0, "%s: %s", cases[i].name, error.what);
		if (cases[i].error) {
			const char *colon = strchr(error.what, ':');

			cr_expect_str_eq(colon ? colon + 2 : error.what, cases[i].error, "%s",
					 cases[i].name);
			cr_expect_eq(error.line, 0);
			cr_expect_eq(error.column, 0);
			clients_get_stats(clients, &stats);
			cr_expect_eq(stats.used, 0, "%s", cases[i].name);
			cr_expect_eq(counts.dropped, 77, "%s", cases[i].name);
		}
		clients_free(clients);
		vocab_free(vocab);
	}
}

enum damage {
	FILE_VERSION,
	CHUNK_VERSION,
	CHUNK_NAME,
	NO_END,
	BEHIND_END,
	BEYOND_FILE,
	BEYOND_EVERYTHING,
	BAD_BASELINE,
	GOOD_BASELINE
};

#define EMPTY_BASELINE "01000000 00000000"

static void make_damaged(struct file *file, enum damage damage)
{
	file->len = 0;
	put_header(file, damage == FILE_VERSION ? 2 : 1);
	put_chunk(file, "WORD", damage == CHUNK_VERSION ? 2 : 1, ALL_WORDS);
	put_chunk(file, damage == CHUNK_NAME ? "WHAT" : "CLNT", 1, CLIENT);
	if (damage == BAD_BASELINE)
		put_chunk(file, "BASE", 1, "");
	if (damage == GOOD_BASELINE)
		put_chunk(file, "BASE", 1, EMPTY_BASELINE);
	if (damage != NO_END && damage != BEYOND_FILE && damage != BEYOND_EVERYTHING)
		put_chunk(file, "END ", 1, "");
	if (damage == BEHIND_END)
		put(file, "", 1);
	if (damage == BEYOND_FILE || damage == BEYOND_EVERYTHING) {
		put(file, "END ", 4);
		put_le(file, 1, 4);
		put_le(file, damage == BEYOND_FILE ? 1 : UINT64_MAX, 8);
		put_le(file, 0, 8);
	}
}

Test(state_format, chunks_that_make_no_sense)
{
	static const struct {
		enum damage damage;
		const char *error;
	} cases[] = {
		{FILE_VERSION,
		 "byte 0: the file is of a version that this synprintd does not read"},
		{CHUNK_VERSION, "a chunk is of a version that this synprintd does not read"},
		{CHUNK_NAME, "there is a chunk that this synprintd does not know"},
		{NO_END, "the file ends in the midst of a chunk"},
		{BEHIND_END, "there is something behind the end"},
		{BEYOND_FILE, "a chunk goes beyond the end of the file"},
		{BEYOND_EVERYTHING, "a chunk goes beyond the end of the file"},
		{BAD_BASELINE, "the baseline makes no sense"},
		{GOOD_BASELINE, NULL},
	};
	static struct file file;

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vocab *vocab = new_vocab();
		struct clients *clients = new_clients(vocab, 64), *again = new_clients(vocab, 64);
		struct baseline *baseline = new_baseline();
		struct text_error error = {.what = ""};
		struct state_counts counts;
		struct clients_stats stats;

		make_damaged(&file, cases[i].damage);
		cr_expect_eq(import(&file, clients, baseline, vocab, &error, &counts),
			     cases[i].error ? -EINVAL : 0, "%u: %s", cases[i].damage, error.what);
		clients_get_stats(clients, &stats);
		cr_expect_eq(stats.used, cases[i].error ? 0 : 1, "%u", cases[i].damage);
		if (cases[i].error)
			cr_expect_not_null(strstr(error.what, cases[i].error), "%u: %s",
					   cases[i].damage, error.what);
		else
			cr_expect(counts.has_baseline);
		cr_expect_eq(import(&file, again, NULL, vocab, &error, &counts),
			     cases[i].error && cases[i].damage != BAD_BASELINE ? -EINVAL : 0,
			     "a baseline that nobody wants is not looked at");
		baseline_free(baseline);
		clients_free(clients);
		clients_free(again);
		vocab_free(vocab);
	}
}

static int append(void *ctx, const void *bytes, size_t len)
{
	put(ctx, bytes, len);
	return 0;
}

#define UNKNOWN "07 756e6b6e6f776e"

/* Byte for byte: what was written by one version is to be read by the next. */
Test(state_format, export_of_one_client)
{
	static struct file expected, written;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64);
	struct baseline *baseline = new_baseline();
	struct state_sink sink = {.write = append, .ctx = &written};
	struct client client = {.addr = addr_from_v4((const uint8_t[]){192, 0, 2, 1}),
				.first_seen_s = 0x04030201,
				.last_seen_s = 0x08070605,
				.chg_seen_s = 0x0c0b0a09,
				.syn_count = 0x11223344,
				.conn_count = 2,
				.is_confirmed = true,
				.conns = {{.src_port = 40000, .is_confirmed = true},
					  {.src_port = 40001, .is_confirmed = true}}};

	client.conns[0].verdict = (struct verdict){.reasons = 0x189abcdef,
						   .flags = 0x1ff,
						   .match = 2,
						   .grade = 3,
						   .dist_hops = 0x7e,
						   .class_id = 2,
						   .label = 0x302,
						   .mss = 1380,
						   .confidence_permille = 999,
						   .family_permille = 985,
						   .link = 255,
						   .interface = 15};
	cr_assert_eq(clients_restore(clients, &client), 0);
	put_header(&expected, 1);
	put_chunk(&expected, "WORD", 1,
		  "00 0000" UNKNOWN "00 0100 05 4c696e7578 00 0200 07 57696e646f7773"
		  "01 0000" UNKNOWN "02 0000" UNKNOWN "02 0100 05 57696e3130"
		  "03 0000" UNKNOWN "03 0100 03 44534c 04 0000" UNKNOWN "04 0100 04 65746830");
	put_chunk(&expected, "CLNT", 1,
		  ADDR_1 TIMES
		  "44332211 02 03 01 00"
		  "409c efcdab8901000000 ff01 02 03 7e 02 0203 6405 e703 d903 ff 0f"
		  "419c 0000000000000000 0000 00 00 00 00 0000 0000 0000 0000 00 00" NO_CONN
			  NO_CONN);
	put_chunk(&expected, "BASE", 1, EMPTY_BASELINE);
	put_chunk(&expected, "END ", 1, "");
	cr_assert_eq(state_export(&(struct state_tables){clients, baseline, vocab, 0}, &sink), 0);
	cr_expect_eq(written.len, expected.len);
	for (size_t i = 0; i < expected.len; i++)
		cr_assert_eq(written.bytes[i], expected.bytes[i], "byte %zu: %02x, not %02x", i,
			     written.bytes[i], expected.bytes[i]);
	baseline_free(baseline);
	clients_free(clients);
	vocab_free(vocab);
}

/* A clock that is ahead of the file's by so much; 0 stays "never". */
Test(state_format, times_are_shifted)
{
	static struct file file;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64), *again = new_clients(vocab, 64);
	struct state_sink sink = {.write = append, .ctx = &file};
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct client client = {.addr = addr_from_v4((const uint8_t[]){192, 0, 2, 1}),
				.first_seen_s = 1000,
				.last_seen_s = 2000,
				.syn_count = 1,
				.conn_count = 1};

	clients_restore(clients, &client);
	cr_assert_eq(state_export(&(struct state_tables){clients, NULL, vocab, -300}, &sink), 0);
	cr_assert_eq(import(&file, again, NULL, vocab, &error, &counts), 0);
	client = only_client(again);
	cr_expect_eq(client.first_seen_s, 700);
	cr_expect_eq(client.last_seen_s, 1700);
	cr_expect_eq(client.chg_seen_s, 0);
	clients_free(clients);
	clients_free(again);
	vocab_free(vocab);
}

/* Words as long as they may be, many of them; and more clients than one chunk has. */
Test(state_format, long_words_and_many_clients)
{
	static struct file file;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 600), *again = new_clients(vocab, 600);
	struct state_sink sink = {.write = append, .ctx = &file};
	struct text_error error = {.what = ""};
	struct state_counts counts;
	char word[VOCAB_WORD_MAX + 1];

	for (unsigned i = 0; i < 400; i++) {
		snprintf(word, sizeof(word), "%063u", i);
		cr_assert_gt(vocab_add(vocab, VOCAB_LABEL, word, VOCAB_WORD_MAX), 0);
	}
	for (unsigned i = 0; i < 257; i++) {
		struct client client = {.addr = addr_from_v4((const uint8_t[]){10, 0,
									       (uint8_t)(i >> 8),
									       (uint8_t)i}),
					.syn_count = 1,
					.conn_count = 1};

		client.conns[0].verdict.label = 2 + i;
		cr_assert_eq(clients_restore(clients, &client), 0);
	}
	cr_assert_eq(state_export(&(struct state_tables){clients, NULL, vocab, 0}, &sink), 0);
	cr_expect_eq(memmem(file.bytes, file.len, "BASE", 4), NULL, "no baseline, no chunk");
	cr_assert_eq(import(&file, again, NULL, vocab, &error, &counts), 0, "%s", error.what);
	cr_expect_eq(counts.clients, 257);
	for (unsigned i = 0; i < 257; i++) {
		const struct addr addr =
			addr_from_v4((const uint8_t[]){10, 0, (uint8_t)(i >> 8), (uint8_t)i});
		struct client client;

		cr_assert_eq(clients_get(again, &addr, &client), 0);
		cr_expect_eq(client.conns[0].verdict.label, 2 + i);
	}
	clients_free(clients);
	clients_free(again);
	vocab_free(vocab);
}

Test(state_format, out_of_memory)
{
	static struct file file, written;
	struct vocab *vocab = new_vocab();
	struct clients *clients = new_clients(vocab, 64), *again = new_clients(vocab, 64);
	struct baseline *baseline = new_baseline();
	struct state_sink sink = {.write = append, .ctx = &written};
	struct text_error error = {.what = ""};
	struct state_counts counts;
	struct clients_stats stats;
	unsigned failures = 0;
	int rc;

	make_file(&file, ALL_WORDS, CLIENT);
	for (;; failures++) {
		alloc_fail_after(failures);
		rc = import(&file, clients, NULL, vocab, &error, &counts);
		if (!alloc_has_failed())
			break;
		cr_expect_eq(rc, -ENOMEM);
		cr_expect_str_eq(error.what, "out of memory");
		clients_get_stats(clients, &stats);
		cr_expect_eq(stats.used, 0);
	}
	cr_expect_eq(rc, 0);
	cr_expect_gt(failures, 0);
	for (failures = 0;; failures++) {
		alloc_fail_after(failures);
		rc = state_export(&(struct state_tables){clients, baseline, vocab, 0}, &sink);
		if (!alloc_has_failed())
			break;
		/* The baseline's last allocation only gives room back. */
		cr_expect(rc == -ENOMEM || (failures == 4 && rc == 0), "%u: %d", failures, rc);
	}
	cr_expect_eq(rc, 0);
	cr_expect_eq(failures, 5);
	baseline_free(baseline);
	clients_free(clients);
	clients_free(again);
	vocab_free(vocab);
}
