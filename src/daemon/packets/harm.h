/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether diverting does harm. Something behind the queue may lose what the queue gives back: a VRF
 * does, and nobody knows what else. Then SYNs that were accepted come again and again. But so they do
 * under a policy that drops them, and whoever likes can send one twice. So when many come again,
 * half of the new ones pass unasked for some seconds, by chance, and both halves are compared. Only
 * where those that were diverted come again, and the others do not, it is the queue. Pure; time comes
 * from the caller.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_HARM_H
#define SYNPRINT_DAEMON_PACKETS_HARM_H

#include <stdbool.h>
#include <stdint.h>

#include "input/rules.h"

enum harm_state {
	HARM_WATCHING,
	HARM_TRYING, /* half of the SYNs pass */
	HARM_FOUND, /* nothing is diverted any more */
};

/* All zero: nothing was seen yet. */
struct harm {
	enum harm_state state;
	uint64_t syns, repeats, since_ms; /* at the beginning of this stretch of time */
	uint64_t began_ms; /* of the trial */
	uint64_t pause_ms, next_ms; /* after it, and until when there is no other one */
	uint64_t trials; /* so far */
	struct rules_trial seen; /* by the last one */
};

/**
 * harm_watch() - once a second, while HARM_WATCHING.
 * @syns, @repeats: SYNs that the workers judged, ever, and those of them that had come before
 * Return: whether a trial is due, which harm_begin() begins.
 */
bool harm_watch(struct harm *harm, uint64_t now_ms, uint64_t syns, uint64_t repeats);

void harm_begin(struct harm *harm, uint64_t now_ms);

/**
 * harm_try() - what a trial has seen until now. Return: true where it is over, and state says how.
 */
bool harm_try(struct harm *harm, uint64_t now_ms, const struct rules_trial *seen);

/** harm_give_up() - the trial is over, and says nothing. */
void harm_give_up(struct harm *harm, uint64_t now_ms);

#endif
