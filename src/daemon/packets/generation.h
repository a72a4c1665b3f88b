/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload replaces as a whole: the configuration, the databases, and the publisher with
 * its targets. It is immutable once started; workers take the newest one with each burst, and the
 * one before is given back when none of them can be using it any more.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_GENERATION_H
#define SYNPRINT_DAEMON_PACKETS_GENERATION_H

#include "config/config.h"
#include "knowledge/knowledge.h"
#include "daemon/packets/renewed.h"
#include "publish/publisher.h"
#include "core/reported/reported.h"
#include "core/clients/client_table.h"
#include "core/clocks/evidence.h"
#include "core/match/match_memo.h"

#define GENERATION_NOTES_MAX 32
#define GENERATION_TARGETS_MAX (CONFIG_SETS_MAX + CONFIG_REPORT_SETS_MAX)

struct generation {
	const struct config *config; /* a reference */
	struct knowledge *knowledge;
	struct match_memo *memos[CONFIG_QUEUES_MAX]; /* each used by one worker alone */
	struct match_memo *server_memos[CONFIG_QUEUES_MAX]; /* NULL where no SYN+ACK is looked at */
	const struct vocab *vocab;
	struct clients *clients; /* what sets are filled from; the daemon's */
	/* As config->sets, and from CONFIG_SETS_MAX on as config->report_sets. */
	struct target *targets[GENERATION_TARGETS_MAX];
	struct publisher *publisher; /* NULL where nothing is published */
	struct publisher *reports; /* NULL where nothing of others is published */
	struct reported *reported; /* what they say; the daemon's */
	uint32_t filled_once[CONFIG_SETS_MAX]; /* by the refill that goes on; the publisher's own */
	uint32_t port_sets; /* targets whose elements have a port, a bit for each */
	struct marks marks; /* what our bits of the packet mark mean */
	struct marks_wanted meanings; /* of each set's bit: which clients it stands for */
	struct marks_ct ct; /* and those of the connection mark */
	bool confirms, has_labels, has_log; /* as struct rules_confirm's, found out by the daemon */
	bool has_clocks; /* rules of ours send copies: the daemon has found out that they can */
	struct evidence_table *evidence; /* the daemon's; NULL: nothing is measured; atomic */
	uint32_t served_sets; /* targets that wait for a confirmation */
	uint32_t ct_sets; /* of these, what the rules fill then */
	uint32_t served_bits; /* of the packet mark: of all of these */
	struct renewed *renewed; /* what they have filled a short while ago; NULL: nobody knows */
	uint32_t mark_sets; /* targets that packets fill by these bits */
	uint32_t removing_sets; /* of these, what a SYN of who left them takes out by a bit too */
	uint32_t late_bits; /* that meant something else in the generation before */
	uint32_t late_sets; /* targets of such bits */
	uint32_t late_removing; /* targets of which SYNs that are on their way say nothing yet */
	const char *kept_keys[GENERATION_NOTES_MAX]; /* changed in the file; a restart takes them */
	unsigned kept_count;
	char kept_size[320]; /* of a set that cannot be made anew, in words; "": none */
	uint64_t ticks[CONFIG_QUEUES_MAX]; /* of the workers when it was replaced */
};

struct generation_source {
	const char *path; /* of the configuration; NULL for the built-in defaults */
	const struct config *boot; /* whose restart-only values stay; NULL: this is the start */
	bool may_rename; /* put a damaged file of what was learned aside */
};

/**
 * generation_check_targets() - look at the sets of the administrator's tables, without changing any.
 * @fn: called for each pair that does not fit, or of which one is missing, with the reason
 * Return: 0, or -EPERM where they may not be looked at.
 */
int generation_check_targets(const struct config *config,
			     void (*fn)(const char *name, const char *reason, void *ctx),
			     void *ctx);

/**
 * generation_load() - read and check the configuration and its databases.
 * @vocab: where the words go; kept, not owned
 * @ret_error: receives "FILE:LINE:COLUMN: reason", at most @error_size bytes
 * Return: 0, or -EINVAL.
 */
int generation_load(const struct generation_source *source, struct vocab *vocab, char *ret_error,
		    size_t error_size, struct generation **ret_generation);

/**
 * generation_confirm() - what no rule fills gets a client whose connection is confirmed.
 * @addr: the client's own, of the connection
 * Return: whether there is anything to publish, in *ret_item.
 */
bool generation_confirm(const struct generation *generation, const struct addr *addr,
			const struct client_confirmed *confirmed, struct publish_item *ret_item);

/**
 * generation_start() - make the targets and start the publisher.
 * @old: at work until now; NULL at the start
 * @seed: random, of hashes that nobody may foresee
 * @clients, @reported: outlive the generation
 * Return: 0 or -errno.
 */
int generation_start(struct generation *generation, const struct generation *old, uint64_t seed,
		     struct clients *clients, struct reported *reported);

/** generation_sweep() - who does not belong in sets of our table leaves them, also where no bit was left for one. */
void generation_sweep(const struct generation *generation);

/** generation_settled() - no bit of the one before is on its way. @generation: struct generation */
void generation_settled(void *generation);

/**
 * generation_retire() - another one takes its place: nothing is repaired by its rules any more, while
 * its last SYNs are on their way.
 */
void generation_retire(struct generation *generation);

/**
 * generation_stop() - publish what was handed over, and end the publisher.
 * @next: sets of ours that it has not are removed; NULL: all are
 */
void generation_stop(struct generation *generation, const struct generation *next);

/** generation_free() - after a stop, or where it never started; NULL is allowed. */
void generation_free(struct generation *generation);

/** generation_sets_of() - the publish targets whose condition a client meets, a bit for each. */
uint32_t generation_sets_of(const struct generation *generation, const struct addr *addr,
			    const struct verdict *verdict);

/**
 * generation_sets_left() - the targets that a client is to be taken out of at once: its verdict met
 * their condition before, and does not any more.
 * @met: generation_sets_of() now
 */
uint32_t generation_sets_left(const struct generation *generation, const struct addr *addr,
			      const struct verdict *old_verdict, uint32_t met);

/**
 * generation_publish_all() - items that no worker brings, all of them or none, through the mailbox behind
 * theirs; without waiting, from the thread that replaces the generation.
 * @count: at most PUBLISHER_ITEMS_MAX
 * Return: 0, also where nothing is published; -EAGAIN: the sets are busy.
 */
int generation_publish_all(const struct generation *generation, const struct publish_item *items,
			   unsigned count);

/** generation_share() - @percent of a set's size, or no limit: of 100, and where the set is small. */
uint32_t generation_share(const struct generation *generation, unsigned target, unsigned percent);

/** generation_mark_of() - the bits under publish.mark_mask for a packet with this verdict. */
uint32_t generation_mark_of(const struct generation *generation, const struct addr *addr,
			    const struct verdict *verdict);

#endif
