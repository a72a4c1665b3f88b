/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shard of the client table: an array of entries, an index into it, and lists
 * of the entries by age. Every function that does not say otherwise wants the shard's lock
 * to be held.
 *
 * Three lists: who was seen once, who came back, and who is confirmed. What has to give way in a
 * full shard is the oldest of those seen once, as long as they are more than an eighth of it, and
 * else the oldest of those who came back. The confirmed ones are never more than seven eighths: one
 * more of them sends their oldest back to the second list. So no SYN, however many, pushes out who
 * is confirmed; only other confirmed clients can. Who owns a network can come back, and be
 * confirmed, at each of its addresses: of each of these two lists one network has an eighth of a
 * shard at the most, and the rest of it stays on the list before.
 */
#ifndef SYNPRINT_CORE_CLIENTS_CLIENT_SHARD_H
#define SYNPRINT_CORE_CLIENTS_CLIENT_SHARD_H

#include <pthread.h>

#include "core/clients/client_table.h"

#define SHARD_NETWORKS 256 /* that are told apart where those who came back are counted */

#define SHARD_NUMBER_NONE ((1u << 24) - 1) /* of an entry: there is none */

enum age_list { AGE_ONCE, AGE_AGAIN, AGE_CONFIRMED, AGE_LISTS };

struct entry {
	struct verdict verdicts[CLIENT_CONNS]; /* newest first, as ports and tuples */
	struct addr addr;
	uint16_t ports[CLIENT_CONNS];
	uint8_t tuples[CLIENT_CONNS]; /* of destination and sequence number */
	uint32_t first_seen_s, last_seen_s, chg_seen_s;
	uint32_t syn_count : 31; /* 0: the entry is free */
	uint32_t is_port_withheld : 1; /* CLIENT_WITHHELD_PORT */
	uint32_t older : 24; /* on the age list; links the free list too */
	uint32_t conn_count : 3;
	uint32_t close_count : 2; /* confirmed connections that came shortly one after the other */
	uint32_t list : 2; /* enum age_list */
	uint32_t is_withheld : 1; /* CLIENT_WITHHELD_ADDR */
	uint32_t newer : 24;
	uint32_t confirmed : 4; /* a bit for each connection */
	uint32_t is_confirmed : 1; /* one of its connections was, once */
	uint32_t confirmed_high : 3; /* entry_confirmed_ticks() */
	uint32_t confirmed_low : 8;
	uint32_t reported_s : 16; /* low bits of the time of the last report */
	uint32_t mix : 8; /* how much several stacks alternate here */
};

_Static_assert(sizeof(struct entry) == 120, "memory for each client is a promise");

#define INDEX_SLOTS 20

/*
 * A cache line of the index: entries whose home it is, and, where there was no room for them, those of
 * lines before it. A search ends at the first line that nobody has passed, as in F14 of Folly.
 */
struct index_line {
	uint32_t passed; /* entries that found no room here, and are in a line behind */
	uint16_t numbers[INDEX_SLOTS]; /* entries */
	/* Eight bits of the hash for each, four in a number, but never 0; 0: the slot is free. */
	uint32_t tags[INDEX_SLOTS / 4];
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct index_line) == 64, "one look is one cache line");

/* A whole SYN is in one of so many places, side by side: of those in the way, the oldest gives way. */
#define RECENT_WAYS 2u

struct recent {
	uint64_t seen_ms;
	struct syn syn;
};

/* What never changes is apart from the lock and what it guards: threads take that line in turn. */
struct shard {
	struct entry *entries;
	struct index_line *lines;
	struct recent *recent;
	uint32_t entry_count, line_count, recent_count;
	pthread_mutex_t lock __attribute__((aligned(128)));
	struct {
		uint32_t oldest, newest, count;
	} ages[AGE_LISTS];
	uint32_t used, free_head, entry_top;
	uint32_t confirmed; /* entries with is_confirmed */
	uint64_t evicted;
	uint32_t count_of[AGE_LISTS][SHARD_NETWORKS]; /* entries by a hash of the network */
} __attribute__((aligned(128)));

struct clients {
	struct shard *shards;
	struct entry *entries;
	struct index_line *lines;
	struct recent *recent;
	struct clients_params params;
	enum link_grade threshold;
	unsigned shard_count;
	size_t memory_bytes;
};

/** clients_alloc() - all memory, and the shards in it. Return: false where there is none. */
bool clients_alloc(struct clients *clients);

/** clients_key() - the address under which one is kept: masked where subnets are clients. */
struct addr clients_key(const struct clients *clients, const struct addr *addr);

uint64_t clients_hash(const struct clients *clients, const struct addr *key);

/** clients_shard() - which shard has a key of this hash. */
struct shard *clients_shard(const struct clients *clients, uint64_t hash);

/** shard_prefetch() - begin to fetch the index and the place of the whole SYN; takes no lock. */
void shard_prefetch(const struct shard *shard, uint64_t hash, uint16_t port);

/** shard_prefetch_entry() - and then the entry, where the index has one; takes no lock. Return: false for a new one. */
bool shard_prefetch_entry(const struct shard *shard, uint64_t hash);

/** shard_find() - the entry of a key, or NULL. */
struct entry *shard_find(const struct shard *shard, const struct addr *key, uint64_t hash);

/** shard_add() - a new entry, the youngest of those seen once; another one may have to give way. */
struct entry *shard_add(const struct clients *clients, struct shard *shard, const struct addr *key,
			uint64_t hash);

void shard_remove(const struct clients *clients, struct shard *shard, struct entry *entry);

/**
 * shard_promote() - it came back, or is confirmed: the youngest of those, if its network has room
 * there. It never goes back by this.
 */
void shard_promote(const struct clients *clients, struct shard *shard, struct entry *entry,
		   enum age_list list);

/** shard_recent() - the first of the RECENT_WAYS places where the whole SYN of a connection may be. */
struct recent *shard_recent(const struct shard *shard, uint64_t hash, uint16_t port);

#endif
