/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /auth: the verdict as headers, for web servers that ask before they serve. Whatever is not known
 * is a 200 with "unknown": a request is only denied for a fact. Values are synprintd's own words, or
 * of its database, never the client's.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "web/figures.h"
#include "web/question.h"
#include "web/routes.h"

static unsigned read_deny(struct exchange *exchange)
{
	const char *words = request_arg(&exchange->request, "deny");
	unsigned flags = 0;

	if (words && web_config_flags(words, &flags) < 0)
		reply_refuse(&exchange->reply, 400, "bad_value",
			     "deny: expected flags of synprint-control(7) between commas");
	return flags | exchange->site->config->deny;
}

/* A trusted peer that names nobody is a proxy that was set up wrong: its own address is nobody's. */
void auth_ask(struct exchange *exchange)
{
	if (exchange->visitor.is_trusted && !exchange->visitor.is_told)
		exchange->visitor.is_known = false;
	read_deny(exchange);
	/* Envoy puts the visitor's own URL behind ours: none of its arguments counts. */
	if (!exchange->reply.status)
		question_ask_visitor(exchange);
}

static enum figures_verdict verdict_of(const struct exchange *exchange, const cJSON *answer)
{
	if (!cJSON_IsTrue(exchange_get(answer, "found")))
		return FIGURES_UNKNOWN;
	return cJSON_IsTrue(exchange_get(answer, "exact")) && exchange->visitor.port
		       ? FIGURES_EXACT
		       : FIGURES_ADDRESS;
}

/* Words with commas between them, "none" for none. Return: those of them that synprint knows, or-ed. */
static unsigned join_flags(const cJSON *answer, char *buf, size_t size)
{
	struct text_buf text;
	unsigned flags = 0, flag;
	const cJSON *item;

	text_buf_init(&text, buf, size);
	cJSON_ArrayForEach (item, exchange_get(answer, "flags")) {
		const char *word = cJSON_GetStringValue(item);

		if (!word)
			continue;
		if (text.len)
			text_put_char(&text, ',');
		text_put(&text, word);
		if (web_config_flags(word, &flag) == 0)
			flags |= flag;
	}
	if (!text.len)
		text_put(&text, "none");
	return flags;
}

static void add_system(struct reply *reply, const cJSON *answer)
{
	const cJSON *os = exchange_get(answer, "os"), *hops = exchange_get(answer, "dist_hops");
	const char *class = exchange_text(os, "class");
	const char *link = exchange_text(exchange_get(answer, "link"), "label");
	char number[32];

	reply_add_header(reply, "X-Client-OS", *class ? class : "unknown");
	snprintf(number, sizeof(number), "%.3f", exchange_number(os, "confidence"));
	reply_add_header(reply, "X-Client-OS-Confidence", number);
	reply_add_header(reply, "X-Client-Link", *link ? link : "unknown");
	snprintf(number, sizeof(number), "%.0f", exchange_number(answer, "dist_hops"));
	reply_add_header(reply, "X-Client-Hops", cJSON_IsNumber(hops) ? number : "unknown");
}

/* With headers in any case, so that a web server's variables are always set by us. */
static unsigned add_headers(struct exchange *exchange, const cJSON *answer)
{
	static const char *const names[] = {"exact", "address", "unknown"};
	const cJSON *lie = exchange_get(exchange_get(answer, "user_agent"), "os_mismatch");
	enum figures_verdict verdict = verdict_of(exchange, answer);
	struct reply *reply = &exchange->reply;
	char words[REPLY_VALUE_MAX];
	unsigned flags = join_flags(answer, words, sizeof(words));

	exchange->site->figures->verdicts[verdict]++;
	add_system(reply, answer);
	reply_add_header(reply, "X-Client-Flags", words);
	reply_add_header(reply, "X-Client-OS-Mismatch",
			 cJSON_IsBool(lie) ? cJSON_IsTrue(lie) ? "true" : "false" : "unknown");
	reply_add_header(reply, "X-Client-Verdict", names[verdict]);
	if (exchange->site->config->deny_exact_only && verdict != FIGURES_EXACT)
		return 0;
	return flags;
}

void auth_answer(struct exchange *exchange)
{
	cJSON *answer = exchange_answer(exchange, 0);
	unsigned flags = add_headers(exchange, answer) & read_deny(exchange);

	if (flags) {
		exchange->site->figures->denied++;
		reply_set(&exchange->reply, 403, "text/plain", "denied by synprint\n", 19);
	} else {
		reply_set(&exchange->reply, 200, "text/plain", "", 0);
	}
	cJSON_Delete(answer);
}
