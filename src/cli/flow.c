/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts bytes as columns: what we print is ASCII. */
#include "cli/flow.h"

#include <string.h>

#define WORD_BYTES 256
#define COLUMNS_MIN 8 /* less is no screen */

void flow_begin(struct flow *flow, struct text_buf *out, unsigned columns, unsigned indent)
{
	if (columns && columns < COLUMNS_MIN)
		columns = COLUMNS_MIN;
	if (columns && indent > columns / 2)
		indent = columns / 2;
	*flow = (struct flow){.out = out, .columns = columns, .indent = indent};
}

void flow_break(struct flow *flow)
{
	if (!flow->is_begun)
		return;
	text_put_char(flow->out, '\n');
	for (unsigned i = 0; i < flow->indent; i++)
		text_put_char(flow->out, ' ');
	flow->at = flow->indent;
	flow->is_begun = false;
}

/* A field that would fit a line but for what is before it has no indent. */
static void use_whole_line(struct flow *flow, size_t len)
{
	if (flow->is_begun || len <= flow->columns - flow->at || len > flow->columns ||
	    flow->out->overflow)
		return;
	flow->out->len -= flow->at;
	flow->at = 0;
}

void flow_put(struct flow *flow, const char *text, const char *sgr)
{
	size_t len = strlen(text), room;

	if (flow->columns && flow->is_begun && flow->at + 1 + len > flow->columns)
		flow_break(flow);
	if (flow->columns)
		use_whole_line(flow, len);
	if (flow->is_begun) {
		text_put_char(flow->out, ' ');
		flow->at++;
	}
	room = flow->columns ? flow->columns - flow->at : len;
	if (*sgr)
		text_putf(flow->out, "\033[%sm", sgr);
	text_put_len(flow->out, text, len <= room ? len : room - 1);
	if (len > room)
		text_put_char(flow->out, '~');
	if (*sgr)
		text_put(flow->out, "\033[0m");
	flow->at += (unsigned)(len <= room ? len : room);
	flow->is_begun = true;
}

void flow_put_words(struct flow *flow, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, " ");
		char word[WORD_BYTES];

		if (len >= sizeof(word))
			len = sizeof(word) - 1;
		memcpy(word, text, len);
		word[len] = '\0';
		if (len)
			flow_put(flow, word, "");
		text += len;
		text += strspn(text, " ");
	}
}

void flow_end(struct flow *flow)
{
	text_put_char(flow->out, '\n');
	flow->at = 0;
	flow->is_begun = false;
}
