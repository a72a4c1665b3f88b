/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of each set one party may fill. Anybody can send one SYN from any address, and only who
 * is there sends a second one: clients that were seen once get a share of a set. Who owns a network
 * is there at all its addresses: a network gets one too. Each worker has a part of these shares of
 * its own, so none waits for another.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_SHARES_H
#define SYNPRINT_DAEMON_PACKETS_SHARES_H

#include "daemon/packets/generation.h"
#include "core/base/quota.h"

#define SHARES_NETWORKS 8192 /* quotas of networks and sets; two may share one */

#define SHARES_COUNTED 16384 /* elements that are known to be counted; they push each other out */

/* An element that has taken its share, and is in its set as long as it is seen again in time. */
struct shares_counted {
	uint32_t tag, seen_s;
};

struct shares {
	uint64_t seed; /* of the hash; random, so that nobody can aim at somebody else's quota */
	struct quota once[CONFIG_SETS_MAX];
	uint64_t freed[CONFIG_SETS_MAX]; /* publisher_freed(), as far as it was given back */
	uint32_t without_once; /* sets in which those seen once had no share left, last time */
	struct quota networks[SHARES_NETWORKS];
	struct shares_counted counted[SHARES_COUNTED];
};

/** shares_prefetch() - begin to fetch what shares_take() looks at for an address. */
void shares_prefetch(const struct shares *shares, const struct addr *addr);

/**
 * shares_take() - take one new element of each of @sets, where there is one. An address that has taken
 * one and was seen again within the set's timeout needs no other: where a subnet is one client, that
 * is not known of its addresses otherwise.
 * @is_once: for a client that was seen once
 * Return: those of @sets that had one.
 */
uint32_t shares_take(struct shares *shares, const struct generation *generation, uint32_t sets,
		     const struct addr *addr, bool is_once, uint64_t now_ms);

#endif
