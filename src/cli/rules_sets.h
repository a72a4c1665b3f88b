/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sets that the configuration publishes to, as text that nft and ipset(8) load: so they are there
 * before synprintd runs, and so are the rules that refer to them. */
#ifndef SYNPRINT_CLI_RULES_SETS_H
#define SYNPRINT_CLI_RULES_SETS_H

#include "config/config_rules.h"

/**
 * rules_sets_put() - every published set: of nft, in the tables where they are, or every ipset.
 * @format: RULES_FORMAT_NFT or RULES_FORMAT_IPSET
 * @has_filled: with those too that rules_print() has with the rules that fill them
 */
void rules_sets_put(const struct config *config, enum rules_format format, bool has_filled,
		    struct text_buf *out);

/** rules_sets_put_hints() - in comments: how iptables uses these ipsets, and how all of it goes away. */
void rules_sets_put_hints(const struct config *config, struct text_buf *out);

#endif
