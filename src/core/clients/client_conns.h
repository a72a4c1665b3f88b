/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that an entry of the client table remembers, and what they say together. Only
 * what is confirmed counts for more than its own connection: a SYN may come from anybody. At most
 * all but one of the places hold confirmed connections, and no SYN takes one of these; so the last
 * one is for whoever calls next. Every function wants the shard's lock to be held.
 */
#ifndef SYNPRINT_CORE_CLIENTS_CLIENT_CONNS_H
#define SYNPRINT_CORE_CLIENTS_CLIENT_CONNS_H

#include "core/clients/client_shard.h"

/** conns_tuple() - what of destination and sequence number is kept of a connection. */
uint8_t conns_tuple(const struct clients *clients, const struct syn *syn);

/** conns_find() - as client_conn_find(): the place of a connection, or -1. @port: 0 for the one that stands for the client */
int conns_find(const struct entry *entry, uint16_t port);

/** conns_find_repeat() - the place of the connection whose SYN this repeats, or -1. */
int conns_find_repeat(const struct entry *entry, const struct syn *syn, uint8_t tuple,
		      uint32_t now_s);

/**
 * conns_push() - remember one more connection, for which one that is not confirmed gives way.
 * @is_rival: the SYN is on the tuple of the newest one from its port, which stays the one that is
 * found by it, and gives way to none of these
 */
void conns_push(struct entry *entry, const struct syn *syn, uint8_t tuple,
		const struct verdict *verdict, bool is_rival);

/** conns_weigh_link() - what this SYN's link is worth beside confirmed connections of late. */
void conns_weigh_link(const struct clients *clients, const struct entry *entry, uint32_t now_s,
		      struct verdict *verdict);

/** conns_weigh_mix() - flag a verdict where confirmed connections show several systems. */
void conns_weigh_mix(const struct entry *entry, struct verdict *verdict);

/** conns_asks() - is a connection with this verdict worth a confirmation? To be asked of each SYN. */
bool conns_asks(struct entry *entry, uint32_t now_s, uint16_t port, const struct verdict *verdict);

/** conns_agree() - do all connections that are remembered say the same as this verdict? */
bool conns_agree(const struct entry *entry, const struct verdict *verdict);

/** conns_forget_time() - a client that was confirmed once, nobody knows when. */
void conns_forget_time(struct entry *entry);

/** conns_confirm() - the connection at a place is confirmed now. Return: its verdict, wherever it is. */
const struct verdict *conns_confirm(const struct clients *clients, struct entry *entry, unsigned at,
				    uint32_t now_s);

#endif
