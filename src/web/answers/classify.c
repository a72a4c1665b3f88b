/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /classify: synprint's own object, or the shape of the article's tool for those who are used to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "web/question.h"
#include "web/routes.h"

#define PERFECT_SCORE 10 /* synprintd's scores are of 10, see explain in synprint-control(7) */

static bool is_zardaxt(const struct exchange *exchange)
{
	const char *format = request_arg(&exchange->request, "format");

	return format && strcmp(format, "zardaxt") == 0;
}

void classify_ask(struct exchange *exchange)
{
	const char *format = request_arg(&exchange->request, "format");

	if (format && strcmp(format, "zardaxt") != 0 && strcmp(format, "synprint") != 0)
		reply_refuse(&exchange->reply, 400, "bad_value",
			     "format: expected synprint or zardaxt");
	else if (question_ask(exchange, QUESTION_VERDICT) && is_zardaxt(exchange))
		question_ask(exchange, QUESTION_EXPLAIN);
	else if (!exchange->reply.status && !exchange->question_count)
		reply_refuse(&exchange->reply, 404, "not_found",
			     "nobody's address is known: ask with ip=");
}

static void refuse(struct exchange *exchange, unsigned number)
{
	char buf[512];
	const char *why = exchange_refusal(exchange, number, buf, sizeof(buf));
	bool is_answered = exchange->questions[number].rc == 0;

	reply_refuse(&exchange->reply, is_answered ? 400 : 503,
		     is_answered ? "bad_value" : "failed", why);
}

static void put_json(struct exchange *exchange, const cJSON *object)
{
	char *text = cJSON_Print(object);

	if (text)
		reply_set(&exchange->reply, 200, "application/json", text, strlen(text));
	else
		reply_refuse(&exchange->reply, 500, "failed", "out of memory");
	cJSON_free(text);
}

/* "avg=5.83, N=135" of each class becomes 5.83. */
static cJSON *scores_of(const cJSON *explain)
{
	cJSON *scores = cJSON_CreateObject();
	const cJSON *average;

	cJSON_ArrayForEach (average, exchange_get(explain, "avgScoreOsClass")) {
		const char *text = cJSON_GetStringValue(average);

		if (text && strncmp(text, "avg=", 4) == 0)
			cJSON_AddNumberToObject(scores, average->string, strtod(text + 4, NULL));
	}
	return scores;
}

static void add_known(cJSON *object, const cJSON *verdict, const cJSON *explained)
{
	const cJSON *lie = exchange_get(exchange_get(verdict, "user_agent"), "os_mismatch");

	cJSON_AddItemToObject(object, "avg_score_os_class",
			      scores_of(exchange_get(explained, "explain")));
	cJSON_AddStringToObject(object, "os_highest_class",
				exchange_text(exchange_get(verdict, "os"), "class"));
	cJSON_AddItemToObject(object, "os_mismatch",
			      lie ? cJSON_Duplicate(lie, true) : cJSON_CreateNull());
	cJSON_AddNumberToObject(object, "perfect_score", PERFECT_SCORE);
}

static void answer_zardaxt(struct exchange *exchange, const cJSON *verdict)
{
	cJSON *object = cJSON_CreateObject();
	cJSON *explained = exchange_answer(exchange, 1);
	const cJSON *syn = exchange_get(verdict, "syn");

	if (cJSON_IsTrue(exchange_get(verdict, "found")))
		add_known(object, verdict, explained);
	else
		cJSON_AddStringToObject(object, "msg", "no fingerprint for this IP");
	cJSON_AddStringToObject(object, "lookup_ip", exchange_text(verdict, "ip"));
	if (request_is_true(&exchange->request, "detail") && syn)
		cJSON_AddItemToObject(object, "fp", cJSON_Duplicate(syn, true));
	put_json(exchange, object);
	cJSON_Delete(object);
	cJSON_Delete(explained);
}

void classify_answer(struct exchange *exchange)
{
	cJSON *verdict = exchange_answer(exchange, 0);

	if (!verdict) {
		refuse(exchange, 0);
		return;
	}
	if (is_zardaxt(exchange))
		answer_zardaxt(exchange, verdict);
	else
		reply_set(&exchange->reply, 200, "application/json", exchange->questions[0].line,
			  strlen(exchange->questions[0].line));
	cJSON_Delete(verdict);
}
