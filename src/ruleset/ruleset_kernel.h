/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset's parts as messages of a nf_tables transaction. */
#ifndef SYNPRINT_RULESET_RULESET_KERNEL_H
#define SYNPRINT_RULESET_RULESET_KERNEL_H

#include "nl/nft.h"
#include "ruleset/ruleset.h"

/** ruleset_batch_set() - have this set in our table, with our tag. */
void ruleset_batch_set(struct nft_batch *batch, const struct ruleset *ruleset,
		       const struct ruleset_set *set);

/** ruleset_batch_chain() - have this chain, with our tag. */
void ruleset_batch_chain(struct nft_batch *batch, const struct ruleset_chain *chain);

/** ruleset_batch_rule() - a rule at the end of its chain, with our tag. Return: 0 or -ENOMEM. */
int ruleset_batch_rule(struct nft_batch *batch, const struct ruleset *ruleset,
		       const struct rule *rule);

/** ruleset_key_type() - nft's number of a key's type; @ret_len: its bytes in the kernel. */
uint32_t ruleset_key_type(const struct rule_key *key, uint32_t *ret_len);

#endif
