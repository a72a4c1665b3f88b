/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a state: all chunks are checked to the last byte before anything is taken. Clients are
 * taken in the order of their age, so that where there is no room the oldest give way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/state/state_format.h"
#include "core/state/state.h"

struct chunk {
	const uint8_t *head, *contents;
	size_t len;
};

struct reader {
	const uint8_t *bytes;
	size_t len, at;
	struct text_error *error;
	const struct vocab *vocab;
	/* What a number of the file is here; 0 where there is no such word. */
	uint16_t *labels; /* one for each number that the file can give */
	uint8_t classes[VOCAB_CLASSES_MAX], links[VOCAB_LINKS_MAX + 1];
	uint8_t interfaces[VOCAB_INTERFACES_MAX];
	bool has_words;
	const uint8_t **clients; /* records, with room for all that the file can have */
	size_t client_count;
	struct chunk baseline;
};

static int damaged(struct reader *reader, const char *what)
{
	text_error_set(reader->error, 0, 0, "byte %zu: %s", reader->at, what);
	return -EINVAL;
}

static int next_chunk(struct reader *reader, struct chunk *ret_chunk)
{
	size_t left = reader->len - reader->at;
	const uint8_t *head = reader->bytes + reader->at;
	uint64_t len;

	if (left < STATE_HEAD_BYTES + STATE_SUM_BYTES)
		return damaged(reader, "the file ends in the midst of a chunk");
	len = state_get(head + STATE_NAME_BYTES + 4, 8);
	if (len > left - STATE_HEAD_BYTES - STATE_SUM_BYTES)
		return damaged(reader, "a chunk goes beyond the end of the file");
	if (XXH3_64bits(head, STATE_HEAD_BYTES + (size_t)len) !=
	    state_get(head + STATE_HEAD_BYTES + len, STATE_SUM_BYTES))
		return damaged(reader, "a checksum is wrong");
	if (state_get(head + STATE_NAME_BYTES, 4) != STATE_CHUNK_VERSION)
		return damaged(reader, "a chunk is of a version that this synprintd does not read");
	*ret_chunk = (struct chunk){head, head + STATE_HEAD_BYTES, (size_t)len};
	reader->at += STATE_HEAD_BYTES + (size_t)len + STATE_SUM_BYTES;
	return 0;
}

static bool is_named(const struct chunk *chunk, const char *name)
{
	return memcmp(chunk->head, name, STATE_NAME_BYTES) == 0;
}

/* The number of this process for a word of the file, 0 where there is none. */
static void map_word(struct reader *reader, unsigned kind, unsigned id, const char *text,
		     size_t len)
{
	int found = vocab_find(reader->vocab, (enum vocab_kind)kind, text, len);
	unsigned here = found > 0 ? (unsigned)found : 0;

	switch ((enum vocab_kind)kind) {
	case VOCAB_CLASS:
		if (id < VOCAB_CLASSES_MAX)
			reader->classes[id] = (uint8_t)here;
		return;
	case VOCAB_LABEL: reader->labels[id] = (uint16_t)here; return;
	case VOCAB_LINK:
		if (id < sizeof(reader->links))
			reader->links[id] = (uint8_t)here;
		return;
	case VOCAB_INTERFACE:
		if (id < VOCAB_INTERFACES_MAX)
			reader->interfaces[id] = (uint8_t)here;
		return;
	case VOCAB_FAMILY:
	case VOCAB_KIND_COUNT: return;
	}
}

static int take_words(struct reader *reader, const struct chunk *chunk)
{
	size_t at = 0;

	while (at < chunk->len) {
		const uint8_t *word = chunk->contents + at;

		if (chunk->len - at < 4 || chunk->len - at - 4 < word[3] ||
		    word[0] >= VOCAB_KIND_COUNT)
			return damaged(reader, "the list of words makes no sense");
		map_word(reader, word[0], (unsigned)state_get(word + 1, 2), (const char *)word + 4,
			 word[3]);
		at += 4u + word[3];
	}
	reader->has_words = true;
	return 0;
}

static bool is_client(const uint8_t *record)
{
	unsigned conns = record[32];

	return conns >= 1 && conns <= CLIENT_CONNS && state_get(record + 28, 4) > 0;
}

static int take_clients(struct reader *reader, const struct chunk *chunk)
{
	size_t count = chunk->len / STATE_CLIENT_BYTES;

	if (!reader->has_words || chunk->len % STATE_CLIENT_BYTES)
		return damaged(reader, "the list of clients makes no sense");
	for (size_t i = 0; i < count; i++) {
		const uint8_t *record = chunk->contents + i * STATE_CLIENT_BYTES;

		if (!is_client(record))
			return damaged(reader, "a client makes no sense");
		reader->clients[reader->client_count++] = record;
	}
	return 0;
}

static int take_chunk(struct reader *reader, const struct chunk *chunk)
{
	if (is_named(chunk, STATE_WORDS))
		return take_words(reader, chunk);
	if (is_named(chunk, STATE_CLIENTS))
		return take_clients(reader, chunk);
	if (!is_named(chunk, STATE_BASELINE))
		return damaged(reader, "there is a chunk that this synprintd does not know");
	reader->baseline = *chunk;
	return 0;
}

static int check_header(struct reader *reader)
{
	if (reader->len < STATE_HEADER_BYTES ||
	    memcmp(reader->bytes, STATE_MAGIC, sizeof(STATE_MAGIC) - 1) != 0)
		return damaged(reader, "this is no state file of synprintd");
	if (state_get(reader->bytes + sizeof(STATE_MAGIC) - 1, 4) != STATE_VERSION)
		return damaged(reader,
			       "the file is of a version that this synprintd does not read");
	reader->at = STATE_HEADER_BYTES;
	return 0;
}

/* Everything is looked at, and nothing is taken yet. */
static int read_all(struct reader *reader)
{
	int rc = check_header(reader);

	while (rc == 0) {
		struct chunk chunk;

		rc = next_chunk(reader, &chunk);
		if (rc < 0 || is_named(&chunk, STATE_END))
			break;
		rc = take_chunk(reader, &chunk);
	}
	if (rc < 0)
		return rc;
	return reader->at == reader->len ? 0 : damaged(reader, "there is something behind the end");
}

static uint32_t not_later(uint64_t time_s, uint32_t now_s)
{
	return time_s < now_s ? (uint32_t)time_s : now_s;
}

static uint64_t get(const uint8_t **at, unsigned bytes)
{
	uint64_t value = state_get(*at, bytes);

	*at += bytes;
	return value;
}

/* Without its class a verdict says nothing any more. */
static void lose_class(struct verdict *verdict)
{
	verdict->flags |= VERDICT_UNKNOWN;
	verdict->match = MATCH_NONE;
	verdict->label = 0;
	verdict->confidence_permille = verdict->family_permille = 0;
}

/* In the order in which they stand there; what is too large for a member is cut. */
static void get_conn(const struct reader *reader, const uint8_t **at, struct client_conn *ret_conn)
{
	struct verdict verdict = {.reasons = 0};
	uint8_t class_there;

	ret_conn->src_port = (uint16_t)get(at, 2);
	verdict.reasons = get(at, 8) & VERDICT_REASONS_MASK;
	verdict.flags = get(at, 2) & VERDICT_FLAGS_MASK;
	verdict.match = get(at, 1) & 3u;
	verdict.grade = get(at, 1) & 3u;
	verdict.dist_hops = get(at, 1) & 0x7fu;
	class_there = (uint8_t)get(at, 1);
	verdict.class_id = reader->classes[class_there % VOCAB_CLASSES_MAX] & 0x3fu;
	verdict.label = reader->labels[get(at, 2)];
	verdict.mss = get(at, 2) & 0xffffu;
	verdict.confidence_permille = get(at, 2) & 0x3ffu;
	verdict.family_permille = get(at, 2) & 0x3ffu;
	verdict.link = reader->links[get(at, 1)];
	verdict.interface = reader->interfaces[get(at, 1) % VOCAB_INTERFACES_MAX] & 0xfu;
	if (class_there && !verdict.class_id)
		lose_class(&verdict);
	ret_conn->verdict = verdict;
}

static void get_client(const struct reader *reader, const uint8_t *at, uint32_t now_s,
		       struct client *ret_client)
{
	struct client client = {.conn_count = 0};
	unsigned confirmed;

	memcpy(client.addr.bytes, at, sizeof(client.addr.bytes));
	at += sizeof(client.addr.bytes);
	client.first_seen_s = not_later(get(&at, 4), now_s);
	client.last_seen_s = not_later(get(&at, 4), now_s);
	client.chg_seen_s = not_later(get(&at, 4), now_s);
	client.syn_count = (uint32_t)get(&at, 4);
	client.conn_count = (uint8_t)get(&at, 1);
	confirmed = (unsigned)get(&at, 1);
	client.is_confirmed = get(&at, 2) & 1;
	client.withheld = confirmed >> STATE_WITHHELD_SHIFT & 3;
	for (unsigned i = 0; i < client.conn_count; i++) {
		client.conns[i].is_confirmed = confirmed >> i & 1;
		get_conn(reader, &at, &client.conns[i]);
	}
	*ret_client = client;
}

static int by_age(const void *a, const void *b)
{
	uint64_t x = state_get(*(const uint8_t *const *)a + STATE_AT_LAST_SEEN, 4);
	uint64_t y = state_get(*(const uint8_t *const *)b + STATE_AT_LAST_SEEN, 4);

	return (x > y) - (x < y);
}

static void take_all(struct reader *reader, struct clients *clients, uint32_t now_s,
		     struct state_counts *counts)
{
	qsort(reader->clients, reader->client_count, sizeof(*reader->clients), by_age);
	for (size_t i = 0; i < reader->client_count; i++) {
		struct client client;

		get_client(reader, reader->clients[i], now_s, &client);
		counts->dropped += clients_restore(clients, &client);
	}
	counts->clients = reader->client_count - counts->dropped;
}

static int import(struct reader *reader, const struct state_tables *tables, uint32_t now_s,
		  struct state_counts *ret_counts)
{
	int rc = read_all(reader);

	if (rc < 0)
		return rc;
	*ret_counts = (struct state_counts){0};
	if (tables->baseline && reader->baseline.head) {
		if (baseline_import(tables->baseline, now_s, reader->baseline.contents,
				    reader->baseline.len) < 0)
			return damaged(reader, "the baseline makes no sense");
		ret_counts->has_baseline = true;
	}
	take_all(reader, tables->clients, now_s, ret_counts);
	return 0;
}

int state_import(const struct state_tables *tables, uint32_t now_s, const uint8_t *bytes,
		 size_t len, struct text_error *ret_error, struct state_counts *ret_counts)
{
	struct reader reader = {.bytes = bytes,
				.len = len,
				.error = ret_error,
				.vocab = tables->vocab};
	int rc = -ENOMEM;

	reader.labels = calloc(VOCAB_LABELS_MAX + 1, sizeof(*reader.labels));
	reader.clients = calloc(len / STATE_CLIENT_BYTES + 1, sizeof(*reader.clients));
	if (reader.labels && reader.clients)
		rc = import(&reader, tables, now_s, ret_counts);
	else
		text_error_set(ret_error, 0, 0, "out of memory");
	free(reader.labels);
	free(reader.clients);
	return rc;
}
