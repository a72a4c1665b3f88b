/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `/`, what the visitor's own first packet says; and /client, the same of any address. */
#include <string.h>

#include "web/census.h"
#include "web/pages/parts.h"
#include "web/question.h"
#include "web/routes.h"

void home_ask(struct exchange *exchange)
{
	census_look(exchange->site->census, exchange->site->now_s);
	if (question_ask(exchange, QUESTION_VERDICT))
		question_ask(exchange, QUESTION_EXPLAIN);
}

static void put_notice(struct text_buf *buf, const char *title, const char *text)
{
	text_put(buf, "<section class=\"hero\"><h1>");
	text_put(buf, title);
	text_put(buf, "</h1><p>");
	text_put(buf, text);
	text_put(buf, "</p></section>");
}

/* Also where there is no address, such as on a Unix socket. */
static void put_nothing(struct text_buf *buf, bool is_answered)
{
	if (is_answered)
		put_notice(
			buf, "Your first packet was not seen",
			"synprint judges a connection by its first packet. This connection is "
			"older than synprintd, or it came in where synprintd does not look, or a "
			"proxy passes it on without saying for whom.");
	else
		put_notice(buf, "synprintd does not answer",
			   "The program that looks at packets is not running, or is busy. Every "
			   "connection passes in the meantime.");
}

static void put_address(struct text_buf *buf, const cJSON *verdict)
{
	text_put(buf, "<p class=\"address\">Seen from <code>");
	part_text(buf, exchange_text(verdict, "ip"));
	text_putf(buf, "</code>, port <code>%.0f</code>%s</p>", exchange_number(verdict, "port"),
		  cJSON_IsTrue(exchange_get(verdict, "exact"))
			  ? "."
			  : ": another connection of this address, because this one was not seen.");
}

static void put_agent(const struct exchange *exchange, struct text_buf *buf)
{
	char agent[EXCHANGE_AGENT_MAX];

	exchange_agent(exchange, agent);
	if (!*agent)
		return;
	agent[400] = '\0';
	text_put(buf, "<section><h2>What your browser said</h2><p><code class=\"sig\">");
	part_text(buf, agent);
	text_put(buf, "</code></p></section>");
}

static const char programs[] =
	"<section><h2>For programs</h2><p>The same as JSON: <a href=\"/classify\">/classify</a>. "
	"As "
	"headers for web servers: <code>/auth</code>. The manual is synprint-web(8).</p>"
	"</section>";

static void put_known(struct exchange *exchange, struct text_buf *buf, const cJSON *verdict,
		      const cJSON *explained, bool is_visitor)
{
	part_hero(buf, verdict, is_visitor);
	put_address(buf, verdict);
	part_cards(exchange, buf, verdict, is_visitor);
	part_reasons(buf, verdict);
	part_evidence(buf, explained);
	part_classes(buf, verdict);
	part_syn(buf, verdict);
}

void home_answer(struct exchange *exchange)
{
	cJSON *verdict = exchange_answer(exchange, 0), *explained = exchange_answer(exchange, 1);
	bool is_answered = verdict || !exchange->question_count;
	bool is_found = cJSON_IsTrue(exchange_get(verdict, "found"));
	struct text_buf buf;
	char *page = part_begin(exchange, "Your first packet", "", &buf);

	if (page && is_found) {
		put_known(exchange, &buf, verdict, explained, true);
		put_agent(exchange, &buf);
		text_put(&buf, programs);
	} else if (page) {
		put_nothing(&buf, is_answered);
	}
	part_end(exchange, is_answered ? 200 : 503, page, &buf);
	cJSON_Delete(verdict);
	cJSON_Delete(explained);
}

void client_ask(struct exchange *exchange)
{
	if (!request_arg(&exchange->request, "ip"))
		reply_refuse(&exchange->reply, 400, "bad_value", "ip: expected an address");
	else
		home_ask(exchange);
}

void client_answer(struct exchange *exchange)
{
	cJSON *verdict = exchange_answer(exchange, 0), *explained = exchange_answer(exchange, 1);
	bool is_found = cJSON_IsTrue(exchange_get(verdict, "found"));
	struct text_buf buf;
	char *page = part_begin(exchange, "One client", "", &buf);

	if (page && is_found)
		put_known(exchange, &buf, verdict, explained, false);
	else if (page && verdict)
		put_notice(&buf, "Nothing is known of this address",
			   "It was not seen, or it gave way to others. <a href=\"/live\">Back</a>");
	else if (page)
		put_nothing(&buf, false);
	part_end(exchange, verdict ? is_found ? 200 : 404 : 503, page, &buf);
	cJSON_Delete(verdict);
	cJSON_Delete(explained);
}
