/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may ask for what, and the two halves of every exchange. */
#include "web/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/figures.h"
#include "web/routes.h"

static void refuse_method(struct exchange *exchange)
{
	reply_refuse(&exchange->reply, 405, "method", "this method is not served here");
	reply_add_header(&exchange->reply, "Allow",
			 exchange->route->methods & ROUTE_POST ? "POST" : "GET, HEAD");
}

static void refuse_stranger(struct exchange *exchange)
{
	struct reply *reply = &exchange->reply;

	if (!exchange->route->is_page) {
		reply_refuse(reply, 401, "forbidden", "this needs the token, see synprint-web(8)");
		reply_add_header(reply, "WWW-Authenticate", "Bearer");
		return;
	}
	reply_set(reply, 303, "text/plain", "see /login\n", strlen("see /login\n"));
	reply_add_header(reply, "Location", "/login");
}

static bool has_method(const struct route *route, enum request_method method)
{
	return method == REQUEST_POST    ? route->methods & ROUTE_POST
	       : method == REQUEST_OTHER ? false
					 : route->methods & ROUTE_GET;
}

/* GET /login and POST /login are two routes of one path. */
static const struct route *find_route(const struct request *request)
{
	return request->method == REQUEST_POST && strcmp(request->path, "/login") == 0
		       ? route_find("POST /login")
		       : route_find(request->path);
}

void exchange_begin(struct exchange *exchange)
{
	struct exchange_site *site = exchange->site;
	const struct request *request = &exchange->request;
	const char *refusal = request_refusal(request);

	site->figures->requests++;
	if (refusal) {
		reply_refuse(&exchange->reply, 400, "bad_request", refusal);
		exchange->reply.closes = true;
		return;
	}
	exchange->route = find_route(request);
	if (!exchange->route) {
		reply_refuse(&exchange->reply, 404, "not_found", "there is nothing here");
		return;
	}
	visitor_find(&site->config->trust, request, &exchange->visitor);
	exchange->may_ask = exchange->visitor.is_local ||
			    access_allows(&site->access, request->headers[REQUEST_AUTHORIZATION],
					  request->headers[REQUEST_COOKIE], site->now_s);
	if (!has_method(exchange->route, request->method))
		refuse_method(exchange);
	else if (exchange->route->is_private && !exchange->may_ask)
		refuse_stranger(exchange);
	else if (exchange->route->ask)
		exchange->route->ask(exchange);
}

void exchange_finish(struct exchange *exchange)
{
	if (!exchange->reply.status)
		exchange->route->answer(exchange);
}

void exchange_done(struct exchange *exchange)
{
	for (unsigned i = 0; i < exchange->question_count; i++) {
		free(exchange->questions[i].text);
		free(exchange->questions[i].line);
	}
	exchange->question_count = 0;
	reply_done(&exchange->reply);
}

void exchange_ask(struct exchange *exchange, const char *text)
{
	struct exchange_question *question = &exchange->questions[exchange->question_count];

	if (exchange->question_count == EXCHANGE_QUESTIONS_MAX)
		return;
	*question = (struct exchange_question){.text = strdup(text), .rc = -ENOMEM};
	if (question->text)
		exchange->question_count++;
}

cJSON *exchange_answer(const struct exchange *exchange, unsigned number)
{
	const struct exchange_question *question = &exchange->questions[number];
	cJSON *answer = number < exchange->question_count && question->line
				? cJSON_Parse(question->line)
				: NULL;

	if (cJSON_IsTrue(exchange_get(answer, "ok")))
		return answer;
	cJSON_Delete(answer);
	return NULL;
}

const char *exchange_refusal(const struct exchange *exchange, unsigned number, char *buf,
			     size_t size)
{
	const struct exchange_question *question = &exchange->questions[number];
	cJSON *answer;
	const char *message;

	if (number >= exchange->question_count || !question->line)
		return "synprintd does not answer";
	answer = cJSON_Parse(question->line);
	message = exchange_text(exchange_get(answer, "error"), "message");
	snprintf(buf, size, "%s", *message ? message : "synprintd's answer makes no sense");
	cJSON_Delete(answer);
	return buf;
}

void exchange_agent(const struct exchange *exchange, char ret_agent[EXCHANGE_AGENT_MAX])
{
	const char *agent = exchange->request.headers[REQUEST_USER_AGENT];
	size_t len = 0;

	for (; agent && agent[len] && len + 1 < EXCHANGE_AGENT_MAX; len++)
		ret_agent[len] = agent[len] >= ' ' && agent[len] <= '~' ? agent[len] : '?';
	ret_agent[len] = '\0';
}

const cJSON *exchange_get(const cJSON *object, const char *name)
{
	return object ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *exchange_text(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(exchange_get(object, name));

	return text ? text : "";
}

double exchange_number(const cJSON *object, const char *name)
{
	const cJSON *value = exchange_get(object, name);

	return cJSON_IsNumber(value) ? value->valuedouble : 0;
}
