/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What another gateway's word is worth here: who may speak, of whom, for how long. */
#ifndef SYNPRINT_SHARE_ACCEPT_H
#define SYNPRINT_SHARE_ACCEPT_H

#include "share/share_config.h"

enum accept_result {
	ACCEPT_OK,
	ACCEPT_FOREIGN, /* no rule believes this origin */
	ACCEPT_NO_EXPIRY, /* what nobody takes back would stay for ever */
	ACCEPT_UNSIGNED, /* or signed by somebody else */
	ACCEPT_FLAGS, /* none that is believed */
	ACCEPT_NEVER, /* on the never-list */
	ACCEPT_RESULT_COUNT
};

/* Addresses of this host, which nobody else may name. */
struct accept_own {
	struct addr addrs[512];
	unsigned count;
};

/** accept_rule() - the first rule that names the origin, or NULL. */
const struct share_accept *accept_rule(const struct share_config *config, const char *origin);

/** accept_is_never() - whether nobody may name this address. */
bool accept_is_never(const struct share_config *config, const struct accept_own *own,
		     const struct addr *addr);

/**
 * accept_message() - limit a word to what is believed.
 * @message: its flags are masked
 * @left_s: limited to what the rule allows
 */
enum accept_result accept_message(const struct share_config *config, const struct accept_own *own,
				  const struct share_accept *rule, struct message *message,
				  uint32_t *left_s);

/** accept_find_own() - the addresses of this host's interfaces now. */
void accept_find_own(struct accept_own *ret_own);

/** accept_result_name() - "ok", "foreign", ... as the figures name it. */
const char *accept_result_name(enum accept_result result);

#endif
