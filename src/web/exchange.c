/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions, answers, and what is read of both. */
#include "web/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	return value && cJSON_IsNumber(value) ? value->valuedouble : 0;
}
