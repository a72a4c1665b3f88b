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
#include <sys/param.h>

#include "core/clients/client_conns.h"
#include "core/sig/sig.h"

#define SYN_COUNT_MAX 0x7fffffffu /* of an entry */

/*
 * What a client has sent at the most when its server first answers, which tells two SYNs of one tuple apart. Of forged
 * SYNs one in 256 has a number that is so close. So where there are two, more than a first window (RFC 9293 3.1, without
 * a scale) tells nothing.
 */
#define SENT_MAX (1u << 24)
#define SENT_FIRST (1u << 16)

/* So long after the SYN another one on the same tuple is its rival, and no new connection. */
#define RIVAL_MS 130000

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
	free(clients->shards);
	free(clients->entries);
	free(clients->lines);
	free(clients->recent);
	free(clients);
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

static bool is_from(const struct clients *clients, const struct recent *recent,
		    const struct addr *key, uint16_t port)
{
	struct addr source;

	if (!recent->seen_ms || recent->syn.src_port != port)
		return false;
	source = clients_key(clients, &recent->syn.src);
	return addr_equal(&source, key);
}

/* The whole SYN that is kept of a client's connection, or NULL. */
static struct recent *find_recent(const struct clients *clients, const struct shard *shard,
				  const struct addr *key, uint64_t hash, uint16_t port)
{
	struct recent *ways = shard_recent(shard, hash, port);

	for (unsigned i = 0; i < RECENT_WAYS; i++)
		if (is_from(clients, &ways[i], key, port))
			return &ways[i];
	return NULL;
}

static struct recent *find_room(struct recent *ways)
{
	struct recent *oldest = ways;

	for (unsigned i = 1; i < RECENT_WAYS; i++)
		if (ways[i].seen_ms < oldest->seen_ms)
			oldest = &ways[i];
	return oldest;
}

static uint8_t withheld_of(const struct entry *entry)
{
	return (uint8_t)((entry->is_withheld ? CLIENT_WITHHELD_ADDR : 0) |
			 (entry->is_port_withheld ? CLIENT_WITHHELD_PORT : 0));
}

static void set_withheld(struct entry *entry, unsigned withheld)
{
	entry->is_withheld = (withheld & CLIENT_WITHHELD_ADDR) != 0;
	entry->is_port_withheld = (withheld & CLIENT_WITHHELD_PORT) != 0;
}

/*
 * Another SYN on the tuple of one that was seen a moment ago, and is no retransmission: one of both
 * is forged, or a machine was very quick. The first one stays what is found by its port. Who knows
 * the sequence number too is the client himself, with a decoy: it is the one that dies earlier.
 */
static bool is_rival(const struct recent *recent, uint64_t now_ms, const struct syn *syn)
{
	if (!recent || now_ms - recent->seen_ms >= RIVAL_MS ||
	    recent->syn.dst_port != syn->dst_port || !addr_equal(&recent->syn.dst, &syn->dst))
		return false;
	return recent->syn.seq != syn->seq || syn->ttl <= recent->syn.ttl;
}

static enum change_kind kind_of(const struct clients *clients, const struct entry *entry,
				uint32_t now_s, const struct verdict *old,
				const struct verdict *verdict)
{
	if (!entry->syn_count)
		return CHANGE_NEW;
	if (verdict_differs(old, verdict))
		return CHANGE_VERDICT;
	return is_refresh_due(clients, entry, now_s) ? CHANGE_REFRESH : CHANGE_NONE;
}

/* What this SYN says beside what is known of its client, into @change. */
static void entry_judge(const struct clients *clients, struct entry *entry, struct verdict verdict,
			uint32_t now_s, struct change *change)
{
	int last = conns_find(entry, 0);

	conns_weigh_link(clients, entry, now_s, &verdict);
	conns_weigh_mix(entry, &verdict);
	change->verdict = verdict;
	change->old_verdict = entry->verdicts[last < 0 ? 0 : last];
	change->kind = kind_of(clients, entry, now_s, &change->old_verdict, &verdict);
	if (last >= 0 && !entry->is_confirmed && change->old_verdict.class_id != verdict.class_id)
		entry->chg_seen_s = now_s;
	if (change->kind != CHANGE_NONE)
		entry->reported_s = (uint16_t)now_s;
}

/*
 * Another SYN from the port of one that was seen a moment ago, to anywhere: that one says what the
 * client's confirmed connections say, and this one does not. Until it is confirmed it answers for
 * itself alone.
 */
static bool contradicts(const struct entry *entry, int known, const struct recent *recent,
			uint64_t now_ms, const struct verdict *verdict)
{
	int last = conns_find(entry, 0);
	const struct verdict *confirmed = &entry->verdicts[last];

	return recent && now_ms - recent->seen_ms < RIVAL_MS && entry->confirmed &&
	       verdict_is_same(confirmed, &entry->verdicts[known]) &&
	       !verdict_is_same(confirmed, verdict);
}

/* A confirmed connection's whole SYN stays: another one from its port would take its place. */
static void remember(struct entry *entry, struct recent *ways, struct recent *same,
		     const struct recent *seen, uint8_t tuple, const struct verdict *verdict)
{
	int known = conns_find(entry, seen->syn.src_port);
	bool rival = known >= 0 && (is_rival(same, seen->seen_ms, &seen->syn) ||
				    contradicts(entry, known, same, seen->seen_ms, verdict));

	if (!rival && !(known >= 0 && same && entry->confirmed >> known & 1))
		*(same ? same : find_room(ways)) = *seen;
	conns_push(entry, &seen->syn, tuple, verdict, rival);
	if (entry->syn_count < SYN_COUNT_MAX)
		entry->syn_count++;
}

/* Of one connection, and of one stack: what conns_tuple() is made of. */
static bool is_same(const struct syn *a, const struct syn *b)
{
	return a->seq == b->seq && a->dst_port == b->dst_port && a->win == b->win &&
	       a->mss == b->mss && sig_initial_ttl(a->ttl) == sig_initial_ttl(b->ttl) &&
	       addr_equal(&a->dst, &b->dst);
}

/*
 * The connection whose SYN this repeats, or -1. What an entry keeps of a connection is short, so one in 256
 * would be taken for a repetition; where the whole SYN is still there, it tells.
 */
static int find_repeat(const struct clients *clients, const struct shard *shard, uint64_t hash,
		       const struct entry *entry, const struct recent *seen, uint8_t tuple)
{
	const struct syn *syn = &seen->syn;
	int repeat = conns_find_repeat(entry, syn, tuple, (uint32_t)(seen->seen_ms / 1000));
	const struct recent *whole =
		repeat < 0 ? NULL : find_recent(clients, shard, &entry->addr, hash, syn->src_port);

	if (!whole || conns_tuple(clients, &whole->syn) != tuple || is_same(&whole->syn, syn))
		return repeat;
	return -1;
}

static void shard_observe(const struct clients *clients, struct shard *shard, uint64_t hash,
			  const struct recent *seen, const struct verdict *verdict,
			  struct change *change)
{
	uint32_t now_s = (uint32_t)(seen->seen_ms / 1000);
	uint8_t tuple = conns_tuple(clients, &seen->syn);
	uint16_t port = seen->syn.src_port;
	struct entry *entry = shard_find(shard, &change->addr, hash);
	int repeat = entry ? find_repeat(clients, shard, hash, entry, seen, tuple) : -1;

	if (!entry) {
		entry = shard_add(clients, shard, &change->addr, hash);
		entry->first_seen_s = now_s;
	} else {
		shard_promote(clients, shard, entry, repeat < 0 ? AGE_AGAIN : AGE_ONCE);
	}
	if (repeat >= 0) {
		change->kind = CHANGE_REPEAT;
		change->verdict = change->old_verdict = entry->verdicts[repeat];
	} else {
		entry_judge(clients, entry, *verdict, now_s, change);
	}
	change->asks = conns_asks(entry, now_s, port, &change->verdict);
	change->is_steady =
		entry->is_confirmed && !change->asks && conns_agree(entry, &change->verdict);
	if (repeat < 0)
		remember(entry, shard_recent(shard, hash, port),
			 find_recent(clients, shard, &change->addr, hash, port), seen, tuple,
			 &change->verdict);
	entry->last_seen_s = now_s;
	change->syn_count = entry->syn_count;
	change->withheld = withheld_of(entry);
	change->is_confirmed = entry->is_confirmed;
}

void clients_locate(const struct clients *clients, const struct syn *syn,
		    struct client_key *ret_key)
{
	ret_key->addr = clients_key(clients, &syn->src);
	ret_key->hash = clients_hash(clients, &ret_key->addr);
	shard_prefetch(clients_shard(clients, ret_key->hash), ret_key->hash, syn->src_port);
}

bool clients_prefetch(const struct clients *clients, const struct client_key *key)
{
	return shard_prefetch_entry(clients_shard(clients, key->hash), key->hash);
}

void clients_observe(struct clients *clients, const struct client_key *key, uint64_t now_ms,
		     const struct syn *syn, const struct verdict *verdict,
		     struct change *ret_change)
{
	struct shard *shard = clients_shard(clients, key->hash);
	struct recent seen = {now_ms, *syn};

	ret_change->addr = key->addr;
	pthread_mutex_lock(&shard->lock);
	shard_observe(clients, shard, key->hash, &seen, verdict, ret_change);
	pthread_mutex_unlock(&shard->lock);
}

/* Where a client is or would be, locked. */
static struct shard *lock_shard(struct clients *clients, const struct addr *addr,
				struct client_key *ret_key)
{
	struct shard *shard;

	ret_key->addr = clients_key(clients, addr);
	ret_key->hash = clients_hash(clients, &ret_key->addr);
	shard = clients_shard(clients, ret_key->hash);
	pthread_mutex_lock(&shard->lock);
	return shard;
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
		.withheld = withheld_of(entry),
		.is_confirmed = entry->is_confirmed,
	};
	for (unsigned i = 0; i < entry->conn_count; i++)
		ret_client->conns[i] = (struct client_conn){entry->verdicts[i], entry->ports[i],
							    entry->confirmed >> i & 1};
}

int clients_get(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, addr, &key);
	const struct entry *entry = shard_find(shard, &key.addr, key.hash);

	if (entry)
		entry_copy(entry, ret_client);
	pthread_mutex_unlock(&shard->lock);
	return entry ? 0 : -ENOENT;
}

static int find_next(const struct entry *entry, int at, uint16_t port)
{
	for (int i = at + 1; i < entry->conn_count; i++)
		if (entry->ports[i] == port)
			return i;
	return -1;
}

/*
 * Which of the connections from a port it was; -1 where it is none that is remembered, or where
 * there are two and nothing tells them apart: others' SYNs may have taken the place of the whole one.
 */
static int find_confirmed(const struct clients *clients, const struct entry *entry,
			  const struct recent *recent, const struct client_handshake *handshake)
{
	int first = conns_find(entry, handshake->client_port), next;
	uint32_t sent;
	bool is_known;

	if (first < 0)
		return first;
	next = find_next(entry, first, handshake->client_port);
	is_known = entry->confirmed >> first & 1 || next < 0;
	if (!recent || entry->tuples[first] != conns_tuple(clients, &recent->syn))
		return is_known ? first : -1;
	sent = handshake->has_ack ? handshake->ack - recent->syn.seq - 1 : 0;
	if (recent->syn.dst_port != handshake->server_port ||
	    !addr_equal(&recent->syn.dst, &handshake->server) || sent >= SENT_MAX)
		return next;
	return is_known || sent < SENT_FIRST ? first : -1;
}

static void note_before(const struct entry *entry, int at, struct client_confirmed *confirmed)
{
	int last = conns_find(entry, 0);

	confirmed->has_before = entry->confirmed && last != at;
	if (confirmed->has_before)
		confirmed->before = entry->verdicts[last];
}

static int shard_confirm(const struct clients *clients, struct shard *shard, uint64_t hash,
			 const struct client_handshake *handshake, uint32_t now_s,
			 struct client_confirmed *confirmed)
{
	struct entry *entry = shard_find(shard, &confirmed->addr, hash);
	const struct recent *recent = NULL;
	int at = -1;

	if (entry) {
		recent =
			find_recent(clients, shard, &confirmed->addr, hash, handshake->client_port);
		at = find_confirmed(clients, entry, recent, handshake);
	}
	if (at < 0)
		return -ENOENT;
	note_before(entry, at, confirmed);
	if (recent && entry->tuples[at] == conns_tuple(clients, &recent->syn))
		confirmed->seen_ms = recent->seen_ms;
	confirmed->is_first = !entry->is_confirmed;
	shard->confirmed += !entry->is_confirmed;
	confirmed->syn_count = entry->syn_count;
	confirmed->verdict = *conns_confirm(clients, entry, (unsigned)at, now_s);
	shard_promote(clients, shard, entry, AGE_CONFIRMED);
	return 0;
}

int clients_confirm(struct clients *clients, const struct client_handshake *handshake,
		    uint32_t now_s, struct client_confirmed *ret_confirmed)
{
	struct client_confirmed confirmed = {.addr = clients_key(clients, &handshake->client)};
	uint64_t hash = clients_hash(clients, &confirmed.addr);
	struct shard *shard = clients_shard(clients, hash);
	int rc;

	pthread_mutex_lock(&shard->lock);
	rc = shard_confirm(clients, shard, hash, handshake, now_s, &confirmed);
	pthread_mutex_unlock(&shard->lock);
	if (rc == 0)
		*ret_confirmed = confirmed;
	return rc;
}

int clients_get_syn(struct clients *clients, const struct addr *addr, uint16_t port,
		    struct syn *ret_syn, uint64_t *ret_seen_ms)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, addr, &key);
	const struct recent *recent = NULL;
	const struct entry *entry;
	int at;

	entry = shard_find(shard, &key.addr, key.hash);
	at = entry ? conns_find(entry, port) : -1;
	if (entry)
		recent = find_recent(clients, shard, &key.addr, key.hash,
				     at < 0 ? port : entry->ports[at]);
	if (recent && at >= 0 && entry->tuples[at] != conns_tuple(clients, &recent->syn))
		recent = NULL;
	if (recent) {
		*ret_syn = recent->syn;
		*ret_seen_ms = recent->seen_ms;
	}
	pthread_mutex_unlock(&shard->lock);
	return recent ? 0 : -ENOENT;
}

/* What an entry was before a restart; where it had been told apart by its tuples is forgotten. */
static void entry_restore(struct entry *entry, const struct client *client)
{
	entry->first_seen_s = client->first_seen_s;
	entry->last_seen_s = client->last_seen_s;
	entry->chg_seen_s = client->chg_seen_s;
	entry->syn_count = MIN(client->syn_count, SYN_COUNT_MAX) & SYN_COUNT_MAX;
	set_withheld(entry, client->withheld);
	entry->conn_count = client->conn_count & 7u;
	entry->is_confirmed = client->is_confirmed;
	conns_forget_time(entry);
	for (unsigned i = 0; i < client->conn_count; i++) {
		entry->verdicts[i] = client->conns[i].verdict;
		entry->ports[i] = client->conns[i].src_port;
		if (client->conns[i].is_confirmed && i + 1 < CLIENT_CONNS)
			entry->confirmed = (entry->confirmed | 1u << i) & 0xfu;
	}
}

bool clients_restore(struct clients *clients, const struct client *client)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, &client->addr, &key);
	bool is_full, is_known;
	struct entry *entry;

	is_full = shard->used == shard->entry_count;
	is_known = shard_find(shard, &key.addr, key.hash) != NULL;
	if (!is_known) {
		entry = shard_add(clients, shard, &key.addr, key.hash);
		entry_restore(entry, client);
		shard->confirmed += entry->is_confirmed;
		if (client->is_confirmed || client->syn_count > 1)
			shard_promote(clients, shard, entry,
				      client->is_confirmed ? AGE_CONFIRMED : AGE_AGAIN);
	}
	pthread_mutex_unlock(&shard->lock);
	return is_full || is_known;
}

static int entry_mark(struct entry *entry, uint16_t port, unsigned flags, uint64_t reasons,
		      struct change *ret_change)
{
	int at = conns_find(entry, port);
	struct verdict *verdict;

	if (at < 0)
		return -ENOENT;
	verdict = &entry->verdicts[at];
	*ret_change = (struct change){.addr = entry->addr,
				      .kind = CHANGE_NONE,
				      .syn_count = entry->syn_count,
				      .is_confirmed = entry->is_confirmed,
				      .old_verdict = *verdict};
	verdict->flags = (verdict->flags | flags) & VERDICT_FLAGS_MASK;
	verdict->reasons = (verdict->reasons | reasons) & VERDICT_REASONS_MASK;
	ret_change->verdict = *verdict;
	if (verdict->flags != ret_change->old_verdict.flags)
		ret_change->kind = CHANGE_VERDICT;
	return 0;
}

int clients_mark(struct clients *clients, const struct addr *addr, uint16_t port, unsigned flags,
		 uint64_t reasons, struct change *ret_change)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, addr, &key);
	struct entry *entry;
	int rc = -ENOENT;

	entry = shard_find(shard, &key.addr, key.hash);
	if (entry)
		rc = entry_mark(entry, port, flags, reasons, ret_change);
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

void clients_withhold(struct clients *clients, const struct addr *addr, unsigned withheld)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, addr, &key);
	struct entry *entry = shard_find(shard, &key.addr, key.hash);

	if (entry)
		set_withheld(entry, withheld);
	pthread_mutex_unlock(&shard->lock);
}

int clients_forget(struct clients *clients, const struct addr *addr, struct client *ret_client)
{
	struct client_key key;
	struct shard *shard = lock_shard(clients, addr, &key);
	struct entry *entry = shard_find(shard, &key.addr, key.hash);

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
		stats.confirmed += shard->confirmed;
		stats.evicted += shard->evicted;
		pthread_mutex_unlock(&shard->lock);
	}
	*ret_stats = stats;
}
