/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client table: what a SYN changes in it, and questions about it. All its memory is as large
 * on the first day as it will ever be. Beside the entries a direct-mapped cache keeps the newest
 * SYNs whole, for answers in detail.
 */
#include "core/clients/client_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/clients/client_shard.h"
#include "core/link/link_weigh.h"

/* A SYN is retransmitted for 127 s at the longest (Linux, tcp_syn_retries 6). */
#define REPEAT_WINDOW_S 130

/* Connections that are further apart may be of a network that has changed meanwhile. */
#define CLOSE_S 300

/* Several stacks: an alternation weighs as much as this many SYNs of one and the same stack. */
#define MIX_STEP 48
#define MIX_SHARED (2 * MIX_STEP - 16)
#define MIX_MAX 255
#define MIX_MIN_CONFIDENCE 700

struct clients *clients_new(const struct clients_params *params)
{
	struct clients *clients = calloc(1, sizeof(*clients));

	if (!clients || params->capacity < 64 || params->recent < 64 || params->refresh_s < 1 ||
	    params->refresh_s > 32767) {
		free(clients);
		return NULL;
	}
	clients->params = *params;
	clients->threshold = LINK_LIKELY;
	if (clients_alloc(clients))
		return clients;
	free(clients->shards);
	clients->shards = NULL;
	clients_free(clients);
	return NULL;
}

void clients_set_refresh(struct clients *clients, unsigned refresh_s)
{
	__atomic_store_n(&clients->params.refresh_s, refresh_s, __ATOMIC_RELAXED);
}

void clients_set_threshold(struct clients *clients, enum link_grade threshold)
{
	__atomic_store_n(&clients->threshold, threshold, __ATOMIC_RELAXED);
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	for (unsigned i = 0; clients->shards && i < clients->shard_count; i++)
		pthread_mutex_destroy(&clients->shards[i].lock);
	free(clients->shards);
	free(clients->entries);
	free(clients->index);
	free(clients->recent);
	free(clients);
}

static uint8_t tuple_hash(const struct clients *clients, const struct syn *syn)
{
	uint64_t hash = XXH3_64bits_withSeed(syn->dst.bytes, sizeof(syn->dst.bytes),
					     clients->params.seed ^
						     ((uint64_t)syn->dst_port << 32 | syn->seq));

	return (uint8_t)hash;
}

/* The remembered connection whose SYN this repeats, or -1. */
static int find_repeat(const struct entry *entry, const struct syn *syn, uint8_t tuple,
		       uint32_t now_s)
{
	if (now_s - entry->last_seen_s > REPEAT_WINDOW_S)
		return -1;
	for (int i = 0; i < entry->conn_count; i++)
		if (entry->ports[i] == syn->src_port && entry->tuples[i] == tuple)
			return i;
	return -1;
}

static void push_conn(struct entry *entry, const struct syn *syn, uint8_t tuple,
		      const struct verdict *verdict)
{
	for (unsigned i = CLIENT_CONNS - 1; i; i--) {
		entry->verdicts[i] = entry->verdicts[i - 1];
		entry->ports[i] = entry->ports[i - 1];
		entry->tuples[i] = entry->tuples[i - 1];
	}
	entry->verdicts[0] = *verdict;
	entry->ports[0] = syn->src_port;
	entry->tuples[0] = tuple;
	if (entry->conn_count < CLIENT_CONNS)
		entry->conn_count++;
}

static bool is_clear(const struct verdict *verdict)
{
	return verdict->family_permille >= MIX_MIN_CONFIDENCE &&
	       !(verdict->flags & (VERDICT_UNKNOWN | VERDICT_SCANNER));
}

static void note_mix(const struct clients *clients, struct entry *entry,
		     const struct verdict *verdict)
{
	const struct verdict *last = &entry->verdicts[0];

	if (!entry->conn_count || !is_clear(last) || !is_clear(verdict))
		return;
	if (vocab_family_of(clients->params.vocab, last->class_id) !=
	    vocab_family_of(clients->params.vocab, verdict->class_id))
		entry->mix = (uint8_t)(entry->mix + MIX_STEP > MIX_MAX ? MIX_MAX
								       : entry->mix + MIX_STEP);
	else if (entry->mix)
		entry->mix--;
}

/* Behind a NAT each system has a line of its own; what nothing is known of is no system. */
static bool is_same_system(const struct verdict *a, const struct verdict *b)
{
	return a->class_id == b->class_id && a->label == b->label &&
	       !((a->flags | b->flags) & VERDICT_UNKNOWN);
}

/* What this SYN's link is worth beside the connections that came shortly before it. */
static void weigh_link(const struct clients *clients, struct entry *entry, uint32_t now_s,
		       struct verdict *verdict)
{
	uint16_t mss[CLIENT_CONNS + 1] = {(uint16_t)verdict->mss};
	unsigned count = 1;
	uint64_t several;

	if (now_s - entry->last_seen_s > CLOSE_S)
		entry->close_count = 0;
	for (unsigned i = 0; i < entry->close_count; i++)
		if (is_same_system(&entry->verdicts[i], verdict))
			mss[count++] = (uint16_t)entry->verdicts[i].mss;
	several = link_several(!addr_is_v4(&entry->addr), mss, count);
	verdict->reasons = (verdict->reasons | several) & VERDICT_REASONS_MASK;
	verdict_weigh(verdict, __atomic_load_n(&clients->threshold, __ATOMIC_RELAXED));
	if (entry->close_count < CLIENT_CONNS)
		entry->close_count++;
}

static bool verdict_differs(const struct verdict *a, const struct verdict *b)
{
	return a->class_id != b->class_id || a->label != b->label || a->flags != b->flags ||
	       a->grade != b->grade || a->link != b->link || a->match != b->match ||
	       a->confidence_permille != b->confidence_permille || a->interface != b->interface;
}

/* Reports of an unchanged client are due every refresh_s; the low bits of time are enough for it. */
static bool is_refresh_due(const struct clients *clients, const struct entry *entry, uint32_t now_s)
{
	unsigned refresh_s = __atomic_load_n(&clients->params.refresh_s, __ATOMIC_RELAXED);

	return now_s - entry->last_seen_s >= refresh_s ||
	       (uint16_t)(now_s - entry->reported_s) >= refresh_s;
}

static enum change_kind entry_observe(const struct clients *clients, struct entry *entry,
				      const struct syn *syn, struct verdict verdict, uint32_t now_s,
				      struct verdict *ret_old)
{
	bool is_new = !entry->syn_count;
	enum change_kind kind = CHANGE_NONE;

	note_mix(clients, entry, &verdict);
	weigh_link(clients, entry, now_s, &verdict);
	if (entry->mix >= MIX_SHARED) {
		verdict.flags |= VERDICT_SHARED;
		verdict.reasons = (verdict.reasons | reason_bit(REASON_SEVERAL_STACKS)) &
				  VERDICT_REASONS_MASK;
	}
	*ret_old = entry->verdicts[0];
	if (is_new)
		kind = CHANGE_NEW;
	else if (verdict_differs(ret_old, &verdict))
		kind = CHANGE_VERDICT;
	else if (is_refresh_due(clients, entry, now_s))
		kind = CHANGE_REFRESH;
	if (!is_new && ret_old->class_id != verdict.class_id)
		entry->chg_seen_s = now_s;
	if (kind != CHANGE_NONE)
		entry->reported_s = (uint16_t)now_s;
	push_conn(entry, syn, tuple_hash(clients, syn), &verdict);
	if (entry->syn_count < UINT32_MAX)
		entry->syn_count++;
	return kind;
}

static void shard_observe(const struct clients *clients, struct shard *shard, uint64_t hash,
			  uint64_t now_ms, const struct syn *syn, const struct verdict *verdict,
			  struct change *change)
{
	uint32_t now_s = (uint32_t)(now_ms / 1000);
	struct entry *entry = shard_find(shard, &change->addr, hash);
	int repeat = entry ? find_repeat(entry, syn, tuple_hash(clients, syn), now_s) : -1;

	if (!entry) {
		entry = shard_add(clients, shard, &change->addr, hash);
		entry->first_seen_s = now_s;
	} else if (repeat < 0) {
		shard_promote(clients, shard, entry);
	} else {
		shard_touch(shard, entry);
	}
	if (repeat >= 0) {
		change->kind = CHANGE_REPEAT;
		change->verdict = change->old_verdict = entry->verdicts[repeat];
	} else {
		change->kind =
			entry_observe(clients, entry, syn, *verdict, now_s, &change->old_verdict);
		change->verdict = entry->verdicts[0];
		*shard_recent(shard, hash, syn->src_port) = (struct recent){now_ms, *syn};
	}
	entry->last_seen_s = now_s;
	change->syn_count = entry->syn_count;
	change->is_withheld = entry->is_withheld;
}

void clients_locate(const struct clients *clients, const struct syn *syn,
		    struct client_key *ret_key)
{
	ret_key->addr = clients_key(clients, &syn->src);
	ret_key->hash = clients_hash(clients, &ret_key->addr);
	shard_prefetch(clients_shard(clients, ret_key->hash), ret_key->hash, syn->src_port);
}

void clients_prefetch(const struct clients *clients, const struct client_key *key)
{
	shard_prefetch_entry(clients_shard(clients, key->hash), key->hash);
}

void clients_observe(struct clients *clients, const struct client_key *key, uint64_t now_ms,
		     const struct syn *syn, const struct verdict *verdict,
		     struct change *ret_change)
{
	struct shard *shard = clients_shard(clients, key->hash);

	ret_change->addr = key->addr;
	pthread_mutex_lock(&shard->lock);
	shard_observe(clients, shard, key->hash, now_ms, syn, verdict, ret_change);
	pthread_mutex_unlock(&shard->lock);
}

static void entry_copy(const struct entry *entry, struct client *ret_client)
{
	*ret_client = (struct client){
		.addr = entry->addr,
		.first_seen_s = entry->first_seen_s,
		.last_seen_s = entry->last_seen_s,
		.syn_count = entry->syn_count,
		.chg_seen_s = entry->chg_seen_s,
		.conn_count = entry->conn_count,
		.is_withheld = entry->is_withheld,
	};
	for (unsigned i = 0; i < entry->conn_count; i++)
		ret_client->conns[i] = (struct client_conn){entry->verdicts[i], entry->ports[i]};
}

int clients_get(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct addr key = clients_key(clients, addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	const struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, &key, hash);
	if (entry)
		entry_copy(entry, ret_client);
	pthread_mutex_unlock(&shard->lock);
	return entry ? 0 : -ENOENT;
}

int clients_get_syn(struct clients *clients, const struct addr *addr, uint16_t port,
		    struct syn *ret_syn, uint64_t *ret_seen_ms)
{
	struct addr key = clients_key(clients, addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	const struct recent *recent;
	const struct entry *entry;
	int rc = -ENOENT;

	pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, &key, hash);
	if (entry && !port)
		port = entry->ports[0];
	recent = shard_recent(shard, hash, port);
	if (entry && recent->seen_ms && recent->syn.src_port == port) {
		struct addr source = clients_key(clients, &recent->syn.src);

		if (addr_equal(&source, &key)) {
			*ret_syn = recent->syn;
			*ret_seen_ms = recent->seen_ms;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

/* What an entry was before a restart; where it had been told apart by its tuples is forgotten. */
static void entry_restore(struct entry *entry, const struct client *client)
{
	entry->first_seen_s = client->first_seen_s;
	entry->last_seen_s = client->last_seen_s;
	entry->chg_seen_s = client->chg_seen_s;
	entry->syn_count = client->syn_count;
	entry->conn_count = client->conn_count & 7u;
	for (unsigned i = 0; i < client->conn_count; i++) {
		entry->verdicts[i] = client->conns[i].verdict;
		entry->ports[i] = client->conns[i].src_port;
	}
}

bool clients_restore(struct clients *clients, const struct client *client)
{
	struct addr key = clients_key(clients, &client->addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	bool is_full, is_known;
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	is_full = shard->used == shard->entry_count;
	is_known = shard_find(shard, &key, hash) != NULL;
	if (!is_known) {
		entry = shard_add(clients, shard, &key, hash);
		entry_restore(entry, client);
		if (client->syn_count > 1)
			shard_promote(clients, shard, entry);
	}
	pthread_mutex_unlock(&shard->lock);
	return is_full || is_known;
}

static int entry_mark(struct entry *entry, uint16_t port, unsigned flags, uint64_t reasons,
		      struct change *ret_change)
{
	for (unsigned i = 0; i < entry->conn_count; i++) {
		struct verdict *verdict = &entry->verdicts[i];

		if (port && entry->ports[i] != port)
			continue;
		*ret_change = (struct change){.addr = entry->addr,
					      .kind = CHANGE_NONE,
					      .syn_count = entry->syn_count,
					      .old_verdict = *verdict};
		verdict->flags = (verdict->flags | flags) & VERDICT_FLAGS_MASK;
		verdict->reasons = (verdict->reasons | reasons) & VERDICT_REASONS_MASK;
		ret_change->verdict = *verdict;
		if (verdict->flags != ret_change->old_verdict.flags)
			ret_change->kind = CHANGE_VERDICT;
		return 0;
	}
	return -ENOENT;
}

int clients_mark(struct clients *clients, const struct addr *addr, uint16_t port, unsigned flags,
		 uint64_t reasons, struct change *ret_change)
{
	struct addr key = clients_key(clients, addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	struct entry *entry;
	int rc = -ENOENT;

	pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, &key, hash);
	if (entry)
		rc = entry_mark(entry, port, flags, reasons, ret_change);
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

void clients_withhold(struct clients *clients, const struct addr *addr, bool is_withheld)
{
	struct addr key = clients_key(clients, addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, &key, hash);
	if (entry)
		entry->is_withheld = is_withheld;
	pthread_mutex_unlock(&shard->lock);
}

int clients_forget(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct addr key = clients_key(clients, addr);
	uint64_t hash = clients_hash(clients, &key);
	struct shard *shard = clients_shard(clients, hash);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = shard_find(shard, &key, hash);
	if (entry) {
		if (ret_client)
			entry_copy(entry, ret_client);
		shard_remove(clients, shard, entry);
	}
	pthread_mutex_unlock(&shard->lock);
	return entry ? 0 : -ENOENT;
}

static size_t shard_page(struct shard *shard, uint32_t *position, size_t max,
			 struct client *ret_clients)
{
	size_t count = 0;

	pthread_mutex_lock(&shard->lock);
	for (; *position < shard->entry_top && count < max; (*position)++)
		if (shard->entries[*position].syn_count)
			entry_copy(&shard->entries[*position], &ret_clients[count++]);
	pthread_mutex_unlock(&shard->lock);
	return count;
}

size_t clients_page(struct clients *clients, uint64_t cursor, size_t max,
		    struct client *ret_clients, uint64_t *ret_next)
{
	uint64_t number = cursor >> 32;
	uint32_t position = (uint32_t)cursor;
	size_t count = 0;

	for (; number < clients->shard_count; number++, position = 0) {
		count += shard_page(&clients->shards[number], &position, max - count,
				    ret_clients + count);
		if (count == max)
			break;
	}
	*ret_next = number < clients->shard_count ? number << 32 | position : 0;
	return count;
}

void clients_get_stats(struct clients *clients, struct clients_stats *ret_stats)
{
	struct clients_stats stats = {.memory_bytes = clients->memory_bytes};

	for (unsigned i = 0; i < clients->shard_count; i++) {
		struct shard *shard = &clients->shards[i];

		pthread_mutex_lock(&shard->lock);
		stats.capacity += shard->entry_count;
		stats.used += shard->used;
		stats.evicted += shard->evicted;
		pthread_mutex_unlock(&shard->lock);
	}
	*ret_stats = stats;
}

const struct client_conn *client_conn_find(const struct client *client, uint16_t port)
{
	for (unsigned i = 0; i < client->conn_count; i++)
		if (!port || client->conns[i].src_port == port)
			return &client->conns[i];
	return NULL;
}
