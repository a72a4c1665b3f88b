/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One SYN on one line, in columns, for people: what `watch`, `clients` and `classify` print. On
 * a terminal in colours, in which suspects stand out. Pure.
 */
#ifndef SYNPRINT_CLI_LINE_H
#define SYNPRINT_CLI_LINE_H

#include <time.h>

#include <cjson/cJSON.h>

#include "core/verdict/verdict.h"

struct line {
	time_t time_s; /* Unix time; printed in local time */
	const char *addr;
	const char *to; /* only with_to: the other end */
	unsigned to_port;
	bool is_answer; /* a SYN+ACK: addr is the server's */
	const char *system; /* the label, else the class */
	const char *link;
	unsigned confidence_permille;
	unsigned dist_hops; /* or VERDICT_DIST_UNKNOWN */
	unsigned mtu; /* bytes, 0: not known */
	enum link_grade grade;
	unsigned flags; /* enum verdict_flag, or-ed */
	enum match_kind match;
};

#define LINE_SYSTEM_WIDE 34 /* columns of the system on a wide terminal, or without one */

/*
 * How wide and how colourful. Without a screen the address column grows when a longer address comes;
 * on a screen no line is longer than it, and a SYN that does not fit its columns takes several lines.
 */
struct line_layout {
	bool color;
	bool with_date;
	bool with_to, with_kind; /* columns of captures; set before the first line */
	unsigned columns; /* of the screen that may be used; 0: there is none */
	unsigned addr_width, to_width, system_width, link_width, flags_width;
	bool is_planned, is_flow; /* widths are found; there is no room for columns at all */
	time_t time_s; /* whose text is in time_text */
	char time_text[24];
};

/** line_layout_init() - @columns: of the terminal; 0: there is none, nothing need be cut. */
void line_layout_init(struct line_layout *layout, bool color, bool with_date, unsigned columns);

/** line_layout_resize() - the terminal has another width now; 0: as before. */
void line_layout_resize(struct line_layout *layout, unsigned columns);

/** line_put_header() - append the columns' names and a newline. */
void line_put_header(struct line_layout *layout, struct text_buf *buf);

/** line_put() - append one SYN and a newline. */
void line_put(struct line_layout *layout, const struct line *line, struct text_buf *buf);

/** line_from_json() - take the members out of a daemon's object; @line points into it. */
void line_from_json(const cJSON *object, struct line *ret_line);

enum line_color { LINE_COLOR_AUTO, LINE_COLOR_ALWAYS, LINE_COLOR_NEVER };

/** line_color_parse() - "auto", "always" or "never". Return: 0 or -EINVAL. */
int line_color_parse(const char *text, enum line_color *ret_color);

/**
 * line_wants_color() - by option, terminal and environment.
 * @no_color, @term: the variables NO_COLOR (https://no-color.org) and TERM, NULL where unset
 */
bool line_wants_color(enum line_color color, bool is_terminal, const char *no_color,
		      const char *term);

#endif
