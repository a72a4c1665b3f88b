/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the client table looks like as a whole: systems, links, MTUs, the newest suspects. It is read
 * page by page, and only where somebody looks: a page that asks sees the last count and starts the
 * next where that one is old.
 */
#ifndef SYNPRINT_WEB_CENSUS_H
#define SYNPRINT_WEB_CENSUS_H

#include <stdbool.h>
#include <stdint.h>

#include "synprint/async.h"

#define CENSUS_WORD_MAX 64
#define CENSUS_CLASSES 48
#define CENSUS_MTUS 64
#define CENSUS_SHAPES 512 /* kinds of client: a label with an MTU */
#define CENSUS_SUSPECTS 25
#define CENSUS_CLIENTS_MAX 20000 /* in one count */

struct census_class {
	char name[CENSUS_WORD_MAX];
	unsigned count;
};

struct census_mtu {
	unsigned mtu, count;
	char link[CENSUS_WORD_MAX]; /* what has such an MTU */
};

struct census_shape {
	char label[CENSUS_WORD_MAX];
	unsigned mtu, count;
};

struct census_suspect {
	char ip[46];
	unsigned port;
	char label[CENSUS_WORD_MAX], link[CENSUS_WORD_MAX];
	char flags[96], reasons[512]; /* words with blanks between them */
	int64_t last_seen; /* Unix time */
};

/* One count. What finds no room in a list is in `clients` alone. */
struct census_table {
	unsigned clients; /* that were looked at */
	bool is_partial; /* the table has more */
	unsigned unknown; /* that nothing in the database looks like */
	unsigned grades[4]; /* none, access, possible, likely */
	struct census_class classes[CENSUS_CLASSES];
	struct census_mtu mtus[CENSUS_MTUS];
	struct census_shape shapes[CENSUS_SHAPES];
	unsigned class_count, mtu_count, shape_count, suspect_count;
	struct census_suspect suspects[CENSUS_SUSPECTS]; /* newest first */
};

struct census;

/** census_new() - empty; NULL without memory. */
struct census *census_new(void);
void census_free(struct census *census);

/** census_attach() - @async: to ask over, or NULL: it is gone. */
void census_attach(struct census *census, struct synprint_async *async);

/** census_is_running() - a count is under way: requests were made. */
bool census_is_running(const struct census *census);

/**
 * census_look() - the last whole count; the next is begun where it is older than five seconds.
 * @now_s: CLOCK_MONOTONIC
 * Return: good until the caller's loop goes on; NULL: there is none yet.
 */
const struct census_table *census_look(struct census *census, int64_t now_s);

/** census_take() - one page, a reply to "clients"; sorted into @table. Return: the next cursor; 0: the end. */
uint64_t census_take(struct census_table *table, const char *line);

#endif
