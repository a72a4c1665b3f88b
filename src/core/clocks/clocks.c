/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of pending connections: places of fixed number, found by tuple and by initial sequence
 * number through chains, and in a list from the oldest on. A place that is given up is free at once;
 * only one whose SYN came twice stays until it is too old, so that a third one does not begin it.
 */
#include "core/clocks/clocks_conn.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define LIFE_NS (UINT64_C(1000000000) * CLOCKS_LIFE_S)
#define NONE UINT32_MAX

enum chain_kind { CHAIN_TUPLE, CHAIN_SEQ, CHAIN_KINDS };

struct place {
	struct clocks_conn conn;
	uint32_t hashes[CHAIN_KINDS];
	uint32_t next[CHAIN_KINDS]; /* in each chain; of a free place: [0] is the next free one */
	uint32_t older, newer;
};

struct clocks {
	struct clocks_params params;
	struct place *places;
	uint32_t *heads[CHAIN_KINDS]; /* of chains, as many as places */
	uint32_t free_head, oldest, newest;
	struct clocks_stats stats;
};

static void set_all_free(struct clocks *clocks)
{
	clocks->free_head = clocks->oldest = clocks->newest = NONE;
	for (uint32_t i = 0; i < clocks->params.capacity; i++) {
		clocks->heads[CHAIN_TUPLE][i] = clocks->heads[CHAIN_SEQ][i] = NONE;
		clocks->places[i].next[0] = clocks->free_head;
		clocks->free_head = i;
	}
}

struct clocks *clocks_new(const struct clocks_params *params)
{
	struct clocks *clocks = calloc(1, sizeof(*clocks));

	if (!clocks)
		return NULL;
	clocks->params = *params;
	clocks->places = calloc(params->capacity, sizeof(*clocks->places));
	for (unsigned kind = 0; kind < CHAIN_KINDS; kind++)
		clocks->heads[kind] = calloc(params->capacity, sizeof(uint32_t));
	if (!clocks->places || !clocks->heads[CHAIN_TUPLE] || !clocks->heads[CHAIN_SEQ]) {
		clocks_free(clocks);
		return NULL;
	}
	clocks->stats.memory_bytes =
		sizeof(*clocks) +
		params->capacity * (sizeof(struct place) + CHAIN_KINDS * sizeof(uint32_t));
	set_all_free(clocks);
	return clocks;
}

void clocks_free(struct clocks *clocks)
{
	if (!clocks)
		return;
	free(clocks->places);
	free(clocks->heads[CHAIN_TUPLE]);
	free(clocks->heads[CHAIN_SEQ]);
	free(clocks);
}

struct tuple {
	struct addr client, server;
	uint16_t client_port, server_port;
};

static uint32_t hash_tuple(const struct clocks *clocks, const struct tuple *tuple)
{
	return (uint32_t)XXH3_64bits_withSeed(tuple, sizeof(*tuple), clocks->params.seed);
}

static uint32_t hash_seq(const struct clocks *clocks, uint32_t seq)
{
	return (uint32_t)XXH3_64bits_withSeed(&seq, sizeof(seq), clocks->params.seed);
}

static uint32_t *head_of(const struct clocks *clocks, unsigned kind, uint32_t hash)
{
	return &clocks->heads[kind][hash % clocks->params.capacity];
}

static bool is_tuple(const struct clocks_conn *conn, const struct tuple *tuple)
{
	return conn->client_port == tuple->client_port && conn->server_port == tuple->server_port &&
	       addr_equal(&conn->client, &tuple->client) &&
	       addr_equal(&conn->server, &tuple->server);
}

static struct place *find_tuple(const struct clocks *clocks, const struct tuple *tuple)
{
	uint32_t at = *head_of(clocks, CHAIN_TUPLE, hash_tuple(clocks, tuple));

	while (at != NONE && !is_tuple(&clocks->places[at].conn, tuple))
		at = clocks->places[at].next[CHAIN_TUPLE];
	return at != NONE ? &clocks->places[at] : NULL;
}

/* NAT changes one end of an answer, or both; the number that it acknowledges stays. */
static struct place *find_seq(const struct clocks *clocks, uint32_t seq)
{
	uint32_t at = *head_of(clocks, CHAIN_SEQ, hash_seq(clocks, seq));

	while (at != NONE && clocks->places[at].conn.seq != seq)
		at = clocks->places[at].next[CHAIN_SEQ];
	return at != NONE ? &clocks->places[at] : NULL;
}

static void link_place(struct clocks *clocks, struct place *place)
{
	uint32_t at = (uint32_t)(place - clocks->places);

	for (unsigned kind = 0; kind < CHAIN_KINDS; kind++) {
		uint32_t *head = head_of(clocks, kind, place->hashes[kind]);

		place->next[kind] = *head;
		*head = at;
	}
	place->older = clocks->newest;
	place->newer = NONE;
	if (clocks->newest != NONE)
		clocks->places[clocks->newest].newer = at;
	else
		clocks->oldest = at;
	clocks->newest = at;
}

static void unlink_place(struct clocks *clocks, struct place *place)
{
	uint32_t at = (uint32_t)(place - clocks->places);

	for (unsigned kind = 0; kind < CHAIN_KINDS; kind++) {
		uint32_t *link = head_of(clocks, kind, place->hashes[kind]);

		while (*link != at)
			link = &clocks->places[*link].next[kind];
		*link = place->next[kind];
	}
	*(place->older != NONE ? &clocks->places[place->older].newer : &clocks->oldest) =
		place->newer;
	*(place->newer != NONE ? &clocks->places[place->newer].older : &clocks->newest) =
		place->older;
	place->next[0] = clocks->free_head;
	clocks->free_head = at;
}

static void count(struct clocks *clocks, enum clocks_result result)
{
	clocks->stats.results[CLOCKS_PENDING]--;
	clocks->stats.results[result]++;
}

/* What is spoiled was counted when it was. */
static void give_up(struct clocks *clocks, struct place *place, enum clocks_result result)
{
	if (place->conn.phase != CLOCKS_SPOILED)
		count(clocks, result);
	unlink_place(clocks, place);
}

static enum clocks_result spoil(struct clocks *clocks, struct place *place,
				enum clocks_result result)
{
	if (place->conn.phase == CLOCKS_SPOILED)
		return CLOCKS_PENDING;
	count(clocks, result);
	place->conn.phase = CLOCKS_SPOILED;
	return result;
}

size_t clocks_expire(struct clocks *clocks, uint64_t time_ns)
{
	while (clocks->oldest != NONE) {
		struct place *place = &clocks->places[clocks->oldest];
		int64_t age_ns = (int64_t)(time_ns - place->conn.syn.time_ns);

		if (age_ns < (int64_t)LIFE_NS)
			break;
		give_up(clocks, place, CLOCKS_SILENT);
	}
	return (size_t)clocks->stats.results[CLOCKS_PENDING];
}

static struct tuple tuple_of(const struct syn *segment)
{
	return (struct tuple){segment->src, segment->dst, segment->src_port, segment->dst_port};
}

static enum clocks_result feed_syn(struct clocks *clocks, uint64_t time_ns, const struct syn *syn)
{
	struct tuple tuple = tuple_of(syn);
	struct place *place = find_tuple(clocks, &tuple);
	enum clocks_result result;

	if (place)
		return spoil(clocks, place, CLOCKS_TWO_SYNS);
	if (clocks->free_head == NONE)
		give_up(clocks, &clocks->places[clocks->oldest], CLOCKS_EVICTED);
	place = &clocks->places[clocks->free_head];
	clocks->free_head = place->next[0];
	clocks->stats.connections++;
	clocks->stats.results[CLOCKS_PENDING]++;
	result = clocks_conn_begin(&place->conn, time_ns, syn);
	place->hashes[CHAIN_TUPLE] = hash_tuple(clocks, &tuple);
	place->hashes[CHAIN_SEQ] = hash_seq(clocks, syn->seq);
	link_place(clocks, place);
	return result == CLOCKS_PENDING ? result : spoil(clocks, place, result);
}

static enum clocks_result feed_answer(struct clocks *clocks, uint64_t time_ns,
				      const struct syn *answer)
{
	struct tuple tuple = {answer->dst, answer->src, answer->dst_port, answer->src_port};
	struct place *place = find_tuple(clocks, &tuple);
	enum clocks_result result;

	if (!place)
		place = find_seq(clocks, answer->ack - 1);
	if (!place || place->conn.phase == CLOCKS_SPOILED)
		return CLOCKS_PENDING;
	result = clocks_conn_answer(&place->conn, time_ns, answer);
	return result == CLOCKS_PENDING ? result : spoil(clocks, place, result);
}

static enum clocks_result feed_segment(struct clocks *clocks, uint64_t time_ns,
				       const struct syn *segment,
				       struct clocks_measure *ret_measure)
{
	struct tuple tuple = tuple_of(segment);
	struct place *place = find_tuple(clocks, &tuple);
	enum clocks_result result;

	if (!place || place->conn.phase == CLOCKS_SPOILED)
		return CLOCKS_PENDING;
	result = clocks_conn_segment(&place->conn, time_ns, segment, ret_measure);
	if (result == CLOCKS_PENDING && clocks->params.segments_max &&
	    place->conn.segments >= clocks->params.segments_max)
		result = CLOCKS_COUNTER;
	if (result != CLOCKS_PENDING)
		give_up(clocks, place, result);
	return result;
}

enum clocks_result clocks_feed(struct clocks *clocks, uint64_t time_ns, const struct syn *segment,
			       struct clocks_measure *ret_measure)
{
	unsigned flags = segment->tcp_flags & (SYN_TCP_SYN | SYN_TCP_ACK);

	if (time_ns)
		clocks_expire(clocks, time_ns);
	if (flags == SYN_TCP_SYN)
		return feed_syn(clocks, time_ns, segment);
	if (flags == (SYN_TCP_SYN | SYN_TCP_ACK))
		return feed_answer(clocks, time_ns, segment);
	return feed_segment(clocks, time_ns, segment, ret_measure);
}

void clocks_get_stats(const struct clocks *clocks, struct clocks_stats *ret_stats)
{
	*ret_stats = clocks->stats;
}
