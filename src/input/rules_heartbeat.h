/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches of administrators' rules, which divert only while somebody renews them. */
#ifndef SYNPRINT_INPUT_RULES_HEARTBEAT_H
#define SYNPRINT_INPUT_RULES_HEARTBEAT_H

#include "nl/nl.h"

/**
 * rules_heartbeat() - divert for @timeout_ms from now on, where rules are that version 0.1 printed.
 * Return: 0; -ENOENT where their set is not there (it is not made); -errno.
 */
int rules_heartbeat(struct nl *nl, unsigned timeout_ms);

/**
 * rules_heartbeat_ipset() - the same for iptables rules, for a second from now on.
 * Return: 0; -ENOENT where the administrator made no such ipsets; -errno.
 */
int rules_heartbeat_ipset(struct nl *nl);

/** rules_disarm_ipset() - Return: 0, also where nothing was there; -errno. */
int rules_disarm_ipset(struct nl *nl);

/** rules_disarm() - end the heartbeat now. Return: 0, also where nothing was there; -errno. */
int rules_disarm(struct nl *nl);

#endif
