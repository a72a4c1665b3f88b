/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a state: chunk by chunk, so that its memory does not grow with the table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/state/state_format.h"
#include "core/state/state.h"

#define PAGE 256 /* clients in a chunk */
#define WORD_BYTES_MAX (1 + 2 + 1 + VOCAB_WORD_MAX)

static int put_chunk(const struct state_sink *sink, const char *name, const uint8_t *contents,
		     size_t len)
{
	uint8_t head[STATE_HEAD_BYTES], sum[STATE_SUM_BYTES];
	XXH3_state_t hash;
	int rc;

	memcpy(head, name, STATE_NAME_BYTES);
	state_put(head + STATE_NAME_BYTES, STATE_CHUNK_VERSION, 4);
	state_put(head + STATE_NAME_BYTES + 4, len, 8);
	XXH3_64bits_reset(&hash);
	XXH3_64bits_update(&hash, head, sizeof(head));
	XXH3_64bits_update(&hash, contents, len);
	state_put(sum, XXH3_64bits_digest(&hash), sizeof(sum));
	rc = sink->write(sink->ctx, head, sizeof(head));
	if (rc == 0 && len)
		rc = sink->write(sink->ctx, contents, len);
	return rc < 0 ? rc : sink->write(sink->ctx, sum, sizeof(sum));
}

static size_t put_word(uint8_t *at, enum vocab_kind kind, unsigned id, const char *text)
{
	size_t len = strlen(text);

	at[0] = (uint8_t)kind;
	state_put(at + 1, id, 2);
	at[3] = (uint8_t)len;
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): its length is before it */
	memcpy(at + 4, text, len);
	return 4 + len;
}

static int put_words(const struct vocab *vocab, const struct state_sink *sink)
{
	unsigned counts[VOCAB_KIND_COUNT], total = 0;
	uint8_t *contents;
	size_t len = 0;
	int rc;

	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++)
		total += counts[kind] = vocab_count(vocab, (enum vocab_kind)kind);
	contents = malloc((size_t)total * WORD_BYTES_MAX);
	if (!contents)
		return -ENOMEM;
	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++)
		for (unsigned id = 0; id < counts[kind]; id++)
			len += put_word(contents + len, (enum vocab_kind)kind, id,
					vocab_text(vocab, (enum vocab_kind)kind, id));
	rc = put_chunk(sink, STATE_WORDS, contents, len);
	free(contents);
	return rc;
}

static void put_conn(uint8_t *at, const struct client_conn *conn)
{
	const struct verdict *verdict = &conn->verdict;

	state_put(at, conn->src_port, 2);
	state_put(at + 2, verdict->reasons, 8);
	state_put(at + 10, verdict->flags, 2);
	at[12] = (uint8_t)verdict->match;
	at[13] = (uint8_t)verdict->grade;
	at[14] = (uint8_t)verdict->dist_hops;
	at[15] = (uint8_t)verdict->class_id;
	state_put(at + 16, verdict->label, 2);
	state_put(at + 18, verdict->mss, 2);
	state_put(at + 20, verdict->confidence_permille, 2);
	state_put(at + 22, verdict->family_permille, 2);
	at[24] = (uint8_t)verdict->link;
	at[25] = (uint8_t)verdict->interface;
}

static void put_time(uint8_t *at, uint32_t time_s, int64_t shift_s)
{
	state_put(at, time_s ? (uint64_t)(time_s + shift_s) : 0, 4);
}

static void put_client(uint8_t *at, const struct client *client, int64_t shift_s)
{
	memset(at, 0, STATE_CLIENT_BYTES);
	memcpy(at, client->addr.bytes, 16);
	put_time(at + 16, client->first_seen_s, shift_s);
	put_time(at + 20, client->last_seen_s, shift_s);
	put_time(at + 24, client->chg_seen_s, shift_s);
	state_put(at + 28, client->syn_count, 4);
	at[32] = client->conn_count;
	for (unsigned i = 0; i < client->conn_count; i++)
		at[33] = (uint8_t)(at[33] | client->conns[i].is_confirmed << i);
	at[34] = client->is_confirmed;
	for (unsigned i = 0; i < client->conn_count; i++)
		put_conn(at + 36 + i * STATE_CONN_BYTES, &client->conns[i]);
}

static int put_clients(const struct state_tables *tables, const struct state_sink *sink)
{
	struct client *page = malloc(PAGE * sizeof(*page));
	uint8_t *contents = malloc(PAGE * STATE_CLIENT_BYTES);
	uint64_t cursor = 0;
	int rc = page && contents ? 0 : -ENOMEM;

	while (rc == 0) {
		size_t count = clients_page(tables->clients, cursor, PAGE, page, &cursor);

		for (size_t i = 0; i < count; i++)
			put_client(contents + i * STATE_CLIENT_BYTES, &page[i], tables->shift_s);
		if (count)
			rc = put_chunk(sink, STATE_CLIENTS, contents, count * STATE_CLIENT_BYTES);
		if (!cursor)
			break;
	}
	free(page);
	free(contents);
	return rc;
}

static int put_baseline(const struct state_tables *tables, const struct state_sink *sink)
{
	struct baseline *baseline = tables->baseline;
	uint8_t *contents = NULL;
	size_t len = 0;
	int rc = baseline ? baseline_export(baseline, tables->shift_s, &contents, &len) : 0;

	if (rc == 0 && baseline)
		rc = put_chunk(sink, STATE_BASELINE, contents, len);
	free(contents);
	return rc;
}

int state_export(const struct state_tables *tables, const struct state_sink *sink)
{
	uint8_t header[STATE_HEADER_BYTES];
	int rc;

	memcpy(header, STATE_MAGIC, sizeof(STATE_MAGIC) - 1);
	state_put(header + sizeof(STATE_MAGIC) - 1, STATE_VERSION, 4);
	rc = sink->write(sink->ctx, header, sizeof(header));
	rc = rc ? rc : put_words(tables->vocab, sink);
	rc = rc ? rc : put_clients(tables, sink);
	rc = rc ? rc : put_baseline(tables, sink);
	return rc ? rc : put_chunk(sink, STATE_END, NULL, 0);
}
