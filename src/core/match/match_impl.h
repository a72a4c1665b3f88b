/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One comparison on its way, shared by the parts of match: whole signatures (match.c), what is
 * left without one (match_fuzzy.c), the answer (match_decide.c), scores (match_score.c).
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_IMPL_H
#define SYNPRINT_CORE_MATCH_MATCH_IMPL_H

#include <stddef.h>
#include <string.h>

#include "core/sig/sigdb_impl.h"
#include "core/base/reason.h"

/* The most hops that p0f 3.09b still takes for the path's; and more than hardly any path has. */
#define MATCH_DIST_MAX 35
#define MATCH_DIST_FAR 30

/* Below this, a TTL is still a far one of its system rather than a near one of the next. */
#define MATCH_DIST_LONGEST 60

/* What devices on the path are known to change; DESIGN.md, section 3. */
#define QUIRKS_PATH (QUIRK_DF | QUIRK_ID_NONZERO | QUIRK_ID_ZERO | QUIRK_ECN | QUIRK_FLOW)

/* What says nothing of the stack: flow labels are a setting, ECN setup is one too (RFC 3168). */
#define QUIRKS_SETTING (QUIRK_ECN | QUIRK_FLOW)

#define HITS_MAX 8

struct hit {
	const struct ref *ref;
	const struct node *node;
	uint8_t fit;
	bool condition; /* it has a condition, which holds */
};

/* Where match_explain() wants each step written down. */
struct tracer {
	struct match_explanation *explanation;
	unsigned class_id, family_id;
};

struct lookup {
	const struct sigdb *db;
	const struct index *index;
	const struct syn *syn;
	const struct layout *layout; /* NULL: not in the database */
	const struct hit *best_hit; /* NULL without a whole match */
	const uint32_t *candidates; /* CANDIDATES_MAX entries, NONE ends them */
	struct tracer *tracer; /* NULL: nobody asks */
	uint64_t reasons;
	uint64_t classes; /* a bit for each class in extras */
	float rest; /* share of the prior */
	float scale; /* of extras */
	float shape_count; /* SYNs behind what was believed of the shape */
	float innocence; /* 1 - contradiction */
	enum match_kind kind;
	unsigned factor, hit_count;
	enum sig_win_kind factor_kind;
	bool has_factor, mss_max;
	/* From here on set only as far as classes and hit_count say. */
	float extras[VOCAB_CLASSES_MAX]; /* beyond the prior's share */
	struct hit hits[HITS_MAX];
};

/* Everything but the two arrays at the end, which would cost more than the lookup. */
static inline void lookup_init(struct lookup *lookup, const struct sigdb *db, const struct syn *syn)
{
	memset(lookup, 0, offsetof(struct lookup, extras));
	lookup->db = db;
	lookup->index = db->index;
	lookup->syn = syn;
	lookup->innocence = 1;
	lookup->scale = 1;
}

/* ---- match.c ---- */

/** lookup_run() - find what speaks for which class. */
void lookup_run(struct lookup *lookup);

/** lookup_window() - the window in a key's form; false: this SYN's window has no such form. */
bool lookup_window(struct lookup *lookup, const struct form *form, uint16_t *ret_win);

/** lookup_shape() - the node of a level below the whole signature, or NULL. */
const struct node *lookup_shape(struct lookup *lookup, enum level level, const struct form *form,
				uint64_t what);

/** seq_is_dst() - the sequence number is the IPv4 destination address. */
bool seq_is_dst(const struct syn *syn);

/** condition_may_hold() - of any signature's conditions on addresses, ports, IDs and numbers. */
bool condition_may_hold(const struct index *index, const struct syn *syn);

/** quirks_differ() - the quirks in which a signature and a SYN differ. */
static inline uint32_t quirks_differ(uint32_t quirks, uint8_t ip_version, const struct syn *syn)
{
	if (quirks == SIG_ANY)
		return 0;
	return syn->quirks ^ (ip_version ? quirks : sig_quirks_seen(quirks, syn->ip_version));
}

/* ---- match_fuzzy.c ---- */

void lookup_judge_whole(struct lookup *lookup);
/** lookup_believe_generic() - a signature with wildcards fits: it, and what the fields say. */
void lookup_believe_generic(struct lookup *lookup, const struct hit *hit);

void lookup_shape_match(struct lookup *lookup);
void lookup_skeleton_match(struct lookup *lookup);

/* ---- match_decide.c ---- */

/** lookup_believe() - add a belief with a weight; all weights together are 1. */
void lookup_believe(struct lookup *lookup, const struct belief *belief, float weight);

/** lookup_scale_belief() - make room for other beliefs: all weights so far times @share. */
void lookup_scale_belief(struct lookup *lookup, float share);

/** lookup_weigh_ttl() - take the TTL as evidence of its own, beside the options. */
void lookup_weigh_ttl(struct lookup *lookup);

/** lookup_doubt() - a reason that moves the answer towards the prior by its weight. */
void lookup_doubt(struct lookup *lookup, enum reason reason);

/** lookup_contradict() - a sign that the fields were put together by hand. */
void lookup_contradict(struct lookup *lookup, float weight);

/** lookup_trace() - write a step down, where somebody asks. */
void lookup_trace(const struct lookup *lookup, const char *name);

/** lookup_trace_chain() - the steps from the prior to a node. */
void lookup_trace_chain(const struct lookup *lookup, const struct node *node);

void lookup_finish(struct lookup *lookup, struct match *ret_match);

/* ---- match_score.c ---- */

/** score_sig() - how well a signature fits, 0 to 10. */
float score_sig(struct lookup *lookup, const struct sig *sig);

#endif
