/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a set's size, the number of workers and a party's percentage come to; see shares.h. */
#include "daemon/packets/shares.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NETWORK_MIN 512 /* for any network: a /24 is in the set at once */

static uint64_t hash_of(const struct shares *shares, const struct addr *addr, unsigned set)
{
	return XXH3_64bits_withSeed(addr->bytes, sizeof(addr->bytes), shares->seed + set);
}

static struct quota *network_quota(struct shares *shares, const struct addr *network, unsigned set)
{
	return &shares->networks[hash_of(shares, network, set) % SHARES_NETWORKS];
}

/* Return: whether the element was counted within the window; the time is noted anew. */
static bool is_counted(struct shares *shares, uint64_t hash, uint32_t window_s, uint32_t now_s)
{
	struct shares_counted *counted = &shares->counted[hash % SHARES_COUNTED];

	if (counted->tag != hash >> 32 || !counted->seen_s || now_s - counted->seen_s >= window_s)
		return false;
	counted->seen_s = now_s;
	return true;
}

static void note_counted(struct shares *shares, uint64_t hash, uint32_t now_s)
{
	shares->counted[hash % SHARES_COUNTED] =
		(struct shares_counted){.tag = (uint32_t)(hash >> 32), .seen_s = now_s};
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
		 const struct addr *network, bool is_once, uint64_t now_ms)
{
	const struct config *config = generation->config;
	uint32_t workers = config->queue_count;
	uint32_t window_s = (uint32_t)config->sets[set].timeout_s;
	uint32_t once_max = generation_share(generation, set, config->once_percent);
	uint32_t network_max = generation_share(generation, set, config->network_percent);
	struct quota *quota = network_quota(shares, network, set);

	if (network_max < NETWORK_MIN)
		network_max = NETWORK_MIN;
	if (!quota_has(quota, network_max / workers, window_s, now_ms))
		return false;
	give_back(shares, generation, set);
	if (is_once && !quota_take(&shares->once[set], once_max / workers, window_s, now_ms)) {
		shares->without_once |= UINT32_C(1) << set;
		return false;
	}
	return quota_take(quota, network_max / workers, window_s, now_ms);
}

/* An element with a port is another one each time. */
static bool take_once(struct shares *shares, const struct generation *generation, unsigned set,
		      const struct addr *addr, bool is_once, uint64_t now_ms)
{
	const struct config_set *config = &generation->config->sets[set];
	struct addr element = addr_mask(addr, addr_is_v4(addr) ? 32 : (unsigned)config->prefix6);
	uint64_t hash = hash_of(shares, &element, set);
	uint32_t now_s = (uint32_t)(now_ms / 1000);
	bool has_port = generation->port_sets >> set & 1;
	struct addr network = addr_network(addr);

	if (!has_port && is_counted(shares, hash, (uint32_t)config->timeout_s, now_s))
		return true;
	if (!take(shares, generation, set, &network, is_once, now_ms))
		return false;
	if (!has_port)
		note_counted(shares, hash, now_s);
	return true;
}

uint32_t shares_take(struct shares *shares, const struct generation *generation, uint32_t sets,
		     const struct addr *addr, bool is_once, uint64_t now_ms)
{
	uint32_t taken = sets;

	shares->without_once = 0;
	for (uint32_t left = sets; left; left &= left - 1) {
		unsigned set = (unsigned)__builtin_ctz(left);

		if (!take_once(shares, generation, set, addr, is_once, now_ms))
			taken &= ~(UINT32_C(1) << set);
	}
	return taken;
}
