/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every place that verdicts are published to can do. A target belongs to one thread at a
 * time. Its functions never wait without bound, but an nft commit waits in the kernel for
 * whoever is committing.
 */
#ifndef SYNPRINT_PUBLISH_TARGET_H
#define SYNPRINT_PUBLISH_TARGET_H

#include "core/base/addr.h"
#include "core/base/text.h"

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

/* What is in a target, as it is now. */
struct target_element {
	struct addr addr; /* of a set of prefixes: its first one */
	uint16_t port; /* 0 where there is none */
	uint64_t left_ms; /* of its timeout; 0: not known */
};

struct target_visitor {
	void (*visit)(void *ctx, const struct target_element *element);
	void *ctx;
};

struct target;

struct target_type {
	/**
	 * ensure() - have the target there: made where it is missing and ours to make, checked
	 * where it is the administrator's. Of a pair, one set is enough: the other is left out until
	 * it is there and fits.
	 * @ret_created: something was missing, so the caller fills it again
	 * @ret_error: says in words what is wrong on failure, and on success which set of the pair
	 * is left out and why; may be NULL
	 * Return: 0; -ENOENT: the administrator's own is missing; -EINVAL: it has the wrong type
	 * or no timeouts; -EPERM; -errno.
	 */
	int (*ensure)(struct target *target, bool *ret_created, struct text_error *ret_error);

	/**
	 * commit() - do all of @ops, any number of them; the last one about an address counts.
	 * Return: 0; -ENFILE (nft) or -ENOSPC (ipset): a set is full, and new elements were left
	 * out of it; -ENOENT: a set is gone; -EPERM; -errno.
	 */
	int (*commit)(struct target *target, const struct publish_op *ops, size_t count);

	/**
	 * explain() - what commit()'s error means, in words that stay valid; NULL: as strerror(3)
	 * has it.
	 */
	const char *(*explain)(const struct target *target, int rc);

	/**
	 * check() - whether the target is there and still holds what was committed. Cheap: it asks
	 * for a few known elements, whatever the size. Where it is not intact, the caller ensures
	 * the target and fills it again.
	 * Return: 0 or -errno.
	 */
	int (*check)(struct target *target, bool *ret_intact);

	/**
	 * note() - an element that a packet brought; NULL where packets bring none. Where it is
	 * there, check() asks for it from now on.
	 */
	void (*note)(struct target *target, const struct publish_op *op);

	/**
	 * inherit() - @before is what it was before a reload, of the same name and still at work:
	 * what we made then is ours now, and is made anew where it is to be another. Before the
	 * first ensure(); NULL: nothing to inherit.
	 */
	void (*inherit)(struct target *target, const struct target *before);

	/**
	 * adopt() - what @before made, and is not removed because this one has its name, is ours;
	 * while this one is at work. NULL: nothing to adopt.
	 */
	void (*adopt)(struct target *target, const struct target *before);

	/**
	 * walk() - show each element that is in it, whoever put it there; what changes meanwhile may
	 * be missing. Return: 0 or -errno.
	 */
	int (*walk)(struct target *target, const struct target_visitor *visitor);

	/**
	 * drop() - delete elements that are there, and add others in their places, in as few
	 * transactions as possible: so that a full set has room for them. NULL: not possible.
	 * @ops: first those to be removed, each once, then those to be added
	 * Return: 0; -ENOENT: one of them was not there, and those of its transaction stay; -errno.
	 */
	int (*drop)(struct target *target, const struct publish_op *ops, size_t count);

	/** remove() - delete what we made and nothing else refers to. Return: 0 or -errno. */
	int (*remove)(struct target *target);

	void (*free)(struct target *target);
};

/* The first member of each target's own struct. */
struct target {
	const struct target_type *type;
	const char *name; /* the target's; for messages: "nft set inet synprint vpn4/vpn6" */
};

#endif
