/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that came faster than they were read are lost, but what they said is in synprintd's client
 * table: after a gap its clients are listed, page by page.
 */
#ifndef SYNPRINT_SHARE_CATCHUP_H
#define SYNPRINT_SHARE_CATCHUP_H

#include "share/words/local.h"

struct catchup;

struct catchup_params {
	const char *control; /* path of the socket */
	const struct local_rule *rules; /* whose flags limit the list; kept */
	unsigned rule_count;
	void (*take)(void *ctx, const struct cJSON *client);
	void *ctx;
};

/** catchup_new() - Return: 0 or -errno. */
int catchup_new(const struct catchup_params *params, struct catchup **ret_catchup);
void catchup_free(struct catchup *catchup);

/** catchup_fd(), catchup_dispatch() - for the loop. */
int catchup_fd(const struct catchup *catchup);
void catchup_dispatch(struct catchup *catchup);

/** catchup_begin() - something was missed; where it is at work already, it begins once more after. */
void catchup_begin(struct catchup *catchup);

/** catchup_tick() - once a second: a page that could not be asked for is asked for again. */
void catchup_tick(struct catchup *catchup);

#endif
