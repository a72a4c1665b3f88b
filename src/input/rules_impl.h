/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of module rules share: the names, and how one rule is built. */
#ifndef SYNPRINT_INPUT_RULES_IMPL_H
#define SYNPRINT_INPUT_RULES_IMPL_H

#include "input/rules.h"
#include "nl/nft.h"

#define RULES_CHAIN "divert"
#define RULES_ALIVE "alive"
#define RULES_IPSET_ALIVE "synprint_alive"
#define RULES_IPSET_ALL4 "synprint_all4"
#define RULES_IPSET_ALL6 "synprint_all6"
#define RULES_IPSET_TIMEOUT_S 1 /* ipset knows whole seconds only */
#define RULES_PRIORITY (-175) /* behind conntrack (-200), before mangle (-150) and all policy */

/** rules_rule_new() - the rule for one interface (NULL: for all); NULL: no memory. */
struct nftnl_rule *rules_rule_new(const struct rules_params *params, enum rules_engine engine,
				  const char *interface);

/** rules_rule_bypasses() - whether its queue expression or target has the flag `bypass`. */
bool rules_rule_bypasses(struct nftnl_rule *rule);

#endif
