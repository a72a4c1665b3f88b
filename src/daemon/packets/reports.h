/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of what other gateways say: a generation has a publisher of their own, which no packet waits
 * for. It commits news in batches, twenty a second in the long run, and nothing without news.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_REPORTS_H
#define SYNPRINT_DAEMON_PACKETS_REPORTS_H

#include "daemon/packets/generation.h"

struct reports_stats {
	uint64_t commits, failed; /* transactions; failed ones are repaired */
};

/**
 * reports_start() - ensure the generation's targets of that kind and start to fill them, as its report_sets
 * and its reported say; without any, nothing is started. publisher_stop() ends it. Return: 0 or -errno.
 */
int reports_start(struct generation *generation);

/** reports_note() - what is said of this address has changed; never waits. */
void reports_note(const struct generation *generation, const struct addr *addr);

/**
 * reports_forget() - what others say of a network: out of the table, and then out of the sets.
 * Return: how many words.
 */
unsigned reports_forget(const struct generation *generation, const struct addr_net *net);

void reports_get_stats(const struct generation *generation, struct reports_stats *ret_stats);

#endif
