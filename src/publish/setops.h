/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on sets: which of many count, and by which elements one sees that a set still holds what
 * was committed. Pure; time comes from the caller.
 */
#ifndef SYNPRINT_PUBLISH_SETOPS_H
#define SYNPRINT_PUBLISH_SETOPS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/addr.h"

#define SETOPS_MAX 512 /* operations in one transaction: 49 KB of nft messages, 18 KB of ipset's */

enum setops_version { SETOPS_V4, SETOPS_V6, SETOPS_VERSIONS };

static inline enum setops_version setops_version_of(const struct addr *addr)
{
	return addr_is_v4(addr) ? SETOPS_V4 : SETOPS_V6;
}

enum publish_op_kind {
	PUBLISH_ADD, /* an element that may be new */
	PUBLISH_REFRESH, /* one that should be there: its expiry begins anew, and it is made if gone */
	PUBLISH_REMOVE, /* be without it; no failure where it is missing */
};

struct publish_op {
	struct addr addr;
	uint16_t port;
	enum publish_op_kind kind;
	uint32_t timeout_s; /* what is left of it; 0: the target's own timeout */
	const char *comment; /* what is known of the client, static; NULL: nothing */
};

struct setops_list {
	const struct publish_op *ops;
	size_t count;
};

/* The operations of each address version, in their order. */
struct setops {
	struct setops_list lists[SETOPS_VERSIONS];
	struct publish_op kept[SETOPS_VERSIONS][SETOPS_MAX];
};

/**
 * setops_split() - the last operation about each element, by address version.
 * @count: at most SETOPS_MAX
 * @has_port: elements are an address and a port; else the port is not looked at
 * @prefix6: IPv6 elements are prefixes of so many bits, of which several may be one
 */
void setops_split(const struct publish_op *ops, size_t count, bool has_port, unsigned prefix6,
		  struct setops *ret);

/** setops_bytes() - the address as the kernel wants it, in network order. */
const uint8_t *setops_bytes(const struct addr *addr, enum setops_version version, size_t *ret_len);

#define SETOPS_WITNESSES 4

/*
 * Elements of one set that must be in it until their timeout. If somebody flushes the set, some
 * witness from before is missing, because between two looks only one of them is replaced.
 */
struct witnesses {
	struct witness_slot {
		struct publish_op op;
		uint64_t until_ms; /* 0: an empty slot */
	} slots[SETOPS_WITNESSES];
	unsigned next;
	bool may_replace;
};

/** witnesses_note() - what has just been committed; @now_ms is from before the commit. */
void witnesses_note(struct witnesses *witnesses, const struct setops_list *list, uint32_t timeout_s,
		    uint64_t now_ms);

/** witnesses_list() - who must be there now. Return: how many. */
unsigned witnesses_list(const struct witnesses *witnesses, uint64_t now_ms,
			struct publish_op ret_ops[SETOPS_WITNESSES]);

/** witnesses_looked() - the set was looked at: found intact, or not, and then all are forgotten. */
void witnesses_looked(struct witnesses *witnesses, bool is_intact);

#endif
