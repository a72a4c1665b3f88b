/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of guesses for people, by scores: the signatures that look most like a SYN, and how much
 * each class looks like it on average.
 */
#include "core/match/match_believe.h"
#include "core/match/match_score.h"

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

void match_average_scores(const struct sigdb *db, const struct syn *syn,
			  float ret_scores[VOCAB_CLASSES_MAX])
{
	struct question question;
	unsigned counts[VOCAB_CLASSES_MAX] = {0};
	double sums[VOCAB_CLASSES_MAX] = {0};

	question_init(&question, db->index, syn);
	for (size_t i = 0; i < db->entry_count; i++) {
		uint8_t id = db->entries[i].class_id;

		sums[id] += (double)score_sig(&question, &db->entries[i].sig);
		counts[id]++;
	}
	for (unsigned id = 0; id < VOCAB_CLASSES_MAX; id++)
		ret_scores[id] = counts[id] ? (float)(sums[id] / counts[id]) : 0;
}
