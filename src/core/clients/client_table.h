/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client table: what is known of each address, in a fixed amount of memory. Sharded by a
 * keyed hash of the address; each shard has its own lock, index and age lists, so any thread
 * may call any function here. When a shard is full, somebody gives way, and that is counted:
 * whoever was silent longest of those that were seen once, and only where these are few, of those
 * who came back; whoever is confirmed gives way to other confirmed clients alone. Time and hash
 * seed come from the caller.
 *
 * Anybody can send a SYN with any source. So what a SYN says counts for its own connection, and
 * for nothing else until clients_confirm() says that there was a handshake.
 */
#ifndef SYNPRINT_CORE_CLIENTS_CLIENT_TABLE_H
#define SYNPRINT_CORE_CLIENTS_CLIENT_TABLE_H

#include "core/clients/client_known.h"

struct clients;

struct clients_params {
	size_t capacity; /* clients, at least 64 */
	size_t recent; /* whole SYNs kept for details, at least 64 */
	uint64_t seed; /* of the hash; random, so that nobody can aim at one shard */
	unsigned v6_prefix_bits; /* 128, or 64 to count an IPv6 subnet as one client */
	unsigned refresh_s; /* 1 to 32767: when an unchanged client is reported again */
	const struct vocab *vocab; /* kept, not owned: the families of classes */
};

struct clients_stats {
	size_t capacity, used;
	size_t confirmed; /* of those used */
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

/**
 * clients_prefetch() - fetch the client itself, after what clients_locate() began has arrived.
 * Return: false where it is a new one, as far as can be told without a lock.
 */
bool clients_prefetch(const struct clients *clients, const struct client_key *key);

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

/* A connection whose server has answered an accepted handshake. */
struct client_handshake {
	struct addr client, server; /* as in the SYN */
	uint16_t client_port, server_port;
	bool has_ack;
	uint32_t ack; /* what the server's answer acknowledges */
};

struct client_confirmed {
	struct addr addr; /* of the client, masked by v6_prefix_bits */
	bool is_first; /* nothing of this client was confirmed before */
	uint32_t syn_count;
	uint64_t
		seen_ms; /* when its SYN came, or one of before; 0: it is not kept whole any more */
	struct verdict verdict; /* of the connection */
	bool has_before; /* another connection was confirmed before it */
	struct verdict before; /* of the newest of these */
};

/**
 * clients_confirm() - a connection is what its SYN said: it had a handshake.
 * Where several SYNs were on one tuple, the whole one that is kept and the number that the server
 * acknowledges tell which one it was.
 * Return: 0, also where it was confirmed before; -ENOENT where the connection is not remembered.
 */
int clients_confirm(struct clients *clients, const struct client_handshake *handshake,
		    uint32_t now_s, struct client_confirmed *ret_confirmed);

/** clients_get() - copy what is known of an address. Return: 0 or -ENOENT. */
int clients_get(struct clients *clients, const struct addr *addr, struct client *ret_client);

/**
 * clients_get_syn() - the SYN of a connection, where it is still kept whole.
 * @port: its source port, 0 for the one that stands for the client (client_conn_find())
 * Return: 0, also where the table remembers nothing of the connection any more, but this; -ENOENT
 * where other SYNs have taken its place.
 */
int clients_get_syn(struct clients *clients, const struct addr *addr, uint16_t port,
		    struct syn *ret_syn, uint64_t *ret_seen_ms);

/**
 * clients_mark() - add flags and reasons to what is known of one connection, such as that its
 * User-Agent lies.
 * @port: its source port, 0 for the one that stands for the client
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

/** clients_withhold() - note where an address is missing: bits of enum client_withheld, 0 for nowhere. */
void clients_withhold(struct clients *clients, const struct addr *addr, unsigned withheld);

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

#endif
