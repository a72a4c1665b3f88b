/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of sets of eight entries, like a cache: whoever sends from everywhere makes the
 * lightest networks of a set give way, and never the heavy ones.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <sys/param.h>

#include "core/baseline/baseline_impl.h"
#include "core/base/reason.h"

/* Weights are brought up to date in steps of this part of a half-life: 1 % each. */
#define DECAY_STEPS 64

/* What a client is, for `spread`: whoever has an IPv6 subnet has all of its addresses. */
#define V6_CLIENT_BITS 64

#define LIGHT 0.05f /* weights below it are gone: a client after four half-lives */

_Static_assert(sizeof(struct baseline_entry) <= 336, "16384 prefixes take 5 MB");

static bool are_sane(const struct baseline_params *params)
{
	return params->prefixes >= BASELINE_PREFIXES_MIN &&
	       params->prefixes <= BASELINE_PREFIXES_MAX && params->v4_prefix_bits >= 8 &&
	       params->v4_prefix_bits <= 32 && params->v6_prefix_bits >= 16 &&
	       params->v6_prefix_bits <= 64 && params->half_life_s > 0;
}

struct baseline *baseline_new(const struct baseline_params *params)
{
	struct baseline *baseline;

	if (!are_sane(params))
		return NULL;
	baseline = aligned_alloc(_Alignof(struct baseline), sizeof(*baseline));
	if (!baseline)
		return NULL;
	memset(baseline, 0, sizeof(*baseline));
	baseline->params = *params;
	baseline->set_count = (params->prefixes + BASELINE_WAYS - 1) / BASELINE_WAYS;
	baseline->entries = calloc(baseline->set_count * BASELINE_WAYS, sizeof(*baseline->entries));
	for (unsigned i = 0; i < BASELINE_LOCKS; i++)
		pthread_mutex_init(&baseline->locks[i].mutex, NULL);
	if (baseline->entries)
		return baseline;
	baseline_free(baseline);
	return NULL;
}

void baseline_free(struct baseline *baseline)
{
	if (!baseline)
		return;
	free(baseline->entries);
	free(baseline);
}

size_t baseline_set_of(const struct baseline *baseline, const struct baseline_key *key)
{
	uint64_t hash = XXH3_64bits_withSeed(key, sizeof(*key), baseline->params.seed);

	return (size_t)(((hash & UINT32_MAX) * baseline->set_count) >> 32);
}

struct baseline_lock *baseline_lock_of(struct baseline *baseline, size_t set)
{
	return &baseline->locks[set % BASELINE_LOCKS];
}

static void make_key(const struct baseline *baseline, const struct netnames *names,
		     const struct addr *addr, struct baseline_key *ret_key)
{
	const char *name = names ? netnames_find(names, addr) : NULL;

	memset(ret_key, 0, sizeof(*ret_key)); /* its bytes are compared */
	if (name) {
		memcpy(ret_key->name, name, strlen(name));
		return;
	}
	ret_key->bits = (uint8_t)(addr_is_v4(addr) ? baseline->params.v4_prefix_bits
						   : baseline->params.v6_prefix_bits);
	ret_key->net = addr_mask(addr, ret_key->bits);
}

/* Weights as of now; an entry without any is free again. */
static void decay(const struct baseline *baseline, struct baseline_entry *entry, uint32_t now_s)
{
	unsigned kept = 0;
	uint32_t passed_s;
	float factor;

	if (now_s < entry->decayed_s)
		entry->decayed_s = now_s; /* the clock was set back */
	passed_s = now_s - entry->decayed_s;
	if (passed_s < baseline->params.half_life_s / DECAY_STEPS + 1)
		return;
	factor = exp2f(-(float)passed_s / (float)baseline->params.half_life_s);
	entry->clients *= factor;
	entry->decayed_s = now_s;
	for (unsigned i = 0; i < entry->slot_count; i++) {
		entry->slots[i].clients *= factor;
		if (entry->slots[i].clients >= LIGHT)
			entry->slots[kept++] = entry->slots[i];
	}
	entry->slot_count = (uint8_t)kept;
	entry->is_used = entry->clients >= LIGHT;
}

struct baseline_entry *baseline_find(struct baseline *baseline, size_t set, uint32_t now_s,
				     const struct baseline_key *key)
{
	struct baseline_entry *entries = &baseline->entries[set * BASELINE_WAYS];

	for (unsigned i = 0; i < BASELINE_WAYS; i++) {
		if (!entries[i].is_used || memcmp(&entries[i].key, key, sizeof(*key)) != 0)
			continue;
		decay(baseline, &entries[i], now_s);
		return entries[i].is_used ? &entries[i] : NULL;
	}
	return NULL;
}

struct baseline_entry *baseline_take(struct baseline *baseline, size_t set, uint32_t now_s,
				     const struct baseline_key *key)
{
	struct baseline_entry *entries = &baseline->entries[set * BASELINE_WAYS];
	struct baseline_entry *lightest = entries;

	for (unsigned i = 0; i < BASELINE_WAYS && lightest->is_used; i++) {
		decay(baseline, &entries[i], now_s);
		if (!entries[i].is_used || entries[i].clients < lightest->clients)
			lightest = &entries[i];
	}
	if (lightest->is_used)
		baseline_lock_of(baseline, set)->evicted++;
	memset(lightest, 0, sizeof(*lightest));
	lightest->key = *key;
	lightest->is_used = true;
	lightest->decayed_s = lightest->last_seen_s = now_s;
	return lightest;
}

static struct baseline_slot *find_slot(struct baseline_entry *entry, uint16_t mtu)
{
	for (unsigned i = 0; i < entry->slot_count; i++) {
		if (entry->slots[i].mtu == mtu)
			return &entry->slots[i];
	}
	return NULL;
}

/* The rarest makes room; what it weighed stays in the sum. */
static struct baseline_slot *add_slot(struct baseline_entry *entry, uint16_t mtu)
{
	struct baseline_slot *slot = entry->slots;

	if (entry->slot_count < BASELINE_MTUS) {
		slot = &entry->slots[entry->slot_count++];
	} else {
		for (unsigned i = 1; i < BASELINE_MTUS; i++) {
			if (entry->slots[i].clients < slot->clients)
				slot = &entry->slots[i];
		}
	}
	*slot = (struct baseline_slot){.mtu = mtu};
	return slot;
}

/* Without the seed: it has to mean the same after a restart, and one address has one bit anyway. */
static uint64_t seen_bit(const struct addr *addr)
{
	struct addr client = addr_is_v4(addr) ? *addr : addr_mask(addr, V6_CLIENT_BITS);

	return UINT64_C(1) << (XXH3_64bits(client.bytes, sizeof(client.bytes)) & 63);
}

static void entry_note(struct baseline_entry *entry, uint32_t now_s, const struct addr *addr,
		       uint16_t mtu)
{
	struct baseline_slot *slot = find_slot(entry, mtu);

	if (!slot)
		slot = add_slot(entry, mtu);
	slot->clients += 1;
	slot->seen |= seen_bit(addr);
	entry->clients += 1;
	entry->last_seen_s = now_s;
}

void baseline_note(struct baseline *baseline, const struct netnames *names, uint32_t now_s,
		   const struct addr *addr, uint16_t mtu)
{
	struct baseline_entry *entry;
	struct baseline_key key;
	struct baseline_lock *lock;
	size_t set;

	make_key(baseline, names, addr, &key);
	set = baseline_set_of(baseline, &key);
	lock = baseline_lock_of(baseline, set);
	pthread_mutex_lock(&lock->mutex);
	entry = baseline_find(baseline, set, now_s, &key);
	if (!entry)
		entry = baseline_take(baseline, set, now_s, &key);
	entry_note(entry, now_s, addr, mtu);
	pthread_mutex_unlock(&lock->mutex);
}

static void entry_copy(const struct baseline_entry *entry, struct baseline_prefix *ret_prefix)
{
	*ret_prefix = (struct baseline_prefix){.net = entry->key.net,
					       .bits = entry->key.bits,
					       .clients = entry->clients,
					       .last_seen_s = entry->last_seen_s,
					       .mtu_count = entry->slot_count};
	memcpy(ret_prefix->name, entry->key.name, sizeof(ret_prefix->name));
	for (unsigned i = 0; i < entry->slot_count; i++) {
		const struct baseline_slot *slot = &entry->slots[i];
		unsigned at = i;

		for (; at && ret_prefix->mtus[at - 1].clients < slot->clients; at--)
			ret_prefix->mtus[at] = ret_prefix->mtus[at - 1];
		ret_prefix->mtus[at] =
			(struct baseline_mtu){slot->clients, slot->mtu,
					      (uint16_t)__builtin_popcountll(slot->seen)};
	}
}

/* A single client is rare, also when it is the one that asks. */
static bool is_rare(const struct baseline_slot *slot, float all)
{
	float most = all * BASELINE_RARE_SHARE;

	return all >= BASELINE_RARE_CLIENTS && (!slot || slot->clients <= MAX(most, 1));
}

static bool is_usual(const struct baseline_slot *slot, float all, float clients, float share,
		     int spread)
{
	float least = all * share;

	return slot->clients >= clients && slot->clients >= least &&
	       __builtin_popcountll(slot->seen) >= spread;
}

static uint64_t entry_judge(struct baseline_entry *entry, uint16_t mtu, enum link_grade grade)
{
	const struct baseline_slot *slot = find_slot(entry, mtu);
	bool is_normal = false;

	if (slot && grade == LINK_LIKELY)
		is_normal = is_usual(slot, entry->clients, BASELINE_SETTLED_CLIENTS,
				     BASELINE_SETTLED_SHARE, BASELINE_SETTLED_SPREAD);
	else if (slot)
		is_normal = is_usual(slot, entry->clients, BASELINE_NORMAL_CLIENTS,
				     BASELINE_NORMAL_SHARE, BASELINE_NORMAL_SPREAD);
	if (is_normal)
		return reason_bit(REASON_BASELINE_NORMAL);
	return is_rare(slot, entry->clients) ? reason_bit(REASON_BASELINE_RARE) : 0;
}

/* The entry of an address, with its lock held; @ret_lock is to be unlocked in any case. */
static struct baseline_entry *lock_entry(struct baseline *baseline, const struct netnames *names,
					 uint32_t now_s, const struct addr *addr,
					 struct baseline_lock **ret_lock)
{
	struct baseline_key key;
	size_t set;

	make_key(baseline, names, addr, &key);
	set = baseline_set_of(baseline, &key);
	*ret_lock = baseline_lock_of(baseline, set);
	pthread_mutex_lock(&(*ret_lock)->mutex);
	return baseline_find(baseline, set, now_s, &key);
}

uint64_t baseline_judge(struct baseline *baseline, const struct netnames *names, uint32_t now_s,
			const struct addr *addr, uint16_t mtu, enum link_grade grade)
{
	struct baseline_lock *lock;
	struct baseline_entry *entry = lock_entry(baseline, names, now_s, addr, &lock);
	uint64_t reasons = entry ? entry_judge(entry, mtu, grade) : 0;

	pthread_mutex_unlock(&lock->mutex);
	return reasons;
}

size_t baseline_page(struct baseline *baseline, uint32_t now_s, uint64_t cursor, size_t max,
		     struct baseline_prefix *ret_prefixes, uint64_t *ret_next)
{
	size_t all = baseline->set_count * BASELINE_WAYS, count = 0;

	for (; cursor < all && count < max; cursor++) {
		struct baseline_entry *entry = &baseline->entries[cursor];
		struct baseline_lock *lock = baseline_lock_of(baseline, cursor / BASELINE_WAYS);

		pthread_mutex_lock(&lock->mutex);
		if (entry->is_used)
			decay(baseline, entry, now_s);
		if (entry->is_used)
			entry_copy(entry, &ret_prefixes[count++]);
		pthread_mutex_unlock(&lock->mutex);
	}
	*ret_next = cursor < all ? cursor : 0;
	return count;
}

bool baseline_is_about(const struct netnames *names, const struct baseline_prefix *prefix,
		       const struct addr_net *net)
{
	struct addr_net own = {prefix->net, (uint8_t)prefix->bits};
	const char *name;

	if (*prefix->name) {
		name = names ? netnames_find(names, &net->addr) : NULL;
		return name && strcmp(name, prefix->name) == 0;
	}
	return own.bits <= net->bits ? addr_net_holds(&own, &net->addr)
				     : addr_net_holds(net, &own.addr);
}

size_t baseline_forget(struct baseline *baseline, const struct netnames *names,
		       const struct addr_net *net)
{
	size_t all = baseline->set_count * BASELINE_WAYS, count = 0;

	for (size_t i = 0; i < all; i++) {
		struct baseline_entry *entry = &baseline->entries[i];
		struct baseline_lock *lock = baseline_lock_of(baseline, i / BASELINE_WAYS);
		struct baseline_prefix prefix;

		pthread_mutex_lock(&lock->mutex);
		if (entry->is_used) {
			entry_copy(entry, &prefix);
			if (baseline_is_about(names, &prefix, net)) {
				memset(entry, 0, sizeof(*entry));
				count++;
			}
		}
		pthread_mutex_unlock(&lock->mutex);
	}
	return count;
}

void baseline_get_stats(struct baseline *baseline, struct baseline_stats *ret_stats)
{
	size_t all = baseline->set_count * BASELINE_WAYS;
	struct baseline_stats stats = {.capacity = all,
				       .memory_bytes = sizeof(*baseline) +
						       all * sizeof(*baseline->entries)};

	for (size_t set = 0; set < baseline->set_count; set++) {
		struct baseline_lock *lock = baseline_lock_of(baseline, set);

		pthread_mutex_lock(&lock->mutex);
		for (unsigned i = 0; i < BASELINE_WAYS; i++)
			stats.used += baseline->entries[set * BASELINE_WAYS + i].is_used;
		if (set < BASELINE_LOCKS)
			stats.evicted += lock->evicted;
		pthread_mutex_unlock(&lock->mutex);
	}
	*ret_stats = stats;
}
