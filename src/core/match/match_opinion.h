/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is believed of a SYN on the way to an answer: for each class a share, what is left of the
 * prior, and the reasons. Only match_opinion.c writes it.
 */
#ifndef SYNPRINT_CORE_MATCH_MATCH_OPINION_H
#define SYNPRINT_CORE_MATCH_MATCH_OPINION_H

#include "core/base/reason.h"
#include "core/sig/sigdb_impl.h"

struct opinion;

/* Who wants each step written down. */
struct tracer {
	/* @node: the steps from the prior to it come first; may be NULL */
	void (*step)(struct tracer *tracer, const struct opinion *opinion, const struct node *node,
		     const char *name);
};

struct opinion {
	const struct sigdb *db;
	struct tracer *tracer; /* NULL: nobody asks */
	const uint32_t
		*candidates; /* CANDIDATES_MAX entries, NONE ends them; NULL: nothing known */
	uint64_t reasons;
	uint64_t classes; /* a bit for each class in extras */
	float rest; /* share of the prior */
	float scale; /* of extras */
	float innocence; /* 1 - contradiction */
	/* From here on set only as far as classes says: to clear it would cost more than the rest. */
	float extras[VOCAB_CLASSES_MAX]; /* beyond the prior's share */
};

/** opinion_init() - none yet: nothing is believed, not even the prior. */
void opinion_init(struct opinion *opinion, const struct sigdb *db, struct tracer *tracer);

/** opinion_compare() - the signatures that say in words what the SYN looks like. */
static inline void opinion_compare(struct opinion *opinion,
				   const uint32_t candidates[CANDIDATES_MAX])
{
	opinion->candidates = candidates;
}

/** opinion_believe() - add a belief with a weight; all weights together are 1. */
void opinion_believe(struct opinion *opinion, const struct belief *belief, float weight);

/** opinion_make_room() - for other beliefs: all weights so far times @share. */
void opinion_make_room(struct opinion *opinion, float share);

/**
 * opinion_weigh() - take a field as evidence of its own, beside those that were believed.
 * @likelihoods: P(what the field shows | class) over class ids, none zero; a factor is free
 */
void opinion_weigh(struct opinion *opinion, const float likelihoods[VOCAB_CLASSES_MAX],
		   const char *name);

/**
 * opinion_doubt_kind() - something else than the sender may stand behind what is seen: a relay,
 * a device on the path, a label that lied when the rates were counted.
 */
void opinion_doubt_kind(struct opinion *opinion, enum sigdb_kind kind);

/** opinion_doubt_tool() - what fits a tool's generic signature alone may still be some system. */
void opinion_doubt_tool(struct opinion *opinion);

/** opinion_doubt() - a reason that moves the answer towards the prior by its weight. */
void opinion_doubt(struct opinion *opinion, enum reason reason);

/** opinion_contradict() - a sign that the fields were put together by hand. */
void opinion_contradict(struct opinion *opinion, float weight);

/** opinion_extra() - what a class has beyond the prior's share, before scale. */
static inline float opinion_extra(const struct opinion *opinion, unsigned id)
{
	return opinion->classes >> id & 1 ? opinion->extras[id] : 0;
}

/** opinion_take_class() - the lowest of some classes, which is none of them any more. */
static inline unsigned opinion_take_class(uint64_t *classes)
{
	unsigned id = (unsigned)__builtin_ctzll(*classes);

	*classes &= *classes - 1;
	return id;
}

/** opinion_class_prob() - P(class) as it stands. */
float opinion_class_prob(const struct opinion *opinion, unsigned id);

/** opinion_tell() - a step is done, for a tracer. @node: as a tracer's step() has it */
static inline void opinion_tell(const struct opinion *opinion, const struct node *node,
				const char *name)
{
	if (opinion->tracer)
		opinion->tracer->step(opinion->tracer, opinion, node, name);
}

#endif
