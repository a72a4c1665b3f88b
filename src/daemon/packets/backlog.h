/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long a queue is to be. Many SYNs at once are what a long one is for: it works through them. Where
 * more come than are answered it stays full, and then its length is of no use: not one SYN more is
 * classified, each waits behind all others, and what waits so long has left the caches when its turn
 * comes. With 8,192 places that costs 4 us a SYN instead of 2.7, so it does not end either when the rate
 * falls to what the worker could answer. Such a queue has few places until it runs empty again, and for
 * five seconds more.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_BACKLOG_H
#define SYNPRINT_DAEMON_PACKETS_BACKLOG_H

#include <stdbool.h>
#include <stdint.h>

#define BACKLOG_PLACES 512 /* while it stands: the best of 256 to 8,192, with sets that SYNs fill */

struct backlog {
	uint32_t length; /* of the queue as configured */
	uint64_t in_a_row; /* packets since the queue was seen empty */
	uint64_t since_ms; /* when the first of them came */
	uint64_t stood_ms; /* when it was last seen to stand */
	bool is_standing;
};

/**
 * backlog_note() - the queue was looked at. A backlog stands when more packets came than the queue holds, for
 * a tenth of a second or longer, and it was never empty; and for five seconds more. So a burst that the queue
 * can hold is none, however long the worker was kept from it.
 * @count: packets that were received
 * @is_dry: nothing waited in it before what was received, or nothing waits behind that
 * @now_ms: of a clock that never goes back
 * Return: packets that are to wait in the queue at the most, from now on.
 */
uint32_t backlog_note(struct backlog *backlog, unsigned count, bool is_dry, uint64_t now_ms);

#endif
