/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the ruleset, which change nothing, and the removal of what has our tag. */
#ifndef SYNPRINT_NL_NFT_ASK_H
#define SYNPRINT_NL_NFT_ASK_H

#include "nl/nft.h"

/** nft_generation() - a number that each commit by anybody changes. Return: 0 or -errno. */
int nft_generation(struct nl *nl, uint32_t *ret_generation);

struct nft_set_info {
	uint32_t key_type, data_type, flags; /* NFT_TYPE_* twice, and enum nft_set_flags */
	uint32_t size; /* elements at the most; 0: no limit */
	uint32_t collect_ms; /* as struct nft_set_spec has it */
	bool has_tag;
};

/** nft_get_set() - ask about one set. Return: 0, -ENOENT, -errno. */
int nft_get_set(struct nl *nl, uint8_t family, const char *table, const char *name,
		struct nft_set_info *ret_info);

/** nft_remove_set() - delete a set with our tag from our table. 0; -EBUSY: rules refer to it; -errno. */
int nft_remove_set(struct nl *nl, struct nft_batch *batch, const char *name);

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

#endif
