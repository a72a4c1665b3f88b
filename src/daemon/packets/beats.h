/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Heartbeats for rules of the administrator's own that live by them: an ipset of iptables rules,
 * and the nft set of rules that version 0.1 printed. Where neither is there, nothing is changed.
 */
#ifndef SYNPRINT_DAEMON_PACKETS_BEATS_H
#define SYNPRINT_DAEMON_PACKETS_BEATS_H

#include "daemon/packets/worker.h"
#include "nl/nl.h"

#define BEAT_MS 200

struct beats {
	bool has_ipset, has_nft; /* they were there at the last beat */
	uint64_t ticks[CONFIG_QUEUES_MAX];
};

/**
 * beats_beat() - renew the switches that are there, unless some worker has made no progress since the
 * last time. @count: workers that are looked at
 */
void beats_beat(struct beats *beats, struct nl *nl, struct worker *const *workers, unsigned count);

/** beats_are_there() - some switch lives by us. */
bool beats_are_there(const struct beats *beats);

/** beats_stop() - switch them off. */
void beats_stop(struct beats *beats, struct nl *nl);

#endif
