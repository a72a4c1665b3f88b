/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client table: what is known of each address, in a fixed amount of memory. Sharded by a
 * keyed hash of the address; each shard has its own lock, index and age lists, so any thread
 * may call any function here. When a shard is full, somebody gives way, and that is counted:
 * whoever was silent longest of those that were seen once, and only where these are few, of the
 * others. Time and hash seed come from the caller.
 */
#ifndef SYNPRINT_CORE_CLIENTS_CLIENT_TABLE_H
#define SYNPRINT_CORE_CLIENTS_CLIENT_TABLE_H

#include "core/verdict/verdict.h"

#define CLIENT_CONNS 4 /* connections remembered for each client */

struct clients;

struct clients_params {
	size_t capacity; /* clients, at least 64 */
	size_t recent; /* whole SYNs kept for details, at least 64 */
	uint64_t seed; /* of the hash; random, so that nobody can aim at one shard */
	unsigned v6_prefix_bits; /* 128, or 64 to count an IPv6 subnet as one client */
	unsigned refresh_s; /* 1 to 32767: when an unchanged client is reported again */
	const struct vocab *vocab; /* kept, not owned: the families of classes */
};

struct client_conn {
	struct verdict verdict;
	uint16_t src_port;
};

struct client {
	struct addr addr; /* masked by v6_prefix_bits */
	uint32_t first_seen_s, last_seen_s; /* Unix time */
	uint32_t syn_count; /* connections; a retransmitted SYN counts once */
	uint32_t chg_seen_s; /* when the class last changed, 0 for never */
	uint8_t conn_count;
	bool is_withheld; /* clients_withhold() */
	struct client_conn conns[CLIENT_CONNS]; /* newest first */
};

enum change_kind {
	CHANGE_NONE, /* known, nothing to publish */
	CHANGE_NEW, /* first SYN of this client */
	CHANGE_VERDICT, /* known, but its verdict is another one now */
	CHANGE_REFRESH, /* the same, and due to be published again so that timeouts do not end */
	CHANGE_REPEAT, /* a retransmitted SYN: count nothing, publish nothing new */
};

struct change {
	struct addr addr;
	enum change_kind kind;
	uint32_t syn_count;
	bool is_withheld; /* clients_withhold(); before this SYN */
	struct verdict old_verdict; /* for CHANGE_VERDICT */
	struct verdict verdict; /* as it stands now, with VERDICT_SHARED where it applies */
};

struct clients_stats {
	size_t capacity, used;
	uint64_t evicted;
	size_t memory_bytes;
};

/** clients_new() - an empty table, its memory reserved at once; NULL: no memory or bad parameters. */
struct clients *clients_new(const struct clients_params *params);
void clients_free(struct clients *clients);

/** clients_set_refresh() - from now on, when an unchanged client is reported again: 1 to 32767 s. */
void clients_set_refresh(struct clients *clients, unsigned refresh_s);

/** clients_set_threshold() - from now on, the grade from which links are flagged; LINK_LIKELY before. */
void clients_set_threshold(struct clients *clients, enum link_grade threshold);

/* What a SYN's client is found by. */
struct client_key {
	struct addr addr; /* masked by v6_prefix_bits */
	uint64_t hash;
};

/**
 * clients_locate() - where the client of a SYN is, or would be: the memory that tells is fetched
 * from here on, and is there some hundred nanoseconds later.
 */
void clients_locate(const struct clients *clients, const struct syn *syn,
		    struct client_key *ret_key);

/** clients_prefetch() - fetch the client itself, after what clients_locate() began has arrived. */
void clients_prefetch(const struct clients *clients, const struct client_key *key);

/**
 * clients_observe() - count one SYN and what was decided about it. What the address's other
 * connections and the reasons say beyond the SYN is weighed here (verdict_weigh()).
 * @key: of clients_locate()
 * @now_ms: Unix time in milliseconds, of the burst
 * @ret_change: what publishers have to know
 */
void clients_observe(struct clients *clients, const struct client_key *key, uint64_t now_ms,
		     const struct syn *syn, const struct verdict *verdict,
		     struct change *ret_change);

/** clients_get() - copy what is known of an address. Return: 0 or -ENOENT. */
int clients_get(struct clients *clients, const struct addr *addr, struct client *ret_client);

/**
 * clients_get_syn() - the newest SYN of an address that is still kept whole.
 * @port: that connection's source port, 0 for the newest one
 * Return: 0, or -ENOENT where newer SYNs have taken its place.
 */
int clients_get_syn(struct clients *clients, const struct addr *addr, uint16_t port,
		    struct syn *ret_syn, uint64_t *ret_seen_ms);

/**
 * clients_mark() - add flags and reasons to what is known of one connection, such as that its
 * User-Agent lies.
 * @port: its source port, 0 for the newest one
 * @ret_change: CHANGE_VERDICT, or CHANGE_NONE where nothing was added
 * Return: 0, or -ENOENT where the connection is not remembered.
 */
int clients_mark(struct clients *clients, const struct addr *addr, uint16_t port, unsigned flags,
		 uint64_t reasons, struct change *ret_change);

/**
 * clients_restore() - put back what an earlier process knew of a client, younger ones last.
 * Return: whether one client less is there for it: another one gave way, or it is there already.
 */
bool clients_restore(struct clients *clients, const struct client *client);

/** clients_withhold() - note whether an address is missing in sets that it belongs in. */
void clients_withhold(struct clients *clients, const struct addr *addr, bool is_withheld);

/** clients_forget() - remove one address. Return: 0 or -ENOENT; @ret_client may be NULL. */
int clients_forget(struct clients *clients, const struct addr *addr, struct client *ret_client);

/**
 * clients_page() - copy clients in table order, from a cursor on.
 * @cursor: 0 to begin; then what @ret_next said. Clients that come or go meanwhile may be
 * missed or, rarely, repeated; none that stays is missed.
 * Return: how many were copied, at most @max; *ret_next is 0 after the last.
 */
size_t clients_page(struct clients *clients, uint64_t cursor, size_t max,
		    struct client *ret_clients, uint64_t *ret_next);

void clients_get_stats(struct clients *clients, struct clients_stats *ret_stats);

/** client_conn_find() - the remembered connection from @port (0: the newest), or NULL. */
const struct client_conn *client_conn_find(const struct client *client, uint16_t port);

#endif
