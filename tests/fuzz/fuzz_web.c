/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a request to synprint-web and as synprintd's answers to what it asks: a line with
 * method, path and arguments, a line with the peer, header lines, an empty line, the answer. Whatever
 * they are, strangers see nothing of others, questions are lines of JSON, and no header is injected.
 */
#include <stdlib.h>
#include <string.h>

#include "web/census.h"
#include "web/figures.h"
#include "web/routes.h"
#include "web/series.h"

static const char site_token[] = "0123456789abcdef-of-the-site";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct exchange_site *site_new(void)
{
	static struct web_config config;
	static struct figures figures;
	static struct series series;
	static struct exchange_site site;

	web_config_init(&config);
	visitor_trust_net(&config.trust, "10.0.0.0/8");
	site = (struct exchange_site){.config = &config,
				      .figures = &figures,
				      .series = &series,
				      .census = census_new(),
				      .now_s = 1000};
	access_set_token(&site.access, site_token);
	return &site;
}

/* The next line, without its end, which is overwritten. */
static char *next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	*rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static void read_target(struct request *request, char *line)
{
	char *path = strchr(line, ' '), *args;

	if (path)
		*path++ = '\0';
	request_set_method(request, line);
	request->path = path ? path : "/";
	args = path ? strchr(path, '?') : NULL;
	if (!args)
		return;
	*args++ = '\0';
	for (char *arg; (arg = strsep(&args, "&"));) {
		char *value = strchr(arg, '=');

		if (value)
			*value++ = '\0';
		request_add_arg(request, arg, value);
	}
}

static void read_peer(struct request *request, const char *line)
{
	request->is_http11 = true;
	request->peer.is_unix = *line == 'u';
	if (addr_parse(line, &request->peer.addr) < 0)
		request->peer.addr = (struct addr){{0}};
	request->peer.port = 4711;
}

static void read_headers(struct request *request, char **rest)
{
	for (char *line; *(line = next_line(rest));) {
		char *value = strchr(line, ':');

		if (value)
			*value++ = '\0';
		request_add_header(request, line, value);
	}
}

static void check_questions(const struct exchange *exchange)
{
	for (unsigned i = 0; i < exchange->question_count; i++) {
		cJSON *question = cJSON_Parse(exchange->questions[i].text);

		if (!cJSON_IsObject(question) || strchr(exchange->questions[i].text, '\n'))
			abort();
		cJSON_Delete(question);
	}
}

static void check_reply(const struct exchange *exchange)
{
	const struct reply *reply = &exchange->reply;

	if (reply->status < 200 || reply->status > 503 || (reply->len && !reply->body))
		abort();
	for (unsigned i = 0; i < reply->header_count; i++)
		for (const char *at = reply->headers[i].value; *at; at++)
			if (*at < ' ' || *at > '~')
				abort();
	if (!exchange->may_ask && exchange->route && exchange->route->is_private &&
	    (reply->status == 200 || exchange->question_count))
		abort();
	if (reply->body && !reply->is_static && strlen(reply->body) != reply->len)
		abort();
	/* What synprintd says is echoed, what the form says is not. */
	if (exchange->request.method == REQUEST_POST && reply->body &&
	    strstr(reply->body, site_token))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct exchange_site *site;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	char *text = malloc(size + 1), *rest = text;

	if (!site)
		site = site_new();
	memcpy(text, data, size);
	text[size] = '\0';
	exchange->site = site;
	read_target(&exchange->request, next_line(&rest));
	read_peer(&exchange->request, next_line(&rest));
	read_headers(&exchange->request, &rest);
	if (exchange->request.method == REQUEST_POST)
		request_add_body(&exchange->request, rest, strlen(rest));
	route_begin(exchange);
	check_questions(exchange);
	for (unsigned i = 0; i < exchange->question_count; i++) {
		exchange->questions[i].rc = *rest ? 0 : -1;
		exchange->questions[i].line = *rest ? strdup(rest) : NULL;
	}
	route_finish(exchange);
	check_reply(exchange);
	exchange_done(exchange);
	free(exchange);
	free(text);
	return 0;
}
