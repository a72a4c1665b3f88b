/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is answered under which path. */
#ifndef SYNPRINT_WEB_ROUTES_H
#define SYNPRINT_WEB_ROUTES_H

#include "web/exchange.h"

#define ROUTE_GET 1u /* and HEAD */
#define ROUTE_POST 2u

struct route {
	const char *path;
	unsigned methods;
	bool is_private; /* for those who may ask about others */
	bool is_page; /* people who may not are sent to /login */
	bool is_slow; /* its questions may take synprintd a while */
	void (*ask)(struct exchange *exchange); /* puts questions, or the reply; may be NULL */
	void (*answer)(struct exchange *exchange); /* makes the reply */
};

/** route_find() - NULL: nothing is there. */
const struct route *route_find(const char *path);

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
