/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nf_tables transactions: messages are put into a batch, which the kernel commits whole or not
 * at all. Our table, and the tag on what we made. Questions are in nft_ask.h.
 */
#ifndef SYNPRINT_NL_NFT_H
#define SYNPRINT_NL_NFT_H

#include <stdbool.h>
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "nl/nl.h"

#define NFT_OUR_TABLE "synprint" /* of family inet */
#define NFT_OUR_TAG "synprint" /* the comment of what we made: only that is ours to delete */
#define NFT_COMMENT_MAX 127 /* bytes without the NUL (libnftnl: NFTNL_UDATA_COMMENT_MAXLEN) */
#define NFT_BATCH_BYTES 204800 /* a socket sends 212992 by default (net.core.wmem_default) */
#define NFT_TYPE_INET_PROTO 12 /* nft's numbers of data types (nftables: include/datatype.h) */
#define NFT_TYPE_IPV4_ADDR 7
#define NFT_TYPE_IPV6_ADDR 8
#define NFT_TYPE_INET_SERVICE 13
#define NFT_HOST_ENDIAN 1 /* enum byteorder there */
#define NFT_TYPE_MARK 19
#define NFT_TYPE_CONCAT(first, second) ((first) << 6 | (second)) /* TYPE_BITS there */

/* A message's type outside of a batch. */
#define NFT_MSG_TYPE(message) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | (message)))

struct nft_batch;

/** nft_batch_new() - an empty batch over a connection that outlives it; NULL: no memory. */
struct nft_batch *nft_batch_new(struct nl *nl);
void nft_batch_free(struct nft_batch *batch);

/** nft_batch_clear() - forget what was put. */
void nft_batch_clear(struct nft_batch *batch);

/**
 * nft_batch_expect() - commit the next transaction only where nobody has committed anything since.
 * Before the first message.
 * @generation: of nft_generation(), asked before what the transaction goes by was read
 */
void nft_batch_expect(struct nft_batch *batch, uint32_t generation);

/**
 * nft_batch_put() - begin the next message, to be filled through libnftnl or libmnl.
 * Names and numbers are not counted; who puts elements sees to it that all of a batch stay
 * within NFT_BATCH_BYTES.
 * @type: NFT_MSG_*
 * @flags: NLM_F_CREATE, NLM_F_EXCL, NLM_F_NONREC, ...
 */
struct nlmsghdr *nft_batch_put(struct nft_batch *batch, uint16_t type, uint8_t family,
			       uint16_t flags);

/**
 * nft_batch_put_table() - have our table; where it is missing, it is made with our tag.
 * @must_work: where somebody made it dormant, it is woken
 */
void nft_batch_put_table(struct nft_batch *batch, bool must_work);

/* A set, or a map to a mark, with element timeouts in our table. */
struct nft_set_spec {
	const char *name;
	uint32_t key_type, key_len; /* NFT_TYPE_*, bytes */
	bool is_mark_map;
	uint64_t timeout_ms; /* of elements that come without one; 0: they stay */
	uint32_t size; /* elements at the most; 0: no limit */
	uint32_t collect_ms; /* how often the kernel takes out what has timed out; 0: each second */
};

/**
 * nft_collect_ms() - how often to take out what has timed out after @timeout_ms. Each time the kernel
 * looks at every element; those that have timed out take room until then, and nothing else.
 * Return: whole seconds, at most a minute; 0: each second, the kernel's own choice.
 */
uint32_t nft_collect_ms(uint64_t timeout_ms);

/**
 * nft_batch_put_set() - have this set, which packets may fill; where it is missing, it is made
 * with our tag.
 * @udata: what else nft is to keep beside the set; NULL: nothing
 */
void nft_batch_put_set(struct nft_batch *batch, const struct nft_set_spec *spec,
		       const struct nftnl_udata_buf *udata);

/** nft_begin_elements() - name the set in a message about elements; mnl_attr_nest_end() the result. */
struct nlattr *nft_begin_elements(struct nlmsghdr *nlh, const char *table, const char *set);

/**
 * nft_put_element() - one element.
 * @key: in network order; the parts of a concatenation are each padded to 4 bytes
 * @mark: what a map maps it to, in host order; NULL in a set
 * @timeout_ms: 0 for none of its own
 * @expires_ms: 0: when its timeout is over; else one that exists already is told anew, on
 * kernels with nft_updates_elements()
 */
void nft_put_element(struct nlmsghdr *nlh, const void *key, size_t key_len, const uint32_t *mark,
		     uint64_t timeout_ms, uint64_t expires_ms);

/**
 * nft_updates_elements() - whether adding an element that exists gives it the new timeout: Linux
 * 6.12 and later (nf_tables_api.c: nft_add_set_elem). Earlier ones keep the old without a word.
 */
bool nft_updates_elements(void);

/** nft_batch_put_flush() - delete every element of a set in our table. */
void nft_batch_put_flush(struct nft_batch *batch, const char *set);

/**
 * nft_batch_commit() - send the batch as one transaction, wait for the answer, and empty it.
 * An empty batch is 0 at once.
 * @ret_failed: on failure the first message that failed, counted from 0, or how many there are
 * where the batch was refused as a whole; may be NULL
 * Return: 0; -errno of the first message that failed, and nothing has changed; -EPERM without
 * CAP_NET_ADMIN; -EMSGSIZE: more was put than there was room for; -ERESTART: somebody has committed
 * since the generation that was expected; -ETIMEDOUT.
 */
int nft_batch_commit(struct nft_batch *batch, unsigned *ret_failed);

/** nft_put_chain_tag() - have a new chain with our tag. */
void nft_put_chain_tag(struct nlmsghdr *nlh);

/** nft_rule_set_comment() - at most NFT_COMMENT_MAX bytes of text. Return: 0 or -ENOMEM. */
int nft_rule_set_comment(struct nftnl_rule *rule, const char *comment);

#endif
