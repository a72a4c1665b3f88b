/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nft sets and ipsets have in common: which of many operations count, and by which elements
 * one sees that a set still holds what was committed. Pure; time comes from the caller.
 */
#ifndef SYNPRINT_PUBLISH_SETOPS_H
#define SYNPRINT_PUBLISH_SETOPS_H

#include "publish/target.h"

#define SETOPS_MAX 512 /* operations in one transaction: 49 KB of nft messages, 18 KB of ipset's */

enum setops_version { SETOPS_V4, SETOPS_V6, SETOPS_VERSIONS };

/* The operations of one address version; pointers into the caller's array. */
struct setops_list {
	size_t count;
	const struct publish_op *ops[SETOPS_MAX];
};

/** setops_ensure_fn - check or make one set. Return: 0, 1 where the pair has none of it, or negative. */
typedef int setops_ensure_fn(void *set, enum setops_version version, bool *is_created,
			     struct text_error *ret_error);

/**
 * setops_ensure() - both sets of a pair, one of which may be out of use.
 * @is_out: which are, from the last time on
 * @is_created: becomes true where one was made, or is good again
 * @ret_error: of the first one that is not good
 * Return: 0 where one of them is good; else what is wrong with the first.
 */
int setops_ensure(setops_ensure_fn *ensure, void *set, bool is_out[SETOPS_VERSIONS],
		  bool *is_created, struct text_error *ret_error);

/** setops_are_names() - one or two, NULL for none, each of 1 to @size - 1 bytes. */
bool setops_are_names(const char *name4, const char *name6, size_t size);

/**
 * setops_split() - the last operation about each element, by address version.
 * @count: at most SETOPS_MAX
 * @has_port: elements are an address and a port; else the port is not looked at
 */
void setops_split(const struct publish_op *ops, size_t count, bool has_port,
		  struct setops_list ret_lists[SETOPS_VERSIONS]);

/** setops_bytes() - the address as the kernel wants it, in network order. */
const uint8_t *setops_bytes(const struct addr *addr, enum setops_version version, size_t *ret_len);

#define WITNESSES 4

/*
 * Elements of one set that must be in it until their timeout. If somebody flushes the set, some
 * witness from before is missing, because between two looks only one of them is replaced.
 */
struct witnesses {
	struct witness {
		struct addr addr;
		uint16_t port;
		uint64_t until_ms; /* 0: an empty slot */
	} slots[WITNESSES];
	unsigned next;
	bool may_replace;
	bool has_port; /* as setops_split()'s; set by the owner */
};

/** witnesses_note() - what has just been committed; @now_ms is from before the commit. */
void witnesses_note(struct witnesses *witnesses, const struct setops_list *list, uint32_t timeout_s,
		    uint64_t now_ms);

/** witnesses_list() - who must be there now. Return: how many. */
unsigned witnesses_list(const struct witnesses *witnesses, uint64_t now_ms,
			struct witness ret_witnesses[WITNESSES]);

/** witnesses_looked() - the set was looked at: found intact, or not, and then all are forgotten. */
void witnesses_looked(struct witnesses *witnesses, bool is_intact);

#endif
