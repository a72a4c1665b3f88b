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

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
	state_put(at, value, bytes);
	return at + bytes;
}

static int put_chunk(const struct state_sink *sink, const char *name, const uint8_t *contents,
		     size_t len)
{
	uint8_t head[STATE_HEAD_BYTES], sum[STATE_SUM_BYTES];
	XXH3_state_t hash;
	int rc;

	put(put(mempcpy(head, name, STATE_NAME_BYTES), STATE_CHUNK_VERSION, 4), len, 8);
	XXH3_64bits_reset(&hash);
	XXH3_64bits_update(&hash, head, sizeof(head));
	XXH3_64bits_update(&hash, contents, len);
	put(sum, XXH3_64bits_digest(&hash), sizeof(sum));
	rc = sink->write(sink->ctx, head, sizeof(head));
	if (rc == 0 && len)
		rc = sink->write(sink->ctx, contents, len);
	return rc < 0 ? rc : sink->write(sink->ctx, sum, sizeof(sum));
}

static uint8_t *put_word(uint8_t *at, enum vocab_kind kind, unsigned id, const char *text)
{
	size_t len = strlen(text);

	at = put(at, kind, 1);
	at = put(at, id, 2);
	return mempcpy(put(at, len, 1), text, len);
}

static int put_words(const struct vocab *vocab, const struct state_sink *sink)
{
	unsigned counts[VOCAB_KIND_COUNT], total = 0;
	uint8_t *contents, *at;
	int rc;

	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++)
		total += counts[kind] = vocab_count(vocab, (enum vocab_kind)kind);
	at = contents = malloc((size_t)total * STATE_WORD_BYTES_MAX);
	if (!contents)
		return -ENOMEM;
	for (unsigned kind = 0; kind < VOCAB_KIND_COUNT; kind++)
		for (unsigned id = 0; id < counts[kind]; id++)
			at = put_word(at, (enum vocab_kind)kind, id,
				      vocab_text(vocab, (enum vocab_kind)kind, id));
	rc = put_chunk(sink, STATE_WORDS, contents, (size_t)(at - contents));
	free(contents);
	return rc;
}

static uint8_t *put_conn(uint8_t *at, const struct client_conn *conn)
{
	const struct verdict *verdict = &conn->verdict;

	at = put(at, conn->src_port, 2);
	at = put(at, verdict->reasons, 8);
	at = put(at, verdict->flags, 2);
	at = put(at, verdict->match, 1);
	at = put(at, verdict->grade, 1);
	at = put(at, verdict->dist_hops, 1);
	at = put(at, verdict->class_id, 1);
	at = put(at, verdict->label, 2);
	at = put(at, verdict->mss, 2);
	at = put(at, verdict->confidence_permille, 2);
	at = put(at, verdict->family_permille, 2);
	at = put(at, verdict->link, 1);
	return put(at, verdict->interface, 1);
}

static uint8_t *put_time(uint8_t *at, uint32_t time_s, int64_t shift_s)
{
	return put(at, time_s ? (uint64_t)(time_s + shift_s) : 0, 4);
}

static void put_client(uint8_t *at, const struct client *client, int64_t shift_s)
{
	unsigned confirmed = 0;

	memset(at, 0, STATE_CLIENT_BYTES);
	for (unsigned i = 0; i < client->conn_count; i++)
		confirmed |= (unsigned)client->conns[i].is_confirmed << i;
	at = mempcpy(at, client->addr.bytes, sizeof(client->addr.bytes));
	at = put_time(at, client->first_seen_s, shift_s);
	at = put_time(at, client->last_seen_s, shift_s);
	at = put_time(at, client->chg_seen_s, shift_s);
	at = put(at, client->syn_count, 4);
	at = put(at, client->conn_count, 1);
	at = put(at, confirmed | (uint64_t)client->withheld << STATE_WITHHELD_SHIFT, 1);
	at = put(at, client->is_confirmed, 2);
	for (unsigned i = 0; i < client->conn_count; i++)
		at = put_conn(at, &client->conns[i]);
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
	size_t len;
	int rc;

	if (!baseline)
		return 0;
	rc = baseline_export(baseline, tables->shift_s, &contents, &len);
	if (rc == 0)
		rc = put_chunk(sink, STATE_BASELINE, contents, len);
	free(contents);
	return rc;
}

int state_export(const struct state_tables *tables, const struct state_sink *sink)
{
	uint8_t header[STATE_HEADER_BYTES];
	int rc;

	put(mempcpy(header, STATE_MAGIC, strlen(STATE_MAGIC)), STATE_VERSION, 4);
	rc = sink->write(sink->ctx, header, sizeof(header));
	rc = rc ? rc : put_words(tables->vocab, sink);
	rc = rc ? rc : put_clients(tables, sink);
	rc = rc ? rc : put_baseline(tables, sink);
	return rc ? rc : put_chunk(sink, STATE_END, NULL, 0);
}
