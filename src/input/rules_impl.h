/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of module rules share: the names, and our rules as they are in the kernel. */
#ifndef SYNPRINT_INPUT_RULES_IMPL_H
#define SYNPRINT_INPUT_RULES_IMPL_H

#include "input/rules.h"
#include "nl/nft_ask.h"
#include "ruleset/groups.h"

#define RULES_CHAIN "divert"
#define RULES_OLD_ALIVE "alive" /* the switch of version 0.1, an element for TCP */
#define RULES_FOREIGN_TAG "own " NFT_OUR_TAG /* the comment of what the administrator loads */
#define RULES_IPSET_ALIVE "synprint_alive"
#define RULES_IPSET_ALL4 "synprint_all4"
#define RULES_IPSET_ALL6 "synprint_all6"
#define RULES_IPSET_TIMEOUT_S 1 /* ipset knows whole seconds only */
#define RULES_FOUND_MAX 512

/* One of our rules in the kernel. */
struct rules_found {
	uint64_t handle, packets, packets_behind; /* of the first and of the second counter */
	bool bypasses; /* its queue lets SYNs pass where nobody reads it */
	bool is_foreign;
	char chain[NFT_CHAIN_MAXNAMELEN];
	char comment[NFT_COMMENT_MAX + 1]; /* behind the tag */
	char set[RULESET_NAME_MAX + 1]; /* that it changes; "": none */
};

struct rules_survey {
	unsigned count;
	struct rules_found rules[RULES_FOUND_MAX];
};

/** rules_survey() - our rules, in the order of the kernel. Return: 0 or -errno. */
int rules_survey(struct nl *nl, struct rules_survey *ret_survey);

#endif
