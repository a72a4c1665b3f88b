/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is answered under which path. */
#ifndef SYNPRINT_WEB_ROUTES_H
#define SYNPRINT_WEB_ROUTES_H

#include "web/exchange.h"

#define ROUTE_GET 1u /* and HEAD */
#define ROUTE_POST 2u
#define ROUTE_OTHER 4u
#define ROUTE_ANY (ROUTE_GET | ROUTE_POST | ROUTE_OTHER) /* Envoy asks with its client's method */

struct route {
	const char *path;
	unsigned methods;
	bool is_private; /* for those who may ask about others */
	bool is_page; /* people who may not are sent to /login */
	bool is_slow; /* its questions may take synprintd a while */
	void (*ask)(struct exchange *exchange); /* puts questions, or the reply; may be NULL */
	void (*answer)(struct exchange *exchange); /* makes the reply */
};

/**
 * route_begin() - find out what is asked for and by whom.
 * @exchange: with its request whole; then either reply.status is set, or question_count questions
 * wait for their answers, which may be none
 */
void route_begin(struct exchange *exchange);

/** route_finish() - make the reply; every question has its line or its rc. */
void route_finish(struct exchange *exchange);

/* answers/ */
void auth_ask(struct exchange *exchange);
void auth_answer(struct exchange *exchange);
void classify_ask(struct exchange *exchange);
void classify_answer(struct exchange *exchange);
void health_ask(struct exchange *exchange);
void health_answer(struct exchange *exchange);
void metrics_ask(struct exchange *exchange);
void metrics_answer(struct exchange *exchange);
void events_ask(struct exchange *exchange);
void events_answer(struct exchange *exchange);
void live_data_ask(struct exchange *exchange);
void live_data_answer(struct exchange *exchange);
void login_answer(struct exchange *exchange);
void logout_answer(struct exchange *exchange);

/* pages/ */
void home_ask(struct exchange *exchange);
void home_answer(struct exchange *exchange);
void client_ask(struct exchange *exchange);
void client_answer(struct exchange *exchange);
void live_ask(struct exchange *exchange);
void live_answer(struct exchange *exchange);
void login_page_answer(struct exchange *exchange);

/* assets.c */
void asset_answer(struct exchange *exchange);

#endif
