/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the others say, handed to synprintd as `report` requests. A bounded number waits for
 * answers; while it is full nothing is taken from the inbox, so nothing is lost. After each new
 * connection everything that is live is told again, between a begin and an end, so that synprintd
 * drops what nobody vouches for any more.
 */
#ifndef SYNPRINT_SHARE_REPORTS_H
#define SYNPRINT_SHARE_REPORTS_H

#include "share/words/peers.h"

#define REPORTS_REQUEST_MAX 512 /* bytes */

struct reports;

struct reports_stats {
	bool is_connected;
	uint64_t told, refused; /* words; refused: synprintd said no */
};

/** reports_new() - @peers: kept, not owned; @control: path of the socket. Return: 0 or -errno. */
int reports_new(const char *control, const struct peers *peers, struct reports **ret_reports);
void reports_free(struct reports *reports);

/** reports_fd(), reports_dispatch() - for the loop. */
int reports_fd(const struct reports *reports);
void reports_dispatch(struct reports *reports, uint64_t now_s);

/** reports_put() - the request that hands a word over, of REPORTS_REQUEST_MAX bytes at the most. */
void reports_put(const struct peers_word *word, struct text_buf *out);

/** reports_have_room() - whether two more words can be told now. Not where synprintd is slow. */
bool reports_have_room(const struct reports *reports);

/** reports_tell() - one word; without a connection it is left to the next round. */
void reports_tell(struct reports *reports, const struct peers_word *word);

/** reports_are_in_round() - whether everything is being told again; @peers may not be swept then. */
bool reports_are_in_round(const struct reports *reports);

/** reports_lost() - synprintd went away, as another connection to it shows. */
void reports_lost(struct reports *reports);

/** reports_tick() - once a second: connect again where that is due. */
void reports_tick(struct reports *reports, uint64_t now_s);

void reports_get_stats(const struct reports *reports, struct reports_stats *ret_stats);

#endif
