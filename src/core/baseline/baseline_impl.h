/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The baseline's table, shared by what counts (baseline.c) and what keeps it (baseline_bytes.c). */
#ifndef SYNPRINT_CORE_BASELINE_BASELINE_IMPL_H
#define SYNPRINT_CORE_BASELINE_BASELINE_IMPL_H

#include <pthread.h>

#include "core/baseline/baseline.h"

#define BASELINE_WAYS 8 /* places that one network can have */
#define BASELINE_LOCKS 64

/* All zero but for one of them: a name, or a masked prefix with its length. */
struct baseline_key {
	struct addr net;
	char name[NETNAMES_NAME_MAX + 1];
	uint8_t bits;
};

struct baseline_slot {
	float clients;
	uint16_t mtu;
	uint64_t seen; /* a bit for the hash of each address */
};

struct baseline_entry {
	struct baseline_key key;
	uint8_t is_used, slot_count;
	float clients; /* as of decayed_s */
	uint32_t decayed_s, last_seen_s;
	struct baseline_slot slots[BASELINE_MTUS];
};

/* The lock of a set of BASELINE_WAYS entries; a cache line each. */
struct baseline_lock {
	pthread_mutex_t mutex;
	uint64_t evicted;
} __attribute__((aligned(64)));

struct baseline {
	struct baseline_params params;
	struct baseline_entry *entries;
	struct baseline_lock locks[BASELINE_LOCKS];
	size_t set_count;
};

/* All of these want the set's lock, or that nobody else knows the table yet. */

/** baseline_set_of() - the number of the set in which a network is. */
size_t baseline_set_of(const struct baseline *baseline, const struct baseline_key *key);

/** baseline_lock_of() - what guards a set. */
struct baseline_lock *baseline_lock_of(struct baseline *baseline, size_t set);

/** baseline_find() - the network's entry in its set, weights as of now, or NULL. */
struct baseline_entry *baseline_find(struct baseline *baseline, size_t set, uint32_t now_s,
				     const struct baseline_key *key);

/** baseline_take() - an empty entry for a network that has none; another may give way. */
struct baseline_entry *baseline_take(struct baseline *baseline, size_t set, uint32_t now_s,
				     const struct baseline_key *key);

#endif
