/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The form for the token. */
#include "web/pages/parts.h"
#include "web/routes.h"

void login_page_answer(struct exchange *exchange)
{
	bool is_wrong = exchange->request.method == REQUEST_POST;
	struct text_buf buf;
	char *page = part_begin(exchange, "Token", "", &buf);

	if (page) {
		text_put(&buf,
			 "<section class=\"hero login\"><h1>The gateway's page needs the token</h1>"
			 "<p>It shows other people's addresses. Whoever runs this machine has "
			 "the token: <code>token_file</code> in web.conf names its file.</p>");
		if (!exchange->site->access.token[0])
			text_put(&buf,
				 "<p class=\"error\" role=\"alert\">No token is configured, so "
				 "only this machine itself may look.</p>");
		else if (is_wrong)
			text_put(&buf,
				 "<p class=\"error\" role=\"alert\">That is not the token.</p>");
		text_put(&buf, "<form method=\"post\" action=\"/login\"><label for=\"token\">Token"
			       "</label><input id=\"token\" name=\"token\" type=\"password\" "
			       "autocomplete=\"current-password\" required maxlength=\"256\">"
			       "<button>Show the gateway</button></form></section>");
	}
	part_end(exchange, 200, page, &buf);
}
