/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /health, /metrics, and the subscription behind /events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/figures.h"
#include "web/question.h"
#include "web/routes.h"

#define FIGURES_BYTES 4096
#define FILTER_BYTES 4096

/* An address that nobody has: the cheapest question. */
void health_ask(struct exchange *exchange)
{
	exchange_ask(exchange, "{\"op\":\"verdict\",\"ip\":\"::\"}");
}

void health_answer(struct exchange *exchange)
{
	static const char good[] = "{\"ok\":true,\"synprintd\":true}\n";
	static const char bad[] = "{\"ok\":false,\"synprintd\":false}\n";
	cJSON *answer = exchange_answer(exchange, 0);

	if (answer)
		reply_set(&exchange->reply, 200, "application/json", good, strlen(good));
	else
		reply_set(&exchange->reply, 503, "application/json", bad, strlen(bad));
	cJSON_Delete(answer);
}

void metrics_ask(struct exchange *exchange)
{
	exchange_ask(exchange, "{\"op\":\"metrics\"}");
}

/* synprintd's figures where it answers, and in any case our own, which say that it does not. */
void metrics_answer(struct exchange *exchange)
{
	cJSON *answer = exchange_answer(exchange, 0);
	const char *theirs = exchange_text(answer, "metrics");
	size_t size = strlen(theirs) + FIGURES_BYTES;
	char *data = malloc(size);
	struct text_buf buf;

	if (data) {
		text_buf_init(&buf, data, size);
		text_put(&buf, theirs);
		text_putf(&buf,
			  "# HELP synprint_web_synprintd_up 1 where synprintd answers\n"
			  "# TYPE synprint_web_synprintd_up gauge\nsynprint_web_synprintd_up %d\n",
			  answer ? 1 : 0);
		figures_put(exchange->site->figures, &buf);
		reply_set(&exchange->reply, 200, "text/plain; version=0.0.4; charset=utf-8",
			  buf.data, buf.len);
	} else {
		reply_refuse(&exchange->reply, 500, "failed", "out of memory");
	}
	free(data);
	cJSON_Delete(answer);
}

/* synprintd judges the filters before anything is streamed: a listing has the same ones. */
void events_ask(struct exchange *exchange)
{
	char data[FILTER_BYTES];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	text_put(&buf, "{");
	question_put_filter(&exchange->request, &buf);
	text_put(&buf, "\"op\":\"clients\",\"limit\":1}");
	if (buf.overflow)
		reply_refuse(&exchange->reply, 400, "too_long", "the filters are too long");
	else
		exchange_ask(exchange, buf.data);
}

void events_answer(struct exchange *exchange)
{
	const struct request *request = &exchange->request;
	cJSON *answer = exchange_answer(exchange, 0);
	char data[FILTER_BYTES];
	struct text_buf buf;

	if (!answer) {
		const char *why = exchange_refusal(exchange, 0, data, sizeof(data));
		bool is_answered = exchange->questions[0].rc == 0;

		reply_refuse(&exchange->reply, is_answered ? 400 : 503,
			     is_answered ? "bad_value" : "failed", why);
		return;
	}
	cJSON_Delete(answer);
	text_buf_init(&buf, data, sizeof(data));
	question_put_filter(request, &buf);
	text_putf(&buf, "\"syns\":%s,\"confirmed\":%s,\"snapshot\":%s",
		  request_is_true(request, "syns") ? "true" : "false",
		  request_is_true(request, "confirmed") ? "true" : "false",
		  request_is_true(request, "snapshot") ? "true" : "false");
	exchange->reply.stream = strdup(data);
	if (exchange->reply.stream)
		exchange->reply.status = 200;
	else
		reply_refuse(&exchange->reply, 500, "failed", "out of memory");
	exchange->reply.type = "text/event-stream";
}
