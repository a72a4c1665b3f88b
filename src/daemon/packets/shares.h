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

struct shares {
	uint64_t seed; /* of the hash; random, so that nobody can aim at somebody else's quota */
	struct quota once[CONFIG_SETS_MAX];
	uint64_t freed[CONFIG_SETS_MAX]; /* publisher_freed(), as far as it was given back */
	uint32_t without_once; /* sets in which those seen once had no share left, last time */
	struct quota networks[SHARES_NETWORKS];
};

/**
 * shares_take() - take one new element of each of @sets, where there is one.
 * @is_once: for a client that was seen once
 * Return: those of @sets that had one.
 */
uint32_t shares_take(struct shares *shares, const struct generation *generation, uint32_t sets,
		     const struct addr *addr, bool is_once, uint64_t now_ms);

#endif
