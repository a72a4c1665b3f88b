/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fields one after the other: who does not fit begins a new line, and none is split. Pure. */
#ifndef SYNPRINT_CLI_FLOW_H
#define SYNPRINT_CLI_FLOW_H

#include "core/base/text.h"

struct flow {
	struct text_buf *out;
	unsigned columns, indent,
		at; /* of a line, before what continues it, where the next one goes */
	bool is_begun; /* something stands on this line */
};

/** flow_begin() - @columns: of the screen, 0: no limit; @indent: of continued lines */
void flow_begin(struct flow *flow, struct text_buf *out, unsigned columns, unsigned indent);

/**
 * flow_put() - append a field, and a blank before it unless it begins a line. One that is longer than
 * a line is cut at its end.
 * @sgr: colours (ECMA-48 section 8.3.117), which take no room; "": none
 */
void flow_put(struct flow *flow, const char *text, const char *sgr);

/** flow_break() - what comes next begins a new line. */
void flow_break(struct flow *flow);

/** flow_put_words() - a text, which may be broken between its words. */
void flow_put_words(struct flow *flow, const char *text);

/** flow_end() - end the last line. */
void flow_end(struct flow *flow);

#endif
