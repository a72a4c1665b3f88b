/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On all interfaces at once a forwarded SYN is seen where it comes in and where it goes out, with
 * another TTL and after NAT with other addresses. Sequence number and timestamp stay.
 */
#ifndef SYNPRINT_CLI_CLASSIFY_DOUBLES_H
#define SYNPRINT_CLI_CLASSIFY_DOUBLES_H

#include "core/syn/syn.h"

#define DOUBLES_PLACES 4096

struct doubles {
	struct {
		uint64_t key, now_ms;
	} places[DOUBLES_PLACES];
};

/** doubles_is_one() - the same SYN was seen just before. @doubles: begins as zeros */
bool doubles_is_one(struct doubles *doubles, const struct syn *syn, uint64_t now_ms);

#endif
