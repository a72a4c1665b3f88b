/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the target nftset share: nftset.c makes and fills it, nftset_walk.c looks through it. */
#ifndef SYNPRINT_PUBLISH_NFTSET_IMPL_H
#define SYNPRINT_PUBLISH_NFTSET_IMPL_H

#include "nl/nft_ask.h"
#include "publish/nftset.h"
#include "publish/setops.h"

#define TARGET_NAME_MAX 1024 /* three names of NFT_NAME_MAXLEN and a few words */

struct nftset {
	struct target target;
	struct nl *nl;
	struct nft_batch *batch;
	uint8_t family; /* NFPROTO_* */
	bool is_foreign, has_port, is_map;
	bool updates; /* the kernel gives an element that exists its new timeout */
	bool is_out
		[SETOPS_VERSIONS]; /* missing, or not as it must be: the other one goes on alone */
	bool is_flushed; /* what a predecessor left in a map of ours may map to another mark */
	uint32_t timeout_s, size, mark;
	unsigned prefix6;
	char *table;
	char *names[SETOPS_VERSIONS]; /* NULL: not published */
	struct witnesses witnesses[SETOPS_VERSIONS];
	char target_name[TARGET_NAME_MAX];
};

#define NFTSET_KEY_BYTES_MAX 20 /* an IPv6 address, and a port padded to a register */

/**
 * nftset_make_key() - an element's key as the kernel has it.
 * Return: its length.
 */
size_t nftset_make_key(const struct nftset *set, enum setops_version version,
		       const struct addr *addr, uint16_t port,
		       uint8_t ret_key[NFTSET_KEY_BYTES_MAX]);

/* As struct target_type's. */
int nftset_walk(struct target *target, const struct target_visitor *visitor);
int nftset_drop(struct target *target, const struct publish_op *ops, size_t count);
int nftset_remove(struct target *target);

#endif
