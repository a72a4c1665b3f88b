/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request from its arrival to its reply: what synprintd is asked for it, what it said, and what
 * the visitor is told. No connection and no waiting in here: whoever serves it asks the questions
 * and calls again when all answers are in.
 */
#ifndef SYNPRINT_WEB_EXCHANGE_H
#define SYNPRINT_WEB_EXCHANGE_H

#include <cjson/cJSON.h>

#include "web/config.h"
#include "web/reply.h"
#include "web/request.h"

#define EXCHANGE_QUESTIONS_MAX 2
#define EXCHANGE_AGENT_MAX 4096 /* bytes of a User-Agent, with its NUL: synprint-control(7) */

struct route;

/* What all requests share. */
struct exchange_site {
	const struct web_config *config;
	struct access access;
	struct census *census;
	struct series *series;
	struct figures *figures;
	const char *chart; /* the library that draws charts, chart_len bytes; NULL: there is none */
	size_t chart_len;
	int64_t now_s; /* CLOCK_MONOTONIC, kept by whoever serves */
	int64_t today_s; /* Unix time, likewise */
};

struct exchange {
	struct exchange_site *site;
	struct request request;
	struct visitor visitor;
	bool may_ask; /* about others */
	const struct route *route;
	struct exchange_question {
		char *text; /* from malloc() */
		int rc; /* of the answer: 0 or why there is none */
		char *line; /* the answer, from malloc(); NULL with rc < 0 */
	} questions[EXCHANGE_QUESTIONS_MAX];
	unsigned question_count;
	struct reply reply;
};

/** exchange_done() - give everything back but the exchange itself. */
void exchange_done(struct exchange *exchange);

/** exchange_ask() - put a question, one line of JSON; copied. */
void exchange_ask(struct exchange *exchange, const char *text);

/**
 * exchange_answer() - what came for a question, to be deleted by the caller.
 * Return: an object with "ok":true; or NULL: no answer, or a refusal.
 */
cJSON *exchange_answer(const struct exchange *exchange, unsigned number);

/** exchange_refusal() - in words, why exchange_answer() gave NULL. @buf: of @size bytes, used or not */
const char *exchange_refusal(const struct exchange *exchange, unsigned number, char *buf,
			     size_t size);

/** exchange_agent() - the claim as synprintd takes it: printable ASCII, at most 4,095 bytes. */
void exchange_agent(const struct exchange *exchange, char ret_agent[EXCHANGE_AGENT_MAX]);

/* Members of parsed answers; what is missing is NULL, "" or 0. */
const cJSON *exchange_get(const cJSON *object, const char *name);
const char *exchange_text(const cJSON *object, const char *name);
double exchange_number(const cJSON *object, const char *name);

#endif
