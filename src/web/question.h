/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about the visitor, or about whom the request names. */
#ifndef SYNPRINT_WEB_QUESTION_H
#define SYNPRINT_WEB_QUESTION_H

#include "web/exchange.h"

enum question_kind {
	QUESTION_VERDICT, /* and what the visitor's User-Agent, or the argument user_agent, claims */
	QUESTION_EXPLAIN,
};

/**
 * question_ask() - ask about the arguments ip and port, or else about the visitor.
 * Return: true where a question was put; else the reply says why not, unless there is simply no
 * address to ask about.
 */
bool question_ask(struct exchange *exchange, enum question_kind kind);

/** question_ask_visitor() - the verdict of the visitor alone, whatever the arguments say. Return: as above. */
bool question_ask_visitor(struct exchange *exchange);

/**
 * question_put_filter() - the members of synprint-control(7)'s filters that the arguments name, as
 * they are: synprintd says what is wrong with them. Each is followed by a comma.
 */
void question_put_filter(const struct request *request, struct text_buf *buf);

#endif
