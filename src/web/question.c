/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments and addresses as requests of synprint-control(7). */
#include "web/question.h"

#include <stdlib.h>
#include <string.h>

#define QUESTION_BYTES (2 * EXCHANGE_AGENT_MAX + 256) /* every byte of the claim escaped */

/* Return: 0 as a port says "none". */
static bool read_port(const char *text, uint16_t *ret_port)
{
	unsigned long port = text && *text ? strtoul(text, NULL, 10) : 0;

	*ret_port = (uint16_t)port;
	return !text || !*text ||
	       (!text[strspn(text, "0123456789")] && strlen(text) <= 5 && port <= UINT16_MAX);
}

/* Whom the arguments name. Return: false where the reply says what is wrong with them. */
static bool read_named(struct exchange *exchange, const char *ip, struct addr *ret_addr,
		       uint16_t *ret_port)
{
	struct reply *reply = &exchange->reply;

	if (!exchange->may_ask)
		reply_refuse(reply, 403, "forbidden",
			     "asking about others needs the token, see synprint-web(8)");
	else if (addr_parse(ip, ret_addr) < 0)
		reply_refuse(reply, 400, "bad_value", "ip: expected an IPv4 or IPv6 address");
	else if (!read_port(request_arg(&exchange->request, "port"), ret_port))
		reply_refuse(reply, 400, "bad_value", "port: expected 1 to 65535");
	else
		return true;
	return false;
}

static void put_claim(const struct exchange *exchange, bool is_named, struct text_buf *buf)
{
	const char *given = request_arg(&exchange->request, "user_agent");
	char agent[EXCHANGE_AGENT_MAX];

	if (is_named)
		strncpy(agent, given ? given : "", sizeof(agent) - 1)[sizeof(agent) - 1] = '\0';
	else
		exchange_agent(exchange, agent);
	if (!*agent)
		return;
	text_put(buf, ",\"user_agent\":");
	text_put_json(buf, agent);
	if (!exchange->site->config->claims || is_named)
		text_put(buf, ",\"keep\":false");
}

static void ask_about(struct exchange *exchange, enum question_kind kind, const struct addr *addr,
		      uint16_t port, bool is_named)
{
	char data[QUESTION_BYTES], ip[ADDR_TEXT_MAX];
	struct text_buf buf;

	addr_format(addr, ip);
	text_buf_init(&buf, data, sizeof(data));
	text_putf(&buf, "{\"op\":\"%s\",\"ip\":\"%s\"",
		  kind == QUESTION_VERDICT ? "verdict" : "explain", ip);
	if (port)
		text_putf(&buf, ",\"port\":%u", port);
	if (kind == QUESTION_VERDICT)
		put_claim(exchange, is_named, &buf);
	text_put_char(&buf, '}');
	if (buf.overflow)
		reply_refuse(&exchange->reply, 400, "too_long", "user_agent: too long");
	else
		exchange_ask(exchange, buf.data);
}

bool question_ask(struct exchange *exchange, enum question_kind kind)
{
	const char *ip = request_arg(&exchange->request, "ip");
	struct addr addr = exchange->visitor.addr;
	uint16_t port = exchange->visitor.port;
	unsigned before = exchange->question_count;

	if (ip ? read_named(exchange, ip, &addr, &port) : exchange->visitor.is_known)
		ask_about(exchange, kind, &addr, port, ip != NULL);
	return exchange->question_count > before;
}

bool question_ask_visitor(struct exchange *exchange)
{
	const struct visitor *visitor = &exchange->visitor;

	if (visitor->is_known)
		ask_about(exchange, QUESTION_VERDICT, &visitor->addr, visitor->port, false);
	return visitor->is_known;
}

static void put_words(struct text_buf *buf, const char *name, const char *words)
{
	char word[128];

	text_putf(buf, "\"%s\":[", name);
	while (true) {
		size_t len = strcspn(words, ",");

		if (len >= sizeof(word))
			len = sizeof(word) - 1;
		memcpy(word, words, len);
		word[len] = '\0';
		text_put_json(buf, word);
		words += strcspn(words, ",");
		if (!*words)
			break;
		text_put_char(buf, ',');
		words++;
	}
	text_put(buf, "],");
}

void question_put_filter(const struct request *request, struct text_buf *buf)
{
	static const char *const lists[] = {"flags", "classes", "families"};
	static const char *const texts[] = {"grade", "net"};
	const char *confidence = request_arg(request, "min_confidence");

	for (unsigned i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (request_arg(request, lists[i]))
			put_words(buf, lists[i], request_arg(request, lists[i]));
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!request_arg(request, texts[i]))
			continue;
		text_putf(buf, "\"%s\":", texts[i]);
		text_put_json(buf, request_arg(request, texts[i]));
		text_put_char(buf, ',');
	}
	if (!confidence)
		return;
	/* As a number where it is one, so that synprintd can refuse what is not. */
	text_put(buf, "\"min_confidence\":");
	if (*confidence && strlen(confidence) < 16 &&
	    !confidence[strspn(confidence, "0123456789.")])
		text_putf(buf, "%g", strtod(confidence, NULL));
	else
		text_put_json(buf, confidence);
	text_put_char(buf, ',');
}
