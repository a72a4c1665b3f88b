/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The same comparison once more for those who want to know why: each step of the opinion is
 * written down, with the probabilities of the class and family that the answer names.
 */
#include "core/match/match_believe.h"

struct explainer {
	struct tracer tracer; /* first: what the opinion knows of it */
	const struct sigdb *db;
	struct match_explanation *explanation;
};

static const char *const level_names[LEVEL_COUNT] = {
	[LEVEL_WHOLE] = "signature",
	[LEVEL_SHAPE] = "window",
	[LEVEL_SCALE] = "scale",
	[LEVEL_WINDOW] = "window",
	[LEVEL_LAYOUT] = "layout",
	[LEVEL_ORDER_SHAPE] = "window and scale",
	[LEVEL_STRIPPED_SHAPE] = "window and scale",
	[LEVEL_SET_SHAPE] = "window and scale",
	[LEVEL_ORDER] = "options",
	[LEVEL_STRIPPED] = "options",
	[LEVEL_WINDOW_SCALE] = "window and scale",
};

static void write_step(struct explainer *explainer, const struct opinion *opinion, const char *name)
{
	struct match_explanation *explanation = explainer->explanation;
	const struct match *match = &explanation->match;
	struct match_step step = {.name = name,
				  .class_prob = opinion_class_prob(opinion, match->class_id)};

	VOCAB_EACH_CLASS (id)
		if (opinion->db->families[id] == match->family_id)
			step.family_prob += opinion_class_prob(opinion, id);
	if (explanation->step_count < MATCH_STEPS_MAX)
		explanation->steps[explanation->step_count++] = step;
}

/* The steps from the prior to a node, but for the whole signature, which the opinion tells. */
static void write_chain(struct explainer *explainer, const struct node *node)
{
	const struct index *index = explainer->db->index;
	struct opinion alone;

	if (node->parent != NONE)
		write_chain(explainer, &index->nodes[node->parent]);
	if (node->key.what >> 60 == LEVEL_WHOLE)
		return;
	opinion_init(&alone, explainer->db, NULL);
	opinion_believe(&alone, &node->belief, 1);
	write_step(explainer, &alone, level_names[node->key.what >> 60]);
}

static void explainer_step(struct tracer *tracer, const struct opinion *opinion,
			   const struct node *node, const char *name)
{
	struct explainer *explainer = (struct explainer *)tracer;

	if (node)
		write_chain(explainer, node);
	write_step(explainer, opinion, name);
}

void match_explain(const struct sigdb *db, const struct syn *syn,
		   struct match_explanation *ret_explanation)
{
	struct explainer explainer = {.tracer = {explainer_step}, .db = db};
	struct opinion prior = {.db = db, .rest = 1};
	struct comparison comparison;

	ret_explanation->step_count = 0;
	explainer.explanation = ret_explanation;
	match_syn(db, syn, &ret_explanation->match);
	if (ret_explanation->match.kind == MATCH_NONE)
		return;
	write_step(&explainer, &prior, "prior");
	comparison_run(&comparison, db, syn, &explainer.tracer);
}
