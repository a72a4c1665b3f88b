/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of every page, and small things: text, shares, bars, times, words for codes. */
#include "web/pages/parts.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/reason.h"
#include "web/routes.h"

void part_text(struct text_buf *buf, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': text_put(buf, "&amp;"); break;
		case '<': text_put(buf, "&lt;"); break;
		case '>': text_put(buf, "&gt;"); break;
		case '"': text_put(buf, "&quot;"); break;
		case '\'': text_put(buf, "&#39;"); break;
		default: text_put_char(buf, *text);
		}
	}
}

static void put_link(struct text_buf *buf, const struct exchange *exchange, const char *path,
		     const char *name)
{
	bool is_here = exchange->route && strcmp(exchange->route->path, path) == 0;

	text_putf(buf, "<a href=\"%s\"%s>%s</a>", path, is_here ? " aria-current=\"page\"" : "",
		  name);
}

char *part_begin(const struct exchange *exchange, const char *title, const char *script,
		 struct text_buf *ret_buf)
{
	char *page = malloc(PAGE_BYTES);

	if (!page)
		return NULL;
	text_buf_init(ret_buf, page, PAGE_BYTES);
	text_put(ret_buf, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
			  "<meta name=\"color-scheme\" content=\"light dark\"><title>");
	part_text(ret_buf, title);
	text_put(ret_buf, "</title><link rel=\"stylesheet\" href=\"/style.css\">"
			  "<link rel=\"icon\" type=\"image/svg+xml\" href=\"/icon.svg\">");
	text_put(ret_buf, script);
	text_put(ret_buf,
		 "</head><body><a class=\"skip\" href=\"#main\">Skip to the content</a>"
		 "<header><span class=\"brand\"><svg viewBox=\"0 0 32 32\" aria-hidden=\"true\">"
		 "<path d=\"M6 22a10 10 0 0 1 20 0M10.5 25a5.5 5.5 0 0 1 11 0M4 14a14 14 0 0 1 "
		 "24 0\"/></svg>synprint</span><nav aria-label=\"Pages\">");
	put_link(ret_buf, exchange, "/", "You");
	put_link(ret_buf, exchange, "/live", "Gateway");
	text_put(ret_buf, "</nav></header><main id=\"main\">");
	return page;
}

void part_end(struct exchange *exchange, unsigned status, char *page, struct text_buf *buf)
{
	if (!page) {
		reply_refuse(&exchange->reply, 500, "failed", "out of memory");
		return;
	}
	text_put(buf, "</main><footer><p>synprint " SYNPRINT_VERSION
		      " looks at the first packet of each connection, and lets every one pass.</p>"
		      "</footer></body></html>\n");
	if (buf->overflow)
		reply_refuse(&exchange->reply, 500, "failed", "the page is too long");
	else
		reply_set(&exchange->reply, status, "text/html; charset=utf-8", buf->data,
			  buf->len);
	free(page);
}

void part_percent(struct text_buf *buf, double share)
{
	double percent = 100 * share;

	if (percent > 0 && percent < 0.5)
		text_put(buf, "&lt;1&nbsp;%");
	else if (percent > 99.5 && percent < 100)
		text_put(buf, "&gt;99&nbsp;%");
	else
		text_putf(buf, "%.0f&nbsp;%%", percent);
}

void part_bar(struct text_buf *buf, double share)
{
	text_putf(buf,
		  "<svg class=\"bar\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" "
		  "aria-hidden=\"true\"><rect class=\"track\" width=\"100\" height=\"6\"/>"
		  "<rect class=\"fill\" width=\"%.1f\" height=\"6\"/></svg>",
		  share < 0   ? 0
		  : share > 1 ? 100
			      : 100 * share);
}

const char *part_reason(const char *code)
{
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (strcmp(code, reason_name((enum reason)i)) == 0)
			return reason_text((enum reason)i);
	return code;
}

const char *part_flag(const char *flag)
{
	static const struct {
		const char *flag, *text;
	} words[] = {
		{"vpn", "comes through a VPN"},
		{"tunnel", "comes through a tunnel"},
		{"scanner", "was made by a scanner"},
		{"os_mismatch", "claims to be another system"},
		{"inconsistent", "is made up: no known system sends this"},
		{"shared", "shares its address with other systems"},
		{"mss_clamped", "had its segment size rewritten on the way"},
		{"unknown", "is like nothing in the database"},
		{"malformed", "has malformed options"},
		{"proxy", "waits as if it spoke for somebody behind it"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].flag, flag) == 0)
			return words[i].text;
	return flag;
}

void part_ago(struct text_buf *buf, int64_t then_s, int64_t now_s)
{
	int64_t ago_s = now_s > then_s ? now_s - then_s : 0;

	if (ago_s < 120)
		text_putf(buf, "%lld&nbsp;s ago", (long long)ago_s);
	else if (ago_s < 7200)
		text_putf(buf, "%lld&nbsp;min ago", (long long)(ago_s / 60));
	else
		text_putf(buf, "%lld&nbsp;h ago", (long long)(ago_s / 3600));
}
