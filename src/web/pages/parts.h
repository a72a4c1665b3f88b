/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the pages are made of. Every text that comes from anywhere goes through part_text(). */
#ifndef SYNPRINT_WEB_PAGES_PARTS_H
#define SYNPRINT_WEB_PAGES_PARTS_H

#include "core/base/text.h"
#include "web/exchange.h"

#define PAGE_BYTES 98304 /* at the most, of one page; malloc() has so much at hand */

/** part_begin() - the head, and the beginning of the body. @page: from malloc(), to be ended; may be NULL */
char *part_begin(const struct exchange *exchange, const char *title, const char *script,
		 struct text_buf *ret_buf);

/** part_end() - the end of the page, and the page as the reply. */
void part_end(struct exchange *exchange, unsigned status, char *page, struct text_buf *buf);

/** part_text() - escaped for text and for values of attributes. */
void part_text(struct text_buf *buf, const char *text);

/** part_percent() - a share of 1 as "94 %"; "<1 %" for what is little but not nothing. */
void part_percent(struct text_buf *buf, double share);

/** part_bar() - a share of 1 as a bar, a picture of the number beside it. */
void part_bar(struct text_buf *buf, double share);

/** part_reason() - a reason's code in words; the code where it is a later synprintd's. */
const char *part_reason(const char *code);

/** part_flag() - what a flag says, in words; the flag itself where it is a later synprintd's. */
const char *part_flag(const char *flag);

/** part_ago() - how long ago a Unix time was: "3 s ago". */
void part_ago(struct text_buf *buf, int64_t then_s, int64_t now_s);

/* Sections of a verdict, parsed: what it is, its reasons, its SYN, and the evidence for it. */
void part_hero(struct text_buf *buf, const cJSON *verdict, bool is_visitor);
void part_cards(struct exchange *exchange, struct text_buf *buf, const cJSON *verdict,
		bool is_visitor);
void part_reasons(struct text_buf *buf, const cJSON *verdict);
void part_classes(struct text_buf *buf, const cJSON *verdict);
void part_syn(struct text_buf *buf, const cJSON *verdict);
void part_evidence(struct text_buf *buf, const cJSON *explained);

#endif
