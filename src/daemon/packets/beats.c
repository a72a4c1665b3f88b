/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Heartbeats; see beats.h. */
#include "daemon/packets/beats.h"

#include "daemon/packets/turns.h"
#include "input/rules_heartbeat.h"
#include "sys/log.h"

#define SWITCH_MS 700 /* a worker that hangs holds SYNs so long at the most */

void beats_beat(struct beats *beats, struct nl *nl, struct worker *const *workers, unsigned count)
{
	bool had_nft = beats->has_nft;

	if (turns_stalled(workers, count, beats->ticks))
		return;
	beats->has_ipset = rules_heartbeat_ipset(nl) == 0;
	beats->has_nft = rules_heartbeat(nl, SWITCH_MS) == 0;
	if (beats->has_nft && !had_nft)
		log_line(LOG_LEVEL_WARNING,
			 "the rules in table inet synprint are those of version 0.1, which cost "
			 "five commits a second: load what 'synprint rules print' prints now");
}

bool beats_are_there(const struct beats *beats)
{
	return beats->has_ipset || beats->has_nft;
}

void beats_stop(struct beats *beats, struct nl *nl)
{
	if (beats->has_ipset)
		rules_disarm_ipset(nl);
	if (beats->has_nft)
		rules_disarm(nl);
}
