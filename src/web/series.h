/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs of the last two minutes, second by second and by class, out of synprintd's events. Events
 * are only asked for while somebody looks, and no more are read in a second than cost next to
 * nothing: the rest is known by its number, and shared out like those that were read.
 */
#ifndef SYNPRINT_WEB_SERIES_H
#define SYNPRINT_WEB_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#define SERIES_SECONDS 120
#define SERIES_CLASSES 12 /* the first that were seen; then "other" */
#define SERIES_READ_MAX 2000 /* events that are read in a second */
#define SERIES_PATIENCE_S 15 /* after the last look */

struct series_second {
	int64_t at_s; /* CLOCK_MONOTONIC */
	unsigned read, missed, unknown;
	unsigned classes[SERIES_CLASSES + 1]; /* the last is "other" */
};

struct series {
	int64_t looked_s, since_s; /* the last look; events come since */
	bool is_on;
	char names[SERIES_CLASSES][32];
	unsigned class_count;
	struct series_second seconds[SERIES_SECONDS]; /* by at_s modulo */
};

/** series_look() - somebody looks: events are wanted from now on for a while. */
void series_look(struct series *series, int64_t now_s);

/** series_is_wanted() - whether somebody has looked within the patience. */
bool series_is_wanted(const struct series *series, int64_t now_s);

/** series_set_on() - events come from now on, or no more. What was counted before an end is forgotten. */
void series_set_on(struct series *series, bool is_on, int64_t now_s);

/** series_take() - one event. Return: false: enough for this second. */
bool series_take(struct series *series, const char *line, int64_t now_s);

/** series_second() - what came in a second; NULL: nothing, or nobody counted. */
const struct series_second *series_second(const struct series *series, int64_t at_s);

/** series_scale() - a number of those read, as one of all that came. */
unsigned series_scale(const struct series_second *second, unsigned count);

#endif
