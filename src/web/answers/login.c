/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Browsers give the token once, in a form, for a cookie that scripts cannot read and that no other
 * site's page can make them send (RFC 6265bis, SameSite).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/routes.h"

static int hex_value(const char *text)
{
	char digits[3] = {text[0], text[0] ? text[1] : '\0', '\0'};
	char *end;
	long value = strtol(digits, &end, 16);

	return end == digits + 2 ? (int)value : -1;
}

/* One field of a form, decoded; false where it is missing or does not fit. */
static bool read_field(const char *body, const char *name, char *buf, size_t size)
{
	size_t name_len = strlen(name), len = 0;

	while (strncmp(body, name, name_len) != 0 || body[name_len] != '=') {
		body += strcspn(body, "&");
		if (!*body++)
			return false;
	}
	for (body += name_len + 1; *body && *body != '&'; body++) {
		int c = *body == '+' ? ' ' : *body;

		if (len + 1 >= size)
			return false;
		if (c == '%') {
			c = hex_value(body + 1);
			if (c < 0)
				return false;
			body += 2;
		}
		buf[len++] = (char)c;
	}
	buf[len] = '\0';
	return true;
}

static void redirect(struct reply *reply, const char *where)
{
	reply_set(reply, 303, "text/plain", "", 0);
	reply_add_header(reply, "Location", where);
}

void login_answer(struct exchange *exchange)
{
	struct exchange_site *site = exchange->site;
	const char *proto = exchange->request.headers[REQUEST_FORWARDED_PROTO];
	char token[ACCESS_TOKEN_MAX + 1] = "", id[ACCESS_ID_TEXT], cookie[REPLY_VALUE_MAX];
	bool is_right = read_field(exchange->request.body, "token", token, sizeof(token)) &&
			access_login(&site->access, token, site->now_s, id) == 0;

	explicit_bzero(token, sizeof(token));
	explicit_bzero(exchange->request.body, sizeof(exchange->request.body));
	if (!is_right) {
		login_page_answer(exchange);
		exchange->reply.status = 403;
		return;
	}
	snprintf(cookie, sizeof(cookie), "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%d%s",
		 ACCESS_COOKIE, id, ACCESS_SESSION_S,
		 proto && strcmp(proto, "https") == 0 ? "; Secure" : "");
	redirect(&exchange->reply, "/live");
	reply_add_header(&exchange->reply, "Set-Cookie", cookie);
}

void logout_answer(struct exchange *exchange)
{
	access_logout(&exchange->site->access, exchange->request.headers[REQUEST_COOKIE]);
	redirect(&exchange->reply, "/");
	reply_add_header(&exchange->reply, "Set-Cookie",
			 ACCESS_COOKIE "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
}
