/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a set's size, the number of workers and a party's percentage come to; see shares.h. */
#include "daemon/packets/shares.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NETWORK_MIN 512 /* for any network: a /24 is in the set at once */

/* Who wants an element, and when. The sets' places of one hash stand side by side: one way to memory. */
struct wish {
	const struct addr *addr;
	uint64_t hash, network_hash;
	bool is_once;
	uint64_t now_ms;
};

static uint64_t hash_of(const struct shares *shares, const struct addr *addr)
{
	return XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), shares->seed);
}

void shares_prefetch(const struct shares *shares, const struct addr *addr)
{
	__builtin_prefetch(&shares->counted[hash_of(shares, addr) % SHARES_COUNTED], 1);
}

/* Return: whether the element was counted within the window; the time is noted anew. */
static bool is_counted(struct shares_counted *counted, uint64_t hash, uint32_t window_s,
		       uint32_t now_s)
{
	if (counted->tag != hash >> 32 || !counted->seen_s || now_s - counted->seen_s >= window_s)
		return false;
	counted->seen_s = now_s;
	return true;
}

/* Those who went so that others have room give their share back, a part to each worker. */
static void give_back(struct shares *shares, const struct generation *generation, unsigned set)
{
	const struct config *config = generation->config;
	uint64_t before = shares->freed[set], now, count;

	if (!generation->publisher)
		return;
	now = publisher_freed(generation->publisher, set);
	if (now == before)
		return;
	count = now > before ? now - before : now; /* a reload begins anew */
	shares->freed[set] = now;
	quota_give(&shares->once[set], (uint32_t)config->sets[set].timeout_s,
		   (count + config->queue_count - 1) / config->queue_count);
}

/* Of both or of neither: what a network has too much takes nothing from others. */
static bool take(struct shares *shares, const struct generation *generation, unsigned set,
		 const struct wish *wish)
{
	const struct config *config = generation->config;
	uint32_t workers = config->queue_count;
	uint32_t window_s = (uint32_t)config->sets[set].timeout_s;
	uint32_t network_max = generation_share(generation, set, config->network_percent);
	struct quota *quota = &shares->networks[(wish->network_hash + set) % SHARES_NETWORKS];

	network_max = (network_max < NETWORK_MIN ? NETWORK_MIN : network_max) / workers;
	if (!quota_has(quota, network_max, window_s, wish->now_ms))
		return false;
	give_back(shares, generation, set);
	if (wish->is_once &&
	    !quota_take(&shares->once[set],
			generation_share(generation, set, config->once_percent) / workers, window_s,
			wish->now_ms)) {
		shares->without_once |= UINT32_C(1) << set;
		return false;
	}
	return quota_take(quota, network_max, window_s, wish->now_ms);
}

/* An IPv6 element may be a prefix, which this set has its own length of. */
static uint64_t element_hash(const struct shares *shares, const struct config_set *set,
			     const struct wish *wish)
{
	struct addr element;

	if (addr_is_v4(wish->addr) || set->prefix6 == 128)
		return wish->hash;
	element = addr_mask(wish->addr, (unsigned)set->prefix6);
	return hash_of(shares, &element);
}

/* An element with a port is another one each time. */
static bool take_once(struct shares *shares, const struct generation *generation, unsigned set,
		      const struct wish *wish)
{
	const struct config_set *config = &generation->config->sets[set];
	uint32_t now_s = (uint32_t)(wish->now_ms / 1000);
	struct shares_counted *counted;
	uint64_t hash;

	if (generation->port_sets >> set & 1)
		return take(shares, generation, set, wish);
	hash = element_hash(shares, config, wish);
	counted = &shares->counted[(hash + set) % SHARES_COUNTED];
	if (is_counted(counted, hash, (uint32_t)config->timeout_s, now_s))
		return true;
	if (!take(shares, generation, set, wish))
		return false;
	*counted = (struct shares_counted){.tag = (uint32_t)(hash >> 32), .seen_s = now_s};
	return true;
}

uint32_t shares_take(struct shares *shares, const struct generation *generation, uint32_t sets,
		     const struct addr *addr, bool is_once, uint64_t now_ms)
{
	struct addr network = addr_network(addr);
	struct wish wish = {.addr = addr,
			    .hash = hash_of(shares, addr),
			    .network_hash = hash_of(shares, &network),
			    .is_once = is_once,
			    .now_ms = now_ms};
	uint32_t taken = sets;

	shares->without_once = 0;
	for (uint32_t left = sets; left; left &= left - 1) {
		unsigned set = (unsigned)__builtin_ctz(left);

		if (!take_once(shares, generation, set, &wish))
			taken &= ~(UINT32_C(1) << set);
	}
	return taken;
}
