/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place that verdicts are published to: a pair of sets in the kernel, one for each address
 * version. What all kinds have in common is here; a struct target_type says how the sets of one kind
 * are made and filled. A target belongs to one thread at a time. No function waits without bound,
 * but an nft commit waits in the kernel for whoever is committing.
 */
#ifndef SYNPRINT_PUBLISH_TARGET_H
#define SYNPRINT_PUBLISH_TARGET_H

#include "core/base/text.h"
#include "publish/setops.h"

#define TARGET_SET_NAME_MAX 256 /* bytes with the NUL (nf_tables.h: NFT_NAME_MAXLEN) */

enum target_family { TARGET_INET, TARGET_IP, TARGET_IP6 };

/* What a pair of sets is to be. Strings are copied. */
struct target_params {
	const char *name4, *name6; /* NULL: addresses of that version are not published */
	bool is_foreign; /* the administrator's: never made, never deleted */
	unsigned prefix6; /* IPv6 addresses are cut to so many bits; 0 or 128: whole ones */
	uint32_t timeout_s; /* of an element, at least 1 */
	uint32_t size; /* elements at most of a set that we make; 0: the kind's own limit */
	bool has_comment; /* ipsets that we make have a comment for each element */
	/* Of nft sets alone: */
	enum target_family family; /* of the table */
	const char *table; /* NULL: ours, `inet synprint` */
	bool has_port; /* elements are `addr . port` */
	bool is_map; /* elements map to @mark */
	bool is_kept; /* a map of ours has the right mark already; else it is emptied */
	uint32_t mark;
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

/* The first member of each kind's own struct. */
struct target {
	const struct target_type *type;
	struct target_params params; /* without its strings */
	char name[1024]; /* what it is in the kernel: "nft set inet synprint vpn4/vpn6" */
	char sets[SETOPS_VERSIONS][TARGET_SET_NAME_MAX]; /* "": not published */
	bool is_out[SETOPS_VERSIONS]; /* missing, or it does not fit: the other goes on alone */
	struct witnesses witnesses[SETOPS_VERSIONS];
};

/* How one kind does it. Errors as those of target_ensure() and target_commit(). */
struct target_type {
	/* Can it take our elements? -ENOENT: it is missing, or ours and to be made anew. */
	int (*find)(struct target *target, enum setops_version version,
		    struct text_error *ret_error);
	/* Have it there. */
	int (*make)(struct target *target, enum setops_version version,
		    struct text_error *ret_error);
	/* target_commit() of what is left of it; witnesses of what succeeded are noted. */
	int (*commit)(struct target *target, const struct setops_list lists[SETOPS_VERSIONS]);
	/* Are the set, and up to SETOPS_WITNESSES elements of it, there? Else -ENOENT. */
	int (*ask)(struct target *target, enum setops_version version, const struct publish_op *ops,
		   unsigned count);
	/* Take out what has timed out. NULL: the kernel does. */
	int (*expire)(struct target *target, enum setops_version version);
	/* target_walk() of one set. */
	int (*walk)(struct target *target, enum setops_version version,
		    const struct target_visitor *visitor);

	/*
	 * Of one version, first elements that are there go, each once, and then others come in their
	 * places: in as few transactions as possible. NULL: not possible.
	 */
	int (*drop)(struct target *target, const struct publish_op *ops, size_t count);

	/* What an error means, in words that stay valid. */
	const char *(*explain)(const struct target *target, int rc);

	/*
	 * What @before, of the same name before a reload, has made is ours: while that is at work, and
	 * again (adopt) when it ends and this one is. NULL: the kernel tells what is ours.
	 */
	void (*inherit)(struct target *target, const struct target *before);
	void (*adopt)(struct target *target, const struct target *before);

	/* Delete the set, if we made it. -EBUSY: something refers to it. */
	int (*remove)(struct target *target, enum setops_version version);

	void (*free)(struct target *target);
};

/**
 * target_init() - of storage that is zero. Return: 0, or -EINVAL: parameters.
 * @kind: what its name begins with
 * @name_size: bytes of a set's name at the most, with the NUL
 */
int target_init(struct target *target, const struct target_type *type,
		const struct target_params *params, const char *kind, size_t name_size);

/**
 * target_ensure() - have the target there: made where it is missing and ours to make, checked
 * where it is the administrator's. Of a pair, one set is enough: the other is left out until
 * it is there and fits.
 * @ret_created: something was missing, so the caller fills it again
 * @ret_error: says in words what is wrong on failure, and on success which set of the pair
 * is left out and why; may be NULL
 * Return: 0; -ENOENT: the administrator's own is missing; -EINVAL: it has the wrong type
 * or no timeouts; -EPERM; -errno.
 */
int target_ensure(struct target *target, bool *ret_created, struct text_error *ret_error);

/**
 * target_commit() - do all of @ops, any number of them; the last one about an address counts.
 * Return: 0; target_is_full(): new elements were left out of a set; -ENOENT: a set is gone; -EPERM;
 * -errno.
 */
int target_commit(struct target *target, const struct publish_op *ops, size_t count);

/** target_is_full() - whether that is what a commit said: -ENFILE (nft) or -ENOSPC (ipset). */
bool target_is_full(int rc);

/**
 * target_check() - whether it is there and still holds what was committed: it asks for a few known
 * elements, whatever the size. Else the caller ensures it and fills it again. Return: 0 or -errno.
 */
int target_check(struct target *target, bool *ret_intact);

/**
 * target_note() - an element that a packet brought, and that may have been renewed an eighth of the
 * timeout ago (generation_is_renewed()). Where it is there, target_check() asks for it from now on.
 */
void target_note(struct target *target, const struct publish_op *op);

/** target_remove() - delete what we made and nothing else refers to. Return: 0 or -errno. */
int target_remove(struct target *target);

/** target_walk() - each element, whoever put it there; what changes meanwhile may be missing. 0 or -errno. */
int target_walk(struct target *target, const struct target_visitor *visitor);

#endif
