/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is usual where a client comes from: how many clients of each network show which MTU.
 * Each client counts once, when it is new, so an address with a thousand connections weighs
 * one; weights halve with time. Of fixed size: a network that weighs little gives way. Any
 * thread may call any function here; time and hash seed come from the caller.
 *
 * Why so careful: SYNs can be spoofed, and a provider of VPNs may have many addresses in one
 * network. So nothing becomes usual by one address, however often it comes (`spread` counts
 * addresses, not visits, and does not grow with them), and what is usual never takes more than
 * one grade off. What is rare never flags alone (link_weigh()).
 */
#ifndef SYNPRINT_CORE_BASELINE_BASELINE_H
#define SYNPRINT_CORE_BASELINE_BASELINE_H

#include "core/link/link.h"
#include "core/baseline/netnames.h"

#define BASELINE_MTUS 16 /* of each network; the rarest gives way */
#define BASELINE_PREFIXES_MIN 64
#define BASELINE_PREFIXES_MAX 16384 /* 5 MB */
#define BASELINE_SPREAD_MAX 64

/* From how many clients on, and at which share of them, an MTU is usual for a network ... */
#define BASELINE_NORMAL_CLIENTS 32
#define BASELINE_NORMAL_SHARE 0.2f
#define BASELINE_NORMAL_SPREAD 16 /* 32 addresses fill 25 of 64 places on average */
/* ... so usual that even a VPN's value is no more than possible ... */
#define BASELINE_SETTLED_CLIENTS 64
#define BASELINE_SETTLED_SHARE 0.5f
#define BASELINE_SETTLED_SPREAD 28 /* 64 addresses fill 40 */
/* ... and rare in it. */
#define BASELINE_RARE_CLIENTS 64
#define BASELINE_RARE_SHARE 0.01f

struct baseline;

struct baseline_params {
	size_t prefixes; /* networks, from BASELINE_PREFIXES_MIN to BASELINE_PREFIXES_MAX */
	unsigned v4_prefix_bits,
		v6_prefix_bits; /* of a network without a name: 8 to 32, 16 to 64 */
	unsigned half_life_s; /* weights halve in this time; more than 0 */
	uint64_t seed; /* of the hash; random, so that nobody can aim at one place */
};

struct baseline_mtu {
	float clients; /* weight */
	uint16_t mtu;
	uint16_t spread; /* about how many addresses showed it, at most BASELINE_SPREAD_MAX */
};

/* One network. */
struct baseline_prefix {
	struct addr net; /* masked; only without a name */
	uint8_t bits; /* of its own version */
	char name[NETNAMES_NAME_MAX + 1]; /* "" where the prefix itself is counted */
	float clients; /* weight, also of MTUs that are not listed */
	uint32_t last_seen_s; /* Unix time of the last new client */
	unsigned mtu_count;
	struct baseline_mtu mtus[BASELINE_MTUS]; /* most frequent first */
};

struct baseline_stats {
	size_t capacity, used;
	uint64_t evicted;
	size_t memory_bytes;
};

/** baseline_new() - empty, its memory reserved at once; NULL: no memory or bad parameters. */
struct baseline *baseline_new(const struct baseline_params *params);
void baseline_free(struct baseline *baseline);

/**
 * baseline_note() - count a new client.
 * @names: names of networks, or NULL
 * @now_s: Unix time
 */
void baseline_note(struct baseline *baseline, const struct netnames *names, uint32_t now_s,
		   const struct addr *addr, uint16_t mtu);

/**
 * baseline_judge() - what its network says about a client's MTU.
 * @grade: of the SYN alone: a higher one needs more to be usual
 * Return: the bit of REASON_BASELINE_NORMAL or REASON_BASELINE_RARE, or 0.
 */
uint64_t baseline_judge(struct baseline *baseline, const struct netnames *names, uint32_t now_s,
			const struct addr *addr, uint16_t mtu, enum link_grade grade);

/**
 * baseline_page() - copy networks in table order, from a cursor on.
 * @cursor: 0 to begin; then what @ret_next said
 * Return: how many were copied, at most @max; *ret_next is 0 after the last.
 */
size_t baseline_page(struct baseline *baseline, uint32_t now_s, uint64_t cursor, size_t max,
		     struct baseline_prefix *ret_prefixes, uint64_t *ret_next);

/**
 * baseline_is_about() - is a network in a prefix, or around it? One with a name is the one of the
 * prefix's first address.
 */
bool baseline_is_about(const struct netnames *names, const struct baseline_prefix *prefix,
		       const struct addr_net *net);

/**
 * baseline_forget() - forget what is usual in a prefix and around it, so that it is learned anew.
 * Return: how many networks were forgotten.
 */
size_t baseline_forget(struct baseline *baseline, const struct netnames *names,
		       const struct addr_net *net);

void baseline_get_stats(struct baseline *baseline, struct baseline_stats *ret_stats);

/**
 * baseline_export() - everything as bytes that every machine can read again.
 * @shift_s: is added to each time
 * @ret_bytes: to be freed with free()
 * Return: 0 or -ENOMEM.
 */
int baseline_export(struct baseline *baseline, int64_t shift_s, uint8_t **ret_bytes,
		    size_t *ret_len);

/**
 * baseline_import() - add what was exported, also by another configuration: networks of other
 * prefix lengths are left out.
 * @now_s: Unix time; what claims to be of later counts as of now
 * Return: 0, or -EINVAL for bytes that are damaged anywhere: then nothing was added.
 */
int baseline_import(struct baseline *baseline, uint32_t now_s, const uint8_t *bytes, size_t len);

#endif
