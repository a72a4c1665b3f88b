/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nf_tables transactions: messages are put into a batch, which the kernel commits whole or not
 * at all. Also what rules and publishers both need to know of the ruleset: our table, the tag on
 * what we made, and questions about it.
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
#define NFT_BATCH_BYTES 98304 /* a socket sends 212992 at once by default (net.core.wmem_default) */
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
};

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
 * CAP_NET_ADMIN; -EMSGSIZE: more was put than there was room for; -ETIMEDOUT.
 */
int nft_batch_commit(struct nft_batch *batch, unsigned *ret_failed);

/** nft_generation() - a number that each commit by anybody changes. Return: 0 or -errno. */
int nft_generation(struct nl *nl, uint32_t *ret_generation);

struct nft_set_info {
	uint32_t key_type, data_type, flags; /* NFT_TYPE_* twice, and enum nft_set_flags */
	uint32_t size; /* elements at the most; 0: no limit */
	bool has_tag;
};

/** nft_get_set() - ask about one set. Return: 0, -ENOENT, -errno. */
int nft_get_set(struct nl *nl, uint8_t family, const char *table, const char *name,
		struct nft_set_info *ret_info);

/** nft_remove_set() - delete a set with our tag from our table. 0; -EBUSY: rules refer to it; -errno. */
int nft_remove_set(struct nl *nl, struct nft_batch *batch, const char *name);

/** nft_put_chain_tag() - have a new chain with our tag. */
void nft_put_chain_tag(struct nlmsghdr *nlh);

/** nft_remove_chain() - delete a chain with our tag from our table, unless others use it. 0 or -errno. */
int nft_remove_chain(struct nl *nl, struct nft_batch *batch, const char *name);

/** nft_remove_table() - delete our table where it has our tag and is empty. Return: 0 or -errno. */
int nft_remove_table(struct nl *nl, struct nft_batch *batch);

/**
 * nft_explain() - why the kernel does not change a table, in words that stay valid: what is not
 * permitted may be a capability that is missing, or a table that another process owns.
 * @family: NFPROTO_* of @table
 */
const char *nft_explain(struct nl *nl, uint8_t family, const char *table, int rc);

/** nft_get_table() - the flags (enum nft_table_flags) of a table of family inet. 0, -ENOENT, -errno. */
int nft_get_table(struct nl *nl, const char *name, uint32_t *ret_flags);

/* Where a set is. */
struct nft_set_place {
	uint8_t family; /* NFPROTO_* */
	const char *table, *set;
};

/**
 * nft_list_elements() - call @fn for each key of a set, with the time that it has left (0: it stays).
 * What somebody changes meanwhile may be missing, or come twice.
 * Return: 0; -ENOENT; -errno.
 */
int nft_list_elements(struct nl *nl, const struct nft_set_place *place,
		      void (*fn)(const void *key, size_t len, uint64_t left_ms, void *ctx),
		      void *ctx);

/**
 * nft_list_chains() - call @fn for each chain of our table; @is_ours: it has our tag. None where there
 * is no table. Return: 0 or -errno.
 */
int nft_list_chains(struct nl *nl, void (*fn)(const char *name, bool is_ours, void *ctx),
		    void *ctx);

/**
 * nft_list_rules() - call @fn for each rule of a chain (NULL: of the table); none where there is
 * no such chain. Return: 0 or -errno.
 */
int nft_list_rules(struct nl *nl, uint8_t family, const char *table, const char *chain,
		   void (*fn)(struct nftnl_rule *rule, void *ctx), void *ctx);

/** nft_rule_comment() - the comment of a rule, owned by the rule, or NULL. */
const char *nft_rule_comment(const struct nftnl_rule *rule);

/** nft_rule_set_comment() - at most NFT_COMMENT_MAX bytes of text. Return: 0 or -ENOMEM. */
int nft_rule_set_comment(struct nftnl_rule *rule, const char *comment);

#endif
