/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of what other gateways say: a publisher of its own, which no packet waits for. It commits news in
 * batches, twenty a second in the long run, and nothing without news.
 */
#ifndef SYNPRINT_PUBLISH_REPORTER_H
#define SYNPRINT_PUBLISH_REPORTER_H

#include "core/reported/reported.h"
#include "core/verdict/filter.h"
#include "publish/target.h"

#define REPORTER_SETS_MAX 8

struct reporter_set {
	struct target *target; /* the caller's, and the thread's until reporter_stop() */
	struct reported_rule rule;
	const struct filter *filter; /* whose exceptions are left out; the caller's */
	uint32_t timeout_s; /* at the most, however long a word holds */
};

struct reporter_params {
	struct reporter_set sets[REPORTER_SETS_MAX];
	unsigned set_count;
	struct reported *reported; /* kept, not owned */
	bool (*is_excepted)(const void *ctx, const struct addr *addr); /* never published */
	const void *ctx;
};

struct reporter_stats {
	uint64_t commits, failed; /* transactions; failed ones are repaired */
};

struct reporter;

/** reporter_start() - make the sets, fill them, and start the thread. Return: 0 or -errno. */
int reporter_start(const struct reporter_params *params, struct reporter **ret_reporter);

/**
 * reporter_stop() - end the thread and free; the targets stay. NULL is allowed.
 * @heir: at work already, by newer rules: what is left to be said is its to say, and nothing is
 * committed by the old ones any more. NULL: it is said before.
 */
void reporter_stop(struct reporter *reporter, struct reporter *heir);

/** reporter_note() - what is said of this address has changed; never waits. NULL is allowed. */
void reporter_note(struct reporter *reporter, const struct addr *addr);

/** reporter_get_stats() - NULL is allowed. */
void reporter_get_stats(struct reporter *reporter, struct reporter_stats *ret_stats);

#endif
