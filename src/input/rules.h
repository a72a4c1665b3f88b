/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that divert inbound SYNs to our queues: a base chain of our own in table
 * `inet synprint`, and the set `alive`, whose one element is the dead-man's switch. Everything
 * of ours carries a tag, and nothing without it is ever changed or deleted.
 */
#ifndef SYNPRINT_INPUT_RULES_H
#define SYNPRINT_INPUT_RULES_H

#include "nl/nl.h"
#include "core/base/text.h"

#define RULES_INTERFACES_MAX 32
#define RULES_ALIVE_TIMEOUT_MS 700 /* DESIGN.md section 2: refreshed every 200 ms */

enum rules_engine {
	RULES_AUTO, /* nft where the kernel has it, else xt */
	RULES_NFT, /* the queue expression (CONFIG_NFT_QUEUE) */
	RULES_XT, /* the NFQUEUE target through nft_compat */
	RULES_NONE, /* the administrator's own rules; only rules_print() is of use then */
};

enum rules_format {
	RULES_FORMAT_NFT,
	RULES_FORMAT_IPTABLES,
	RULES_FORMAT_IPSET, /* the sets that the iptables rules refer to */
};

struct rules_params {
	enum rules_engine engine;
	uint16_t queue_first, queue_count; /* at least one, the last at most 65535 */
	const char *const *interfaces; /* names; a trailing '*' stands for any rest */
	unsigned interface_count; /* 0: all */
	uint32_t limit; /* SYNs/s that each rule diverts at the most; 0: all */
};

struct rules_status {
	bool is_present;
	enum rules_engine engine; /* RULES_NFT or RULES_XT; these members only where present */
	uint16_t queue_first, queue_count;
	unsigned interface_count; /* 0: all */
	char interfaces[RULES_INTERFACES_MAX][16]; /* IFNAMSIZ */
	uint64_t syns; /* inbound SYNs counted since the rules were made, diverted or not */
	bool is_armed; /* the element of `alive` is there */
	bool has_bypass; /* no rule of ours holds SYNs while nobody reads the queue */
};

/** rules_engine_name() - "auto", "nft", "xt" or "none". */
const char *rules_engine_name(enum rules_engine engine);

/** rules_engine_parse() - Return: 0 or -EINVAL. */
int rules_engine_parse(const char *name, enum rules_engine *ret_engine);

/** rules_check() - whether the parameters make sense. Return: 0, or -EINVAL with the reason. */
int rules_check(const struct rules_params *params, struct text_error *ret_error);

/**
 * rules_apply() - have exactly these rules in the kernel.
 * The same rules again change nothing, counters included; others replace them in one
 * transaction. The diversion begins with the first rules_heartbeat().
 * @ret_engine: RULES_NFT or RULES_XT; may be NULL
 * @ret_error: on failure says in words what is wrong; may be NULL
 * Return: 0; -EINVAL: parameters; -EPERM: no CAP_NET_ADMIN; -EOPNOTSUPP: the kernel lacks what
 * the engine needs; -EEXIST: the names are taken by something of another kind; -errno.
 */
int rules_apply(struct nl *nl, const struct rules_params *params, enum rules_engine *ret_engine,
		struct text_error *ret_error);

/** rules_undivert() - delete the diverting rules only, before the queues are drained. 0 or -errno. */
int rules_undivert(struct nl *nl);

/**
 * rules_remove() - leave no trace of ours: rules, chain, `alive`, our own sets, and the table if
 * we made it and nothing else is in it. What other rules still refer to stays.
 * @sets: names of sets in our table that publishers made; a set without our tag stays
 * Return: 0, also where nothing was there; -errno.
 */
int rules_remove(struct nl *nl, const char *const *sets, size_t set_count);

/** rules_get_status() - what of ours is in the kernel. Return: 0, also where nothing is; -errno. */
int rules_get_status(struct nl *nl, struct rules_status *ret_status);

/**
 * rules_heartbeat() - divert for @timeout_ms from now on. To be called whatever the engine: the
 * rules that rules_print() gives have the set as well.
 * Return: 0; -ENOENT where the set is not there (it is not made); -errno.
 */
int rules_heartbeat(struct nl *nl, unsigned timeout_ms);

/**
 * rules_heartbeat_ipset() - the same for iptables rules, for a second from now on.
 * Return: 0; -ENOENT where the administrator made no such ipsets; -errno.
 */
int rules_heartbeat_ipset(struct nl *nl);

/** rules_disarm_ipset() - Return: 0, also where nothing was there; -errno. */
int rules_disarm_ipset(struct nl *nl);

/** rules_disarm() - stop diverting now. Return: 0, also where nothing was there; -errno. */
int rules_disarm(struct nl *nl);

/**
 * rules_print() - the same rules as text for `nft -f` (a kernel with the queue expression), or
 * for `ipset restore` and then iptables-restore and ip6tables-restore with --noflush.
 */
void rules_print(const struct rules_params *params, enum rules_format format, struct text_buf *out);

#endif
