/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Community ID, version 1 (github.com/corelight/community-id-spec): the name that Zeek, Suricata,
 * Wireshark and others give one connection, so that their records can be joined with ours.
 */
#ifndef SYNPRINT_CORE_REPORT_COMMUNITY_H
#define SYNPRINT_CORE_REPORT_COMMUNITY_H

#include "core/syn/syn.h"

#define COMMUNITY_TEXT_MAX 31 /* "1:", 28 characters of base64, NUL */

/**
 * community_format() - the ID of a SYN's connection; the same for its SYN+ACK.
 * @seed: the same for all who are to agree, 0 by default
 */
void community_format(uint16_t seed, const struct syn *syn, char buf[COMMUNITY_TEXT_MAX]);

#endif
