/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory, index and age lists of the client table's shards. */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/hash.h"
#include "core/clients/client_shard.h"

#define SHARDS_USUAL 32 /* more only where a shard would have too many clients */
#define PLACES_MAX (1u << 30) /* of either kind: no table is of a size that only overcommits */
#define CLIENTS_PER_SHARD_MIN 1024
#define CLIENTS_PER_SHARD_MAX 64000 /* a slot has 16 bits for entries, which are 885 more */
#define LINE_SHARE 14 /* entries for each line of the index */
#define NONE SHARD_NUMBER_NONE
#define CACHE_LINE 64
#define ONCE_SHARE 8 /* those seen once may always take an eighth of a shard */
#define FREE_SHARE 8 /* and the confirmed ones never have this one */
#define NETWORK_SHARE 8 /* a network may have an eighth of a shard on each other list */
#define NETWORK_MIN 256 /* and as many as a /24 has addresses */

static unsigned shards_for(size_t capacity)
{
	unsigned count = 1;

	while ((count < SHARDS_USUAL && capacity / (2u * count) >= CLIENTS_PER_SHARD_MIN) ||
	       capacity / count > CLIENTS_PER_SHARD_MAX)
		count *= 2;
	return count;
}

/*
 * A shard's share, and room for its share to be three and a half standard deviations over the mean:
 * hardly ever is a client evicted before the table is full, and each costs at most 128 bytes.
 */
static size_t shard_capacity(size_t capacity, unsigned shard_count)
{
	size_t mean = (capacity + shard_count - 1) / shard_count, root = 0;

	if (shard_count == 1)
		return mean;
	while (root * root < mean)
		root++;
	return mean + 7 * root / 2;
}

static bool take_memory(struct clients *clients, size_t entries, size_t lines, size_t recent)
{
	size_t n = clients->shard_count;

	clients->shards = aligned_alloc(_Alignof(struct shard), n * sizeof(struct shard));
	clients->entries = calloc(n * entries, sizeof(struct entry));
	clients->lines = aligned_alloc(CACHE_LINE, n * lines * sizeof(struct index_line));
	clients->recent = calloc(n * recent, sizeof(struct recent));
	clients->memory_bytes =
		sizeof(*clients) +
		n * (sizeof(struct shard) + entries * sizeof(struct entry) +
		     lines * sizeof(struct index_line) + recent * sizeof(struct recent));
	if (!clients->shards || !clients->entries || !clients->lines || !clients->recent)
		return false;
	memset(clients->lines, 0, n * lines * sizeof(struct index_line));
	return true;
}

static void shard_init(struct shard *shard, const struct clients *clients, unsigned number,
		       size_t entries, size_t lines, size_t recent)
{
	pthread_mutexattr_t attr;

	memset(shard, 0, sizeof(*shard));
	pthread_mutexattr_init(&attr);
	/* Held for less time than it takes to go to sleep. */
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&shard->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	shard->entries = clients->entries + number * entries;
	shard->lines = clients->lines + number * lines;
	shard->recent = clients->recent + number * recent;
	shard->entry_count = (uint32_t)entries;
	shard->line_count = (uint32_t)lines;
	shard->recent_count = (uint32_t)recent;
	shard->free_head = NONE;
	for (unsigned list = 0; list < AGE_LISTS; list++)
		shard->ages[list].oldest = shard->ages[list].newest = NONE;
}

bool clients_alloc(struct clients *clients)
{
	const struct clients_params *params = &clients->params;
	unsigned count;
	size_t entries, lines, recent;

	if (params->capacity > PLACES_MAX || params->recent > PLACES_MAX)
		return false;
	count = shards_for(params->capacity);
	entries = shard_capacity(params->capacity, count);
	lines = entries / LINE_SHARE + 1;
	recent = roundup(howmany(params->recent, count), RECENT_WAYS);
	clients->shard_count = count;
	if (!take_memory(clients, entries, lines, recent))
		return false;
	for (unsigned i = 0; i < count; i++)
		shard_init(&clients->shards[i], clients, i, entries, lines, recent);
	return true;
}

struct addr clients_key(const struct clients *clients, const struct addr *addr)
{
	return addr_is_v4(addr) ? *addr : addr_mask(addr, clients->params.v6_prefix_bits);
}

uint64_t clients_hash(const struct clients *clients, const struct addr *key)
{
	return XXH3_64bits_withSeed(key->bytes, sizeof(key->bytes), clients->params.seed);
}

/* Shard, line of the index and tag take different bits of the hash. */
struct shard *clients_shard(const struct clients *clients, uint64_t hash)
{
	return &clients->shards[hash & (clients->shard_count - 1)];
}

static uint32_t home_line(const struct shard *shard, uint64_t hash)
{
	return hash_below((uint32_t)hash, shard->line_count);
}

static uint32_t next_line(const struct shard *shard, uint32_t line)
{
	return line + 1 == shard->line_count ? 0 : line + 1;
}

/* What tells the entries of a line apart; of a slot that is free it is 0. */
static uint8_t tag_of(uint64_t hash)
{
	return MAX(hash >> 40 & 0xff, 1);
}

/* A bit for each slot of the line with this tag; four of them at once (Warren, Hacker's Delight, 6-1). */
static uint32_t slots_with(const struct index_line *line, uint8_t tag)
{
	const uint32_t low = 0x7f7f7f7f;
	uint32_t slots = 0;

	for (unsigned i = 0; i < INDEX_SLOTS / 4; i++) {
		uint32_t other =
			__atomic_load_n(&line->tags[i], __ATOMIC_RELAXED) ^ tag * 0x01010101u;
		uint32_t same = ~(((other & low) + low) | other | low); /* 0x80 in a byte of zero */

		slots |= ((same >> 7) * 0x10204080u >> 28) << 4 * i;
	}
	return slots;
}

/* Prefetching reads it without the lock. */
static void set_slot(struct index_line *line, unsigned slot, uint8_t tag, uint16_t number)
{
	uint32_t shift = 8 * (slot % 4), *tags = &line->tags[slot / 4];

	__atomic_store_n(&line->numbers[slot], number, __ATOMIC_RELAXED);
	__atomic_store_n(tags, (*tags & ~(0xffu << shift)) | (uint32_t)tag << shift,
			 __ATOMIC_RELAXED);
}

static void prefetch_bytes(const void *first, size_t count)
{
	for (size_t at = 0; at < count; at += CACHE_LINE)
		__builtin_prefetch((const char *)first + at, 1);
	__builtin_prefetch((const char *)first + count - 1, 1);
}

void shard_prefetch(const struct shard *shard, uint64_t hash, uint16_t port)
{
	__builtin_prefetch(&shard->lines[home_line(shard, hash)], 1);
	prefetch_bytes(shard_recent(shard, hash, port), RECENT_WAYS * sizeof(struct recent));
}

bool shard_prefetch_entry(const struct shard *shard, uint64_t hash)
{
	const struct index_line *line = &shard->lines[home_line(shard, hash)];
	uint32_t slots = slots_with(line, tag_of(hash));

	prefetch_bytes(&shard->lock, 2 * CACHE_LINE);
	for (uint32_t left = slots; left; left &= left - 1) {
		unsigned slot = (unsigned)__builtin_ctz(left);

		prefetch_bytes(
			&shard->entries[__atomic_load_n(&line->numbers[slot], __ATOMIC_RELAXED)],
			sizeof(struct entry));
	}
	return slots != 0;
}

/* Where the index has a key. */
struct place {
	struct index_line *line; /* NULL: nowhere */
	unsigned slot;
};

static struct place find_place(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	uint32_t at = home_line(shard, hash);

	for (uint32_t n = 0; n < shard->line_count; n++, at = next_line(shard, at)) {
		struct index_line *line = &shard->lines[at];

		for (uint32_t left = slots_with(line, tag_of(hash)); left; left &= left - 1) {
			unsigned slot = (unsigned)__builtin_ctz(left);

			if (addr_equal(&shard->entries[line->numbers[slot]].addr, key))
				return (struct place){line, slot};
		}
		if (!line->passed)
			break;
	}
	return (struct place){.line = NULL};
}

struct entry *shard_find(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	struct place place = find_place(shard, key, hash);

	return place.line ? &shard->entries[place.line->numbers[place.slot]] : NULL;
}

/* Into the first line from home on that has room; those before it know that it has passed by. */
static void insert(struct shard *shard, uint64_t hash, uint32_t number)
{
	uint32_t at = home_line(shard, hash), slots;

	while (!(slots = slots_with(&shard->lines[at], 0))) {
		shard->lines[at].passed++;
		at = next_line(shard, at);
	}
	set_slot(&shard->lines[at], (unsigned)__builtin_ctz(slots), tag_of(hash), (uint16_t)number);
}

static void take_out(struct shard *shard, const struct addr *key, uint64_t hash)
{
	struct place place = find_place(shard, key, hash);

	for (uint32_t at = home_line(shard, hash); &shard->lines[at] != place.line;
	     at = next_line(shard, at))
		shard->lines[at].passed--;
	set_slot(place.line, place.slot, 0, 0);
}

/* How many of an address's network are on a list; networks that share a count share the room. */
static uint32_t *count_of(const struct clients *clients, struct shard *shard,
			  const struct addr *addr, enum age_list list)
{
	struct addr network = addr_network(addr);

	return &shard->count_of[list][clients_hash(clients, &network) % SHARD_NETWORKS];
}

/* Of those seen once nobody asks. */
static void uncount(const struct clients *clients, struct shard *shard, const struct entry *entry)
{
	if (entry->list != AGE_ONCE)
		--*count_of(clients, shard, &entry->addr, (enum age_list)entry->list);
}

static void age_unlink(struct shard *shard, const struct entry *entry)
{
	if (entry->older == NONE)
		shard->ages[entry->list].oldest = entry->newer;
	else
		shard->entries[entry->older].newer = entry->newer;
	if (entry->newer == NONE)
		shard->ages[entry->list].newest = entry->older;
	else
		shard->entries[entry->newer].older = entry->older & NONE;
	shard->ages[entry->list].count--;
}

static void age_append(struct shard *shard, struct entry *entry, enum age_list list)
{
	uint32_t number = (uint32_t)(entry - shard->entries), newest = shard->ages[list].newest;

	entry->list = list & 3u;
	entry->older = newest & NONE;
	entry->newer = NONE;
	if (newest == NONE)
		shard->ages[list].oldest = number;
	else
		shard->entries[newest].newer = number & NONE;
	shard->ages[list].newest = number;
	shard->ages[list].count++;
}

static void touch(struct shard *shard, struct entry *entry)
{
	age_unlink(shard, entry);
	age_append(shard, entry, (enum age_list)entry->list);
}

static void age_move(const struct clients *clients, struct shard *shard, struct entry *entry,
		     enum age_list list)
{
	uncount(clients, shard, entry);
	++*count_of(clients, shard, &entry->addr, list);
	age_unlink(shard, entry);
	age_append(shard, entry, list);
}

/* One confirmed client too many: their oldest is as one that came back. */
static void leave_room(const struct clients *clients, struct shard *shard)
{
	while (shard->ages[AGE_CONFIRMED].count >
	       shard->entry_count - shard->entry_count / FREE_SHARE)
		age_move(clients, shard, &shard->entries[shard->ages[AGE_CONFIRMED].oldest],
			 AGE_AGAIN);
}

void shard_promote(const struct clients *clients, struct shard *shard, struct entry *entry,
		   enum age_list list)
{
	uint32_t share = MAX(shard->entry_count / NETWORK_SHARE, NETWORK_MIN);

	if (entry->list >= list || *count_of(clients, shard, &entry->addr, list) >= share) {
		touch(shard, entry);
		return;
	}
	age_move(clients, shard, entry, list);
	leave_room(clients, shard);
}

/* Who gives way in a full shard: nobody who is confirmed, as leave_room() has seen to it. */
static struct entry *find_victim(const struct shard *shard)
{
	uint32_t once = shard->ages[AGE_ONCE].count, again = shard->ages[AGE_AGAIN].count;
	bool is_once = once && (!again || once > shard->entry_count / ONCE_SHARE);

	return &shard->entries[shard->ages[is_once ? AGE_ONCE : AGE_AGAIN].oldest];
}

void shard_remove(const struct clients *clients, struct shard *shard, struct entry *entry)
{
	take_out(shard, &entry->addr, clients_hash(clients, &entry->addr));
	age_unlink(shard, entry);
	uncount(clients, shard, entry);
	shard->confirmed -= entry->is_confirmed;
	memset(entry, 0, sizeof(*entry));
	entry->older = shard->free_head & NONE;
	shard->free_head = (uint32_t)(entry - shard->entries);
	shard->used--;
}

static struct entry *entry_take_free(struct shard *shard)
{
	struct entry *entry;

	if (shard->free_head == NONE)
		return &shard->entries[shard->entry_top++];
	entry = &shard->entries[shard->free_head];
	shard->free_head = entry->older;
	return entry;
}

/*
 * Those who go next have been silent longest, and are in no cache any more: the next one's index
 * line is fetched ahead, and the entry of the one after him.
 */
static void prefetch_victims(const struct clients *clients, const struct shard *shard)
{
	const struct entry *next;
	uint64_t hash;

	if (!shard->ages[AGE_ONCE].count && !shard->ages[AGE_AGAIN].count)
		return;
	next = find_victim(shard);
	hash = clients_hash(clients, &next->addr);
	__builtin_prefetch(&shard->lines[home_line(shard, hash)], 1);
	if (next->newer != NONE)
		prefetch_bytes(&shard->entries[next->newer], sizeof(struct entry));
}

static void evict(const struct clients *clients, struct shard *shard)
{
	shard_remove(clients, shard, find_victim(shard));
	shard->evicted++;
	prefetch_victims(clients, shard);
}

struct entry *shard_add(const struct clients *clients, struct shard *shard, const struct addr *key,
			uint64_t hash)
{
	struct entry *entry;

	if (shard->used == shard->entry_count)
		evict(clients, shard);
	entry = entry_take_free(shard);
	memset(entry, 0, sizeof(*entry));
	entry->addr = *key;
	insert(shard, hash, (uint32_t)(entry - shard->entries));
	age_append(shard, entry, AGE_ONCE);
	shard->used++;
	return entry;
}

struct recent *shard_recent(const struct shard *shard, uint64_t hash, uint16_t port)
{
	uint32_t at =
		hash_below((uint32_t)hash_mix(hash ^ port), shard->recent_count / RECENT_WAYS);

	return &shard->recent[(size_t)at * RECENT_WAYS];
}
