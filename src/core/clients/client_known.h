/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table says of one client: as it is remembered, and what a SYN changed of it. */
#ifndef SYNPRINT_CORE_CLIENTS_CLIENT_KNOWN_H
#define SYNPRINT_CORE_CLIENTS_CLIENT_KNOWN_H

#include "core/verdict/verdict.h"

#define CLIENT_CONNS 4 /* connections remembered for each client */

struct client_conn {
	struct verdict verdict;
	uint16_t src_port;
	bool is_confirmed;
};

/* Where a client is missing though it belongs there, for the shares were used up. */
enum client_withheld {
	CLIENT_WITHHELD_ADDR = 1, /* in sets of addresses */
	CLIENT_WITHHELD_PORT = 2, /* in sets of addresses with ports: of these one may have many */
};

struct client {
	struct addr addr; /* masked by v6_prefix_bits */
	uint32_t first_seen_s, last_seen_s; /* Unix time */
	uint32_t syn_count; /* connections; a retransmitted SYN counts once */
	uint32_t chg_seen_s; /* when the class last changed, 0 for never */
	uint8_t conn_count;
	uint8_t withheld; /* bits of enum client_withheld */
	bool is_confirmed; /* one of its connections was, once */
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
	uint8_t withheld; /* bits of enum client_withheld, before this SYN */
	bool is_confirmed; /* the client is */
	bool asks; /* a confirmation of this connection would tell something */
	bool is_steady; /* the client is confirmed, and all that is remembered of it says the same */
	struct verdict
		old_verdict; /* for CHANGE_VERDICT: of the connection that stood for the client */
	struct verdict verdict; /* as it stands now, with VERDICT_SHARED where it applies */
};

/**
 * client_conn_find() - the remembered connection from @port: the newest confirmed one, or where
 * there is none the newest. With port 0, of all its connections: it stands for the client.
 * Return: NULL where none is from that port.
 */
const struct client_conn *client_conn_find(const struct client *client, uint16_t port);

/**
 * client_newer_differs() - does a connection without confirmation say something else than @conn?
 * @conn: one of the client's; only newer ones are looked at
 * @port: only those from that port, or 0
 */
bool client_newer_differs(const struct client *client, const struct client_conn *conn,
			  uint16_t port);

#endif
