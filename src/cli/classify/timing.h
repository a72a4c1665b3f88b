/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two clocks of the connections in a capture (core/clocks), and what they say of each client.
 * Only a capture of both directions has them; one of SYNs alone costs nothing. Of fixed size,
 * whatever the capture holds: old clients give way.
 */
#ifndef SYNPRINT_CLI_CLASSIFY_TIMING_H
#define SYNPRINT_CLI_CLASSIFY_TIMING_H

#include "core/clocks/evidence.h"
#include "input/capture/peel.h"

#define TIMING_LINE_BYTES 1024 /* room for one client */
#define TIMING_TOTALS_BYTES 2048

struct timing;

/** timing_new() - @is_any: what is forwarded comes twice. Return: NULL: no memory. */
struct timing *timing_new(bool is_any);
void timing_free(struct timing *timing);

/** timing_take_syn() - a SYN or SYN+ACK, which was parsed already. */
void timing_take_syn(struct timing *timing, const struct packet *packet, const struct syn *syn);

/** timing_take_segment() - whatever else there is. */
void timing_take_segment(struct timing *timing, const struct packet *packet);

/**
 * timing_find() - what was measured of a SYN's client before it.
 * @ret_evidence: untouched where there is nothing
 */
bool timing_find(struct timing *timing, const struct syn *syn, uint64_t now_ms,
		 struct evidence *ret_evidence);

/** timing_put_evidence() - append it as the member "clocks" of an object. */
void timing_put_evidence(const struct evidence *evidence, struct text_buf *out);

/** timing_end() - nothing more comes: what is still pending is given up. */
void timing_end(struct timing *timing);

/** timing_put_totals() - append connections by result and clients by grade; text or JSON. */
void timing_put_totals(struct timing *timing, bool json, struct text_buf *out);

/**
 * timing_put_client() - append the line of the next client, who was measured longest ago first.
 * @cursor: begins as 0
 * Return: false where there is no other; nothing was appended.
 */
bool timing_put_client(struct timing *timing, bool json, uint64_t *cursor, struct text_buf *out);

#endif
