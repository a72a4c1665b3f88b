/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of guesses for people, by scores: the signatures that look most like a SYN, and how much
 * each class looks like it on average.
 */
#include "core/match/match_believe.h"
#include "core/match/match_score.h"

#include <string.h>

static void insert_guess(struct match_guess *guesses, unsigned count, struct match_guess guess)
{
	unsigned at = count;

	for (; at && guesses[at - 1].score < guess.score; at--)
		guesses[at] = guesses[at - 1];
	guesses[at] = guess;
}

unsigned match_guesses(const struct sigdb *db, const struct syn *syn,
		       struct match_guess ret_guesses[MATCH_BEST_MAX])
{
	struct comparison comparison;
	const uint32_t *candidates;
	unsigned count = 0;

	comparison_run(&comparison, db, syn, NULL);
	candidates = comparison.opinion.candidates;
	for (; candidates && count < MATCH_BEST_MAX && candidates[count] != NONE; count++) {
		uint32_t sig = candidates[count];
		const struct entry *entry = &db->entries[sig];

		insert_guess(ret_guesses, count,
			     (struct match_guess){.sig = sig,
						  .label = entry->label,
						  .class_id = entry->class_id,
						  .score = score_sig(&comparison.question,
								     &entry->sig)});
	}
	return count;
}

void match_averages(const struct sigdb *db, const struct syn *syn,
		    struct match_average ret_averages[VOCAB_CLASSES_MAX])
{
	struct question question;
	double sums[VOCAB_CLASSES_MAX] = {0};

	question_init(&question, db->index, syn);
	memset(ret_averages, 0, VOCAB_CLASSES_MAX * sizeof(*ret_averages));
	for (size_t i = 0; i < db->entry_count; i++) {
		const struct entry *entry = &db->entries[i];

		if (entry->tool)
			continue;
		sums[entry->class_id] += (double)score_sig(&question, &entry->sig);
		ret_averages[entry->class_id].sigs++;
	}
	VOCAB_EACH_CLASS (id) {
		struct match_average *average = &ret_averages[id];

		if (average->sigs < MATCH_AVERAGE_SIGS_MIN)
			*average = (struct match_average){0};
		else
			average->score = (float)(sums[id] / average->sigs);
	}
}
