/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory, index and age lists of the client table's shards. */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/hash.h"
#include "core/clients/client_shard.h"

#define SHARDS_MAX 32
#define CLIENTS_PER_SHARD_MIN 1024
#define SHARD_ENTRIES_MAX ((1u << 24) - 2) /* an index slot and a link have 24 bits for it */
#define DISTANCE_MAX 15u /* of an index slot from its home, in four bits; this one: or more */
#define NIL UINT32_MAX /* no slot */
#define NONE SHARD_NUMBER_NONE
#define CACHE_LINE 64
#define PREFETCH_SLOTS 8 /* nearly all entries are within so many slots of their home */
#define ONCE_SHARE 8 /* those seen once may always take an eighth of a shard */
#define FREE_SHARE 8 /* and the confirmed ones never have this one */
#define NETWORK_SHARE 8 /* a network may have an eighth of a shard on each other list */
#define NETWORK_MIN 256 /* and as many as a /24 has addresses */

static unsigned shards_for(size_t capacity)
{
	unsigned count = 1;

	while (count < SHARDS_MAX && capacity / (2u * count) >= CLIENTS_PER_SHARD_MIN)
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

static bool take_memory(struct clients *clients, size_t entries, size_t slots, size_t recent)
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
	pthread_mutexattr_t attr;

	memset(shard, 0, sizeof(*shard));
	pthread_mutexattr_init(&attr);
	/* Held for less time than it takes to go to sleep. */
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&shard->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	shard->entries = clients->entries + number * entries;
	shard->index = clients->index + number * slots;
	shard->recent = clients->recent + number * recent;
	shard->entry_count = (uint32_t)entries;
	shard->index_size = (uint32_t)slots;
	shard->recent_count = (uint32_t)recent;
	shard->free_head = NONE;
	for (unsigned list = 0; list < AGE_LISTS; list++)
		shard->ages[list].oldest = shard->ages[list].newest = NONE;
}

bool clients_alloc(struct clients *clients)
{
	const struct clients_params *params = &clients->params;
	unsigned count = shards_for(params->capacity);
	size_t entries = shard_capacity(params->capacity, count);
	size_t slots = entries + entries / 5 + 8, recent = (params->recent + count - 1) / count;

	if (entries > SHARD_ENTRIES_MAX || recent > SHARD_ENTRIES_MAX)
		return false;
	clients->shard_count = count;
	if (!take_memory(clients, entries, slots, recent))
		return false;
	for (unsigned i = 0; i < count; i++)
		shard_init(&clients->shards[i], clients, i, entries, slots, recent);
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

/* Shard, index slot and tag take different bits of the hash. */
struct shard *clients_shard(const struct clients *clients, uint64_t hash)
{
	return &clients->shards[hash & (clients->shard_count - 1)];
}

static uint32_t home_slot(const struct shard *shard, uint64_t hash)
{
	return hash_below((uint32_t)hash, shard->index_size);
}

static uint32_t next_slot(const struct shard *shard, uint32_t slot)
{
	return slot + 1 == shard->index_size ? 0 : slot + 1;
}

static uint32_t distance(const struct shard *shard, uint32_t home, uint32_t slot)
{
	return (slot + shard->index_size - home) % shard->index_size;
}

/* What an index slot says beside its entry's number: four bits of the hash, and the distance. */
static uint32_t slot_tag(uint64_t hash, uint32_t far)
{
	return ((uint32_t)(hash >> 36) & 0xf0) | MIN(far, DISTANCE_MAX);
}

static uint32_t tag_far(uint32_t value)
{
	return value >> 24 & DISTANCE_MAX;
}

/* Prefetching reads it without the lock. */
static void set_slot(struct shard *shard, uint32_t slot, uint32_t value)
{
	__atomic_store_n(&shard->index[slot], value, __ATOMIC_RELAXED);
}

/* Puts into a slot what was in another one. */
static void set_moved(struct shard *shard, uint32_t slot, uint32_t value, uint32_t far)
{
	set_slot(shard, slot, (value & ~(DISTANCE_MAX << 24)) | MIN(far, DISTANCE_MAX) << 24);
}

static void prefetch_bytes(const void *first, size_t count)
{
	for (size_t at = 0; at < count; at += CACHE_LINE)
		__builtin_prefetch((const char *)first + at, 1);
	__builtin_prefetch((const char *)first + count - 1, 1);
}

void shard_prefetch(const struct shard *shard, uint64_t hash, uint16_t port)
{
	__builtin_prefetch(&shard->index[home_slot(shard, hash)], 1);
	prefetch_bytes(shard_recent(shard, hash, port), sizeof(struct recent));
}

bool shard_prefetch_entry(const struct shard *shard, uint64_t hash)
{
	uint32_t slot = home_slot(shard, hash);

	prefetch_bytes(&shard->lock, 2 * CACHE_LINE);
	for (uint32_t far = 0; far < PREFETCH_SLOTS; far++, slot = next_slot(shard, slot)) {
		uint32_t value = __atomic_load_n(&shard->index[slot], __ATOMIC_RELAXED);

		if (!value || tag_far(value) < far)
			return false;
		if (value >> 24 == slot_tag(hash, far)) {
			prefetch_bytes(&shard->entries[(value & 0xffffff) - 1],
				       sizeof(struct entry));
			return true;
		}
	}
	return true;
}

/* The slot that holds the key, or NIL: whoever is nearer to his home came after all of ours. */
static uint32_t find_slot(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	uint32_t slot = home_slot(shard, hash);

	for (uint32_t far = 0;; far++, slot = next_slot(shard, slot)) {
		uint32_t value = shard->index[slot];

		if (!value || (tag_far(value) < far && tag_far(value) < DISTANCE_MAX))
			return NIL;
		if (value >> 24 == slot_tag(hash, far) &&
		    addr_equal(&shard->entries[(value & 0xffffff) - 1].addr, key))
			return slot;
	}
}

struct entry *shard_find(const struct shard *shard, const struct addr *key, uint64_t hash)
{
	uint32_t slot = find_slot(shard, key, hash);

	return slot == NIL ? NULL : &shard->entries[(shard->index[slot] & 0xffffff) - 1];
}

/* How far a slot in use is from its home: mostly told by itself, without its entry. */
static uint32_t far_of(const struct clients *clients, const struct shard *shard, uint32_t slot)
{
	uint32_t value = shard->index[slot];
	const struct entry *entry = &shard->entries[(value & 0xffffff) - 1];

	if (tag_far(value) < DISTANCE_MAX)
		return tag_far(value);
	return distance(shard, home_slot(shard, clients_hash(clients, &entry->addr)), slot);
}

/* Linear probing, in which who is farther from home goes first (Celis, Robin Hood hashing). */
static void insert_slot(const struct clients *clients, struct shard *shard, uint64_t hash,
			uint32_t number)
{
	uint32_t slot = home_slot(shard, hash), far = 0;
	uint32_t value = slot_tag(hash, far) << 24 | (number + 1);

	for (; shard->index[slot]; slot = next_slot(shard, slot), far++) {
		uint32_t other = shard->index[slot], other_far = far_of(clients, shard, slot);

		if (other_far < far) {
			set_moved(shard, slot, value, far);
			value = other;
			far = other_far;
		}
	}
	set_moved(shard, slot, value, far);
}

/* What follows moves up by one, unless it is at home. */
static void clear_slot(const struct clients *clients, struct shard *shard, uint32_t slot)
{
	for (;;) {
		uint32_t next = next_slot(shard, slot);
		uint32_t far = shard->index[next] ? far_of(clients, shard, next) : 0;

		if (!far)
			break;
		set_moved(shard, slot, shard->index[next], far - 1);
		slot = next;
	}
	set_slot(shard, slot, 0);
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
	clear_slot(clients, shard,
		   find_slot(shard, &entry->addr, clients_hash(clients, &entry->addr)));
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
 * slot is fetched ahead, and the entry of the one after him.
 */
static void prefetch_victims(const struct clients *clients, const struct shard *shard)
{
	const struct entry *next;
	uint64_t hash;

	if (!shard->ages[AGE_ONCE].count && !shard->ages[AGE_AGAIN].count)
		return;
	next = find_victim(shard);
	hash = clients_hash(clients, &next->addr);
	__builtin_prefetch(&shard->index[home_slot(shard, hash)], 1);
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
	insert_slot(clients, shard, hash, (uint32_t)(entry - shard->entries));
	age_append(shard, entry, AGE_ONCE);
	shard->used++;
	return entry;
}

struct recent *shard_recent(const struct shard *shard, uint64_t hash, uint16_t port)
{
	return &shard->recent[hash_below((uint32_t)hash_mix(hash ^ port), shard->recent_count)];
}
