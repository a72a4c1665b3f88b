/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client table. A shard is an array of entries, an open-addressing index into it, and a
 * list of the entries by age; all three are as large on the first day as they will ever be.
 * Beside them a direct-mapped cache keeps the newest SYNs whole, for answers in detail.
 */
#include "synprint/clients.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "synprint/link_weigh.h"

#define SHARDS_MAX 64
#define CLIENTS_PER_SHARD_MIN 1024
#define SHARD_ENTRIES_MAX ((1u << 24) - 2) /* an index slot has 24 bits for the entry */
#define NIL UINT32_MAX

/* A SYN is retransmitted for 127 s at the longest (Linux, tcp_syn_retries 6). */
#define REPEAT_WINDOW_S 130

/* Connections that are further apart may be of a network that has changed meanwhile. */
#define CLOSE_S 300

/* Several stacks: an alternation weighs as much as this many SYNs of one and the same stack. */
#define MIX_STEP 48
#define MIX_SHARED (2 * MIX_STEP - 16)
#define MIX_MAX 255
#define MIX_MIN_CONFIDENCE 700

struct entry {
	struct verdict verdicts[CLIENT_CONNS]; /* newest first, as ports and tuples */
	struct addr addr;
	uint16_t ports[CLIENT_CONNS];
	uint8_t tuples[CLIENT_CONNS]; /* of destination and sequence number */
	uint32_t first_seen_s, last_seen_s, chg_seen_s;
	uint32_t syn_count; /* 0: the entry is free */
	uint32_t older, newer; /* age list; older links the free list too */
	uint16_t reported_s; /* low bits of the time of the last report */
	uint8_t conn_count : 3;
	uint8_t close_count : 3; /* of these, how many came shortly one after the other */
	uint8_t mix; /* how much several stacks alternate here */
};

_Static_assert(sizeof(struct entry) == 120, "memory for each client is a promise");

struct recent {
	uint64_t seen_ms;
	struct syn syn;
};

struct shard {
	pthread_mutex_t lock;
	struct entry *entries;
	uint32_t *index; /* 0, or tag << 24 | entry + 1 */
	struct recent *recent;
	uint32_t entry_count, entry_top, index_size, recent_count;
	uint32_t used, free_head, oldest, newest;
	uint64_t evicted;
} __attribute__((aligned(128)));

struct clients {
	struct shard *shards;
	struct entry *entries;
	uint32_t *index;
	struct recent *recent;
	struct clients_params params;
	enum link_grade threshold;
	unsigned shard_count;
	size_t memory_bytes;
};

static unsigned shards_for(size_t capacity)
{
	unsigned count = 1;

	while (count < SHARDS_MAX && capacity / (2u * count) >= CLIENTS_PER_SHARD_MIN)
		count *= 2;
	return count;
}

/* A shard's share, and room for its share to be four standard deviations over the mean. */
static size_t shard_capacity(size_t capacity, unsigned shard_count)
{
	size_t mean = (capacity + shard_count - 1) / shard_count, root = 1;

	if (shard_count == 1)
		return mean;
	while (root * root < mean)
		root++;
	return mean + 4 * root;
}

static bool clients_alloc(struct clients *clients, size_t entries, size_t slots, size_t recent)
{
	size_t n = clients->shard_count;

	clients->shards = aligned_alloc(_Alignof(struct shard), n * sizeof(struct shard));
	clients->entries = calloc(n * entries, sizeof(struct entry));
	clients->index = calloc(n * slots, sizeof(uint32_t));
	clients->recent = calloc(n * recent, sizeof(struct recent));
	clients->memory_bytes =
		sizeof(*clients) + n * (sizeof(struct shard) + entries * sizeof(struct entry) +
					slots * sizeof(uint32_t) + recent * sizeof(struct recent));
	return clients->shards && clients->entries && clients->index && clients->recent;
}

static void shard_init(struct shard *shard, const struct clients *clients, unsigned number,
		       size_t entries, size_t slots, size_t recent)
{
	memset(shard, 0, sizeof(*shard));
	pthread_mutex_init(&shard->lock, NULL);
	shard->entries = clients->entries + number * entries;
	shard->index = clients->index + number * slots;
	shard->recent = clients->recent + number * recent;
	shard->entry_count = (uint32_t)entries;
	shard->index_size = (uint32_t)slots;
	shard->recent_count = (uint32_t)recent;
	shard->free_head = shard->oldest = shard->newest = NIL;
}

struct clients *clients_new(const struct clients_params *params)
{
	struct clients *clients = calloc(1, sizeof(*clients));
	unsigned count = shards_for(params->capacity);
	size_t entries = shard_capacity(params->capacity, count);
	size_t slots = entries + entries / 3 + 8, recent = (params->recent + count - 1) / count;

	if (!clients || params->capacity < 64 || params->recent < 64 ||
	    entries > SHARD_ENTRIES_MAX || recent > SHARD_ENTRIES_MAX || params->refresh_s < 1 ||
	    params->refresh_s > 32767) {
		free(clients);
		return NULL;
	}
	clients->params = *params;
	clients->threshold = LINK_LIKELY;
	clients->shard_count = count;
	if (!clients_alloc(clients, entries, slots, recent)) {
		free(clients->shards);
		clients->shards = NULL;
		clients_free(clients);
		return NULL;
	}
	for (unsigned i = 0; i < count; i++)
		shard_init(&clients->shards[i], clients, i, entries, slots, recent);
	return clients;
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

static struct addr client_key(const struct clients *clients, const struct addr *addr)
{
	if (clients->params.v6_prefix_bits >= 128 || addr_is_v4(addr))
		return *addr;
	return addr_mask(addr, clients->params.v6_prefix_bits);
}

static uint64_t key_hash(const struct clients *clients, const struct addr *key)
{
	return XXH3_64bits_withSeed(key->bytes, sizeof(key->bytes), clients->params.seed);
}

/* Shard, index slot and tag take different bits of the hash. */
static struct shard *shard_of(const struct clients *clients, uint64_t hash)
{
	return &clients->shards[(hash >> 56) & (clients->shard_count - 1)];
}

static uint32_t home_slot(const struct shard *shard, uint64_t hash)
{
	return (uint32_t)(((hash & UINT32_MAX) * shard->index_size) >> 32);
}

static uint32_t slot_tag(uint64_t hash)
{
	return (uint32_t)(hash >> 40) & 0xff;
}

static uint32_t next_slot(const struct shard *shard, uint32_t slot)
{
	return slot + 1 == shard->index_size ? 0 : slot + 1;
}

/* The slot that holds the key, or the empty one where it would go. */
static uint32_t find_slot(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	uint32_t slot = home_slot(shard, hash), tag = slot_tag(hash);

	for (; shard->index[slot]; slot = next_slot(shard, slot)) {
		uint32_t value = shard->index[slot];

		if (value >> 24 == tag &&
		    addr_equal(&shard->entries[(value & 0xffffff) - 1].addr, key))
			break;
	}
	return slot;
}

static struct entry *find_entry(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	uint32_t value = shard->index[find_slot(shard, key, hash)];

	return value ? &shard->entries[(value & 0xffffff) - 1] : NULL;
}

/* Linear probing leaves no tombstone: what follows moves up where its home allows. */
static void clear_slot(const struct clients *clients, struct shard *shard, uint32_t hole)
{
	uint32_t slot = hole;

	for (;;) {
		uint32_t home;

		shard->index[hole] = 0;
		do {
			slot = next_slot(shard, slot);
			if (!shard->index[slot])
				return;
			home = home_slot(
				shard, key_hash(clients,
						&shard->entries[(shard->index[slot] & 0xffffff) - 1]
							 .addr));
		} while (hole <= slot ? hole < home && home <= slot : hole < home || home <= slot);
		shard->index[hole] = shard->index[slot];
		hole = slot;
	}
}

static void age_unlink(struct shard *shard, const struct entry *entry)
{
	*(entry->older == NIL ? &shard->oldest : &shard->entries[entry->older].newer) =
		entry->newer;
	*(entry->newer == NIL ? &shard->newest : &shard->entries[entry->newer].older) =
		entry->older;
}

static void age_append(struct shard *shard, struct entry *entry)
{
	uint32_t number = (uint32_t)(entry - shard->entries);

	entry->older = shard->newest;
	entry->newer = NIL;
	*(shard->newest == NIL ? &shard->oldest : &shard->entries[shard->newest].newer) = number;
	shard->newest = number;
}

static void entry_remove(const struct clients *clients, struct shard *shard, struct entry *entry)
{
	clear_slot(clients, shard, find_slot(shard, &entry->addr, key_hash(clients, &entry->addr)));
	age_unlink(shard, entry);
	memset(entry, 0, sizeof(*entry));
	entry->older = shard->free_head;
	shard->free_head = (uint32_t)(entry - shard->entries);
	shard->used--;
}

static struct entry *entry_take_free(struct shard *shard)
{
	struct entry *entry;

	if (shard->free_head == NIL)
		return &shard->entries[shard->entry_top++];
	entry = &shard->entries[shard->free_head];
	shard->free_head = entry->older;
	return entry;
}

static struct entry *entry_add(const struct clients *clients, struct shard *shard,
			       const struct addr *key, uint64_t hash, uint32_t now_s)
{
	struct entry *entry;

	if (shard->used == shard->entry_count) {
		entry_remove(clients, shard, &shard->entries[shard->oldest]);
		shard->evicted++;
	}
	entry = entry_take_free(shard);
	memset(entry, 0, sizeof(*entry));
	entry->addr = *key;
	entry->first_seen_s = now_s;
	shard->index[find_slot(shard, key, hash)] =
		slot_tag(hash) << 24 | ((uint32_t)(entry - shard->entries) + 1);
	age_append(shard, entry);
	shard->used++;
	return entry;
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

static struct recent *recent_slot(const struct shard *shard, uint64_t hash, uint16_t port)
{
	uint64_t mixed = (hash ^ port) * UINT64_C(0x9e3779b97f4a7c15);

	return &shard->recent[((mixed >> 32) * shard->recent_count) >> 32];
}

static void shard_observe(const struct clients *clients, struct shard *shard, uint64_t hash,
			  uint64_t now_ms, const struct syn *syn, const struct verdict *verdict,
			  struct change *change)
{
	uint32_t now_s = (uint32_t)(now_ms / 1000);
	struct entry *entry = find_entry(shard, &change->addr, hash);
	int repeat = entry ? find_repeat(entry, syn, tuple_hash(clients, syn), now_s) : -1;

	if (!entry) {
		entry = entry_add(clients, shard, &change->addr, hash, now_s);
	} else {
		age_unlink(shard, entry);
		age_append(shard, entry);
	}
	if (repeat >= 0) {
		change->kind = CHANGE_REPEAT;
		change->verdict = change->old_verdict = entry->verdicts[repeat];
	} else {
		change->kind =
			entry_observe(clients, entry, syn, *verdict, now_s, &change->old_verdict);
		change->verdict = entry->verdicts[0];
		*recent_slot(shard, hash, syn->src_port) = (struct recent){now_ms, *syn};
	}
	entry->last_seen_s = now_s;
	change->syn_count = entry->syn_count;
}

void clients_observe(struct clients *clients, uint64_t now_ms, const struct syn *syn,
		     const struct verdict *verdict, struct change *ret_change)
{
	struct addr key = client_key(clients, &syn->src);
	uint64_t hash = key_hash(clients, &key);
	struct shard *shard = shard_of(clients, hash);

	ret_change->addr = key;
	pthread_mutex_lock(&shard->lock);
	shard_observe(clients, shard, hash, now_ms, syn, verdict, ret_change);
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
	};
	for (unsigned i = 0; i < entry->conn_count; i++)
		ret_client->conns[i] = (struct client_conn){entry->verdicts[i], entry->ports[i]};
}

int clients_get(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct addr key = client_key(clients, addr);
	uint64_t hash = key_hash(clients, &key);
	struct shard *shard = shard_of(clients, hash);
	const struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find_entry(shard, &key, hash);
	if (entry)
		entry_copy(entry, ret_client);
	pthread_mutex_unlock(&shard->lock);
	return entry ? 0 : -ENOENT;
}

int clients_get_syn(struct clients *clients, const struct addr *addr, uint16_t port,
		    struct syn *ret_syn, uint64_t *ret_seen_ms)
{
	struct addr key = client_key(clients, addr);
	uint64_t hash = key_hash(clients, &key);
	struct shard *shard = shard_of(clients, hash);
	const struct recent *recent;
	const struct entry *entry;
	int rc = -ENOENT;

	pthread_mutex_lock(&shard->lock);
	entry = find_entry(shard, &key, hash);
	if (entry && !port)
		port = entry->ports[0];
	recent = recent_slot(shard, hash, port);
	if (entry && recent->seen_ms && recent->syn.src_port == port) {
		struct addr source = client_key(clients, &recent->syn.src);

		if (addr_equal(&source, &key)) {
			*ret_syn = recent->syn;
			*ret_seen_ms = recent->seen_ms;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
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
	struct addr key = client_key(clients, addr);
	uint64_t hash = key_hash(clients, &key);
	struct shard *shard = shard_of(clients, hash);
	struct entry *entry;
	int rc = -ENOENT;

	pthread_mutex_lock(&shard->lock);
	entry = find_entry(shard, &key, hash);
	if (entry)
		rc = entry_mark(entry, port, flags, reasons, ret_change);
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

int clients_forget(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct addr key = client_key(clients, addr);
	uint64_t hash = key_hash(clients, &key);
	struct shard *shard = shard_of(clients, hash);
	struct entry *entry;

	pthread_mutex_lock(&shard->lock);
	entry = find_entry(shard, &key, hash);
	if (entry) {
		if (ret_client)
			entry_copy(entry, ret_client);
		entry_remove(clients, shard, entry);
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
