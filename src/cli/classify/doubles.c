/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash of what no router changes, and a time that is shorter than any retransmission's. */
#include "cli/classify/doubles.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FORWARD_MS 200 /* Linux' shortest retransmission timeout; a SYN's is 1 s (RFC 6298) */

bool doubles_is_one(struct doubles *doubles, const struct syn *syn, uint64_t now_ms)
{
	uint32_t fields[] = {syn->seq,   syn->ack,       syn->ts_val, syn->ts_ecr,   syn->win,
			     syn->ip_id, syn->opt_count, syn->wscale, syn->tcp_flags};
	uint64_t key = XXH3_64bits(fields, sizeof(fields)) | 1;
	unsigned at = (unsigned)(key >> 1) % DOUBLES_PLACES;
	bool is_one =
		doubles->places[at].key == key && now_ms - doubles->places[at].now_ms < FORWARD_MS;

	doubles->places[at].key = key;
	doubles->places[at].now_ms = now_ms;
	return is_one;
}
