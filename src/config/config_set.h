/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Publish rules as the configuration has them: which clients go into which sets, or are marked. */
#ifndef SYNPRINT_CONFIG_CONFIG_SET_H
#define SYNPRINT_CONFIG_CONFIG_SET_H

#include "core/reported/reported.h"
#include "core/verdict/filter.h"

#define CONFIG_SETS_MAX 32
#define CONFIG_REPORT_SETS_MAX 8

enum config_set_kind { CONFIG_NFTSET, CONFIG_NFTMAP, CONFIG_IPSET };

struct config_setting_t; /* of libconfig */

/* When a client enters a set: once its handshake is seen, or at its SYN, which anybody can forge. */
enum config_confirm { CONFIG_SERVED, CONFIG_SYN };

/* One publish rule: which clients go into which pair of sets, NAME4 and NAME6. */
struct config_set {
	enum config_set_kind kind;
	const char *name;
	const char *table; /* "inet synprint" unless the administrator's own; nft only */
	bool is_own_table; /* the table is ours, and so is the set */
	bool has_port; /* nft: elements are address and source port */
	uint32_t mark; /* CONFIG_NFTMAP: what an address maps to */
	unsigned prefix6; /* ipset: the IPv6 set holds such prefixes; 128: addresses */
	bool has_comment; /* ipset: each element says what the client is */
	enum config_confirm confirm; /* with has_port CONFIG_SYN: it is about one connection */
	bool removes; /* elements go when the condition ends, not with their timeout */
	uint32_t timeout_s;
	uint32_t size; /* elements at the most */
	struct filter filter; /* complete after config_resolve() */
	const struct config_setting_t *words; /* private: where the names of classes stand */
};

/* A publish rule about what other gateways say, which a rule with origins is. */
struct config_report_set {
	struct config_set set; /* of its filter only flags and min_confidence count */
	struct reported_rule rule; /* with these two */
};

/* A publish rule that marks packets. */
struct config_mark {
	uint32_t mark;
	struct filter filter; /* complete after config_resolve() */
	const struct config_setting_t *words; /* private */
};

#endif
