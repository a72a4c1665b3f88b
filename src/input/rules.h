/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our rules in the kernel: put there, looked at, taken away. What they are stands in
 * ruleset/groups.h. Everything of ours carries a tag, and nothing without it is ever changed or
 * deleted.
 */
#ifndef SYNPRINT_INPUT_RULES_H
#define SYNPRINT_INPUT_RULES_H

#include "nl/nl.h"
#include "core/base/text.h"
#include "ruleset/params.h"

#define RULES_INTERFACES_MAX 32

enum rules_format {
	RULES_FORMAT_NFT,
	RULES_FORMAT_IPTABLES,
	RULES_FORMAT_IPSET, /* the sets that the iptables rules refer to */
};

struct rules_status {
	bool is_present; /* diverting rules of ours are there */
	bool is_complete; /* and all others that belong to them */
	uint32_t fingerprint; /* of all of them, as rules_apply() has it; 0: they say several */
	bool is_dormant; /* somebody switched our table off */
	bool is_foreign; /* they are the administrator's, loaded from what rules_print() gave */
	bool has_old_switch; /* the set of version 0.1's rules, which lives by heartbeats */
	enum rules_engine engine; /* RULES_NFT or RULES_XT; these members only where present */
	uint16_t queue_first, queue_count;
	unsigned interface_count; /* 0: all */
	char interfaces[RULES_INTERFACES_MAX][16]; /* IFNAMSIZ */
	uint64_t syns; /* inbound SYNs counted since the rules were made, diverted or not */
	uint64_t marked; /* of these, passed because somebody else uses our mark bits */
	uint64_t skipped; /* passed unasked, being of a known shape */
	uint64_t unanswered; /* passed because their queue did not answer */
	uint64_t tried, filled; /* into sets of ours, by packets; the difference found them full */
	struct rules_set_counts {
		char name[256]; /* nf_tables.h: NFT_NAME_MAXLEN */
		uint64_t tried, filled;
	} sets[2 * RULES_SETS_MAX]; /* the same of each */
	unsigned set_count;
	uint32_t waiting; /* a bit for each queue, from the first on, that a SYN waits in */
	bool has_bypass; /* no rule of ours holds SYNs while nobody reads the queue */
};

/** rules_engine_name() - "auto", "nft", "xt" or "none". */
const char *rules_engine_name(enum rules_engine engine);

/** rules_engine_parse() - Return: 0 or -EINVAL. */
int rules_engine_parse(const char *name, enum rules_engine *ret_engine);

/* What is said of another one: its text, and the most characters. */
#define RULES_NO_INTERFACE                                                                         \
	"'%.40s' is no interface name (1 to %d characters, a '*' only at the end)"

/** rules_is_interface() - a name that the kernel takes, maybe with a '*' at its end. */
bool rules_is_interface(const char *interface);

/** rules_interface_covers() - is every name that @b stands for one that @a, maybe with a '*', stands for? */
bool rules_interface_covers(const char *a, const char *b);

/** rules_check() - whether the parameters make sense. Return: 0, or -EINVAL with the reason. */
int rules_check(const struct rules_params *params, struct text_error *ret_error);

/**
 * rules_check_kernel() - whether this kernel is new enough for our rules.
 * Return: 0, or -EOPNOTSUPP with the reason.
 */
int rules_check_kernel(struct text_error *ret_error);

/* What rules_apply() has put there. */
struct rules_applied {
	enum rules_engine engine; /* RULES_NFT or RULES_XT */
	uint32_t fingerprint; /* by which these rules are told from any others of ours */
};

/**
 * rules_apply() - have exactly these rules in the kernel, and the sets that they fill.
 * The same rules again change nothing, counters included; others replace them in one
 * transaction, those of version 0.1 too. Sets keep their elements, unless one is to have another key
 * or size: it is made anew, or keeps its size where rules outside of ours refer to it.
 * @ret_applied: may be NULL
 * @ret_error: on failure says in words what is wrong, on success what stays as it was, or "" (with
 * may_resize alone); may be NULL
 * Return: 0; -EINVAL: parameters; -EPERM: no CAP_NET_ADMIN; -EOPNOTSUPP: the kernel lacks what
 * the engine needs; -EEXIST: the names are taken by something of another kind; -errno.
 */
int rules_apply(struct nl *nl, const struct rules_params *params, struct rules_applied *ret_applied,
		struct text_error *ret_error);

/**
 * rules_forget_waiting() - what a dead agent left unanswered is over: divert again.
 * @status: of the rules that are there, which may lead to other queues than ours
 * @queues: a bit for each, from their first on
 * Return: 0, also where there was nothing to forget; -errno.
 */
int rules_forget_waiting(struct nl *nl, const struct rules_status *status, uint32_t queues);

/* What a trial has seen (struct rules_params' is_trial): SYNs that had the time to come again. */
struct rules_trial {
	unsigned sent, sent_again; /* through the queue */
	unsigned passed, passed_again; /* by it */
};

/** rules_trial_read() - as of now. Return: 0; -ENOENT: there is no trial; -errno. */
int rules_trial_read(struct nl *nl, struct rules_trial *ret_trial);

/** rules_trial_forget() - its sets go; after the rules that fill them. Return: 0 or -errno. */
int rules_trial_forget(struct nl *nl);

/** rules_undivert() - delete the diverting rules only, before the queues are drained. 0 or -errno. */
int rules_undivert(struct nl *nl);

/**
 * rules_remove_clocks() - the chains of group_clocks.c, with what is in them. Whoever removes a base
 * chain drops what waits in queues: undivert before, and let the queues run dry.
 * Return: 0, also where there are none; -errno.
 */
int rules_remove_clocks(struct nl *nl);

/**
 * rules_remove() - leave no trace of ours: rules, chains, our own sets, and the table if we made it
 * and nothing else is in it. What other rules still refer to stays.
 * @sets: names of sets in our table that publishers made; a set without our tag stays
 * Return: 0, also where nothing was there; -errno.
 */
int rules_remove(struct nl *nl, const char *const *sets, size_t set_count);

/** rules_get_status() - what of ours is in the kernel. Return: 0, also where nothing is; -errno. */
int rules_get_status(struct nl *nl, struct rules_status *ret_status);

/**
 * rules_printed_fingerprint() - what rules of rules_print() or rules_apply() say that were made with these
 * parameters, for the engine, queues and interfaces that status has.
 */
uint32_t rules_printed_fingerprint(const struct rules_params *params,
				   const struct rules_status *status);

/**
 * rules_print() - the same rules as text for `nft -f` (a kernel with the queue expression), or
 * for `ipset restore` and then iptables-restore and ip6tables-restore with --noflush.
 */
void rules_print(const struct rules_params *params, enum rules_format format, struct text_buf *out);

#endif
