/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When to try, and what a trial says; see harm.h. */
#include "daemon/packets/harm.h"

/* Suspicious: so many come again, and at least a third of all. */
#define REPEATS_MIN 8
#define REPEATS_SHARE 3
#define STRETCH_MS 60000

/* A trial ends with so many SYNs of each half, or without saying anything. */
#define TRIAL_MIN_MS 4000
#define TRIAL_MAX_MS 30000
#define SYNS_ENOUGH 24
#define SYNS_MIN 8

/*
 * Under constant suspicion, as behind a policy that drops everything, half of the SYNs of some seconds
 * in six hours pass unclassified.
 */
#define PAUSE_MIN_MS 60000
#define PAUSE_MAX_MS 21600000

/* The shares of those that come again differ by this, and by so many standard deviations. */
#define DIFFERENCE_MIN 0.4
#define DEVIATIONS 4.0

static void start_stretch(struct harm *harm, uint64_t now_ms, uint64_t syns, uint64_t repeats)
{
	harm->since_ms = now_ms;
	harm->syns = syns;
	harm->repeats = repeats;
}

bool harm_watch(struct harm *harm, uint64_t now_ms, uint64_t syns, uint64_t repeats)
{
	uint64_t more = syns - harm->syns, again = repeats - harm->repeats;
	bool is_many = again >= REPEATS_MIN;
	bool is_due = is_many && again * REPEATS_SHARE >= more && now_ms >= harm->next_ms;

	if (is_many || now_ms - harm->since_ms >= STRETCH_MS)
		start_stretch(harm, now_ms, syns, repeats);
	return is_due;
}

void harm_begin(struct harm *harm, uint64_t now_ms)
{
	harm->state = HARM_TRYING;
	harm->began_ms = now_ms;
	harm->trials++;
}

void harm_give_up(struct harm *harm, uint64_t now_ms)
{
	harm->state = HARM_WATCHING;
	harm->pause_ms = harm->pause_ms ? 2 * harm->pause_ms : PAUSE_MIN_MS;
	if (harm->pause_ms > PAUSE_MAX_MS)
		harm->pause_ms = PAUSE_MAX_MS;
	harm->next_ms = now_ms + harm->pause_ms;
}

/* Two shares as of one urn: the difference that chance makes has this variance. */
static bool is_harmful(const struct rules_trial *seen)
{
	double sent = seen->sent, passed = seen->passed;
	double again = seen->sent_again + seen->passed_again;
	double share = again / (sent + passed);
	double difference = seen->sent_again / sent - seen->passed_again / passed;
	double variance = share * (1 - share) * (1 / sent + 1 / passed);

	return difference >= DIFFERENCE_MIN &&
	       difference * difference >= DEVIATIONS * DEVIATIONS * variance;
}

bool harm_try(struct harm *harm, uint64_t now_ms, const struct rules_trial *seen)
{
	uint64_t took_ms = now_ms - harm->began_ms;
	unsigned least = seen->sent < seen->passed ? seen->sent : seen->passed;

	if (took_ms < TRIAL_MIN_MS || (least < SYNS_ENOUGH && took_ms < TRIAL_MAX_MS))
		return false;
	harm->seen = *seen;
	if (least >= SYNS_MIN && is_harmful(seen))
		harm->state = HARM_FOUND;
	else
		harm_give_up(harm, now_ms);
	return true;
}
