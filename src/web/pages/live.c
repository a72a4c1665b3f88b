/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /live: the gateway at a glance. The page is whole as it is sent; its script draws the same
 * figures as charts and keeps them fresh. Without a script it is loaded anew every few seconds.
 */
#include <stdio.h>
#include <string.h>

#include "web/census.h"
#include "web/pages/parts.h"
#include "web/routes.h"
#include "web/series.h"

#define MTUS_SHOWN 12

void live_ask(struct exchange *exchange)
{
	live_data_ask(exchange);
}

static void put_figure(struct text_buf *buf, const char *id, const char *title, const char *value,
		       const char *note)
{
	text_putf(buf,
		  "<div class=\"card figure\"><h2>%s</h2><p><strong id=\"%s\">%s</strong> "
		  "<span id=\"%s-note\">%s</span></p></div>",
		  title, id, value, id, note);
}

static unsigned last_rate(const struct exchange_site *site)
{
	const struct series_second *second = series_second(site->series, site->now_s - 1);

	return second ? second->read + second->missed : 0;
}

static void put_queue_figure(struct text_buf *buf, const cJSON *status)
{
	const cJSON *queue;
	char value[32], note[96];
	double waiting = 0, dropped = 0;

	cJSON_ArrayForEach (queue, exchange_get(status, "queues")) {
		const cJSON *lost = exchange_get(queue, "dropped");

		waiting += exchange_number(queue, "waiting");
		dropped += exchange_number(lost, "kernel") + exchange_number(lost, "user");
	}
	snprintf(value, sizeof(value), "%.0f", waiting);
	snprintf(note, sizeof(note), "waiting, %.0f passed unseen", dropped);
	put_figure(buf, "queue", "Queues", value, note);
}

static void put_figures(struct exchange *exchange, struct text_buf *buf, const cJSON *status)
{
	const struct census_table *table =
		census_look(exchange->site->census, exchange->site->now_s);
	const cJSON *clients = exchange_get(status, "clients");
	char value[32], note[96];

	text_put(buf, "<section class=\"cards figures\" aria-label=\"Figures\">");
	snprintf(value, sizeof(value), "%u", last_rate(exchange->site));
	put_figure(buf, "rate", "New connections", value, "a second");
	snprintf(value, sizeof(value), "%.0f", exchange_number(clients, "used"));
	snprintf(note, sizeof(note), "of at most %.0f", exchange_number(clients, "capacity"));
	put_figure(buf, "clients", "Known clients", value, note);
	snprintf(value, sizeof(value), "%.1f&nbsp;%%",
		 table && table->clients ? 100.0 * table->unknown / table->clients : 0);
	put_figure(buf, "unknown", "Like nothing we know", value, "of the clients");
	put_queue_figure(buf, status);
	text_put(buf, "</section>");
}

static void put_canvas(struct text_buf *buf, const char *id, const char *label)
{
	text_putf(buf,
		  "<div class=\"chart\" hidden><canvas id=\"%s\" role=\"img\" aria-label=\"%s\">"
		  "</canvas></div>",
		  id, label);
}

static void put_share_row(struct text_buf *buf, const char *name, unsigned count, unsigned of)
{
	text_put(buf, "<tr><th scope=\"row\">");
	part_text(buf, name);
	text_putf(buf, "</th><td class=\"number\">%u</td><td>", count);
	part_bar(buf, of ? (double)count / of : 0);
	text_put(buf, "</td></tr>");
}

static void begin_shares(struct text_buf *buf, const char *id, const char *what)
{
	text_putf(buf,
		  "<table class=\"shares\" id=\"%s\"><thead><tr><th scope=\"col\">%s</th>"
		  "<th scope=\"col\">Clients</th><td></td></tr></thead><tbody>",
		  id, what);
}

static void put_systems(struct text_buf *buf, const struct census_table *table)
{
	text_put(buf, "<section><h2>Systems</h2>");
	begin_shares(buf, "systems", "System");
	for (unsigned i = 0; i < table->class_count && i < MTUS_SHOWN; i++)
		put_share_row(buf, table->classes[i].name[0] ? table->classes[i].name : "unknown",
			      table->classes[i].count, table->clients);
	text_put(buf, "</tbody></table></section>");
}

static void put_grades(struct text_buf *buf, const struct census_table *table)
{
	static const char *const names[] = {"No sign of a tunnel", "Access network",
					    "Tunnel possible", "Tunnel likely"};

	text_put(buf, "<section><h2>What they come through</h2>");
	begin_shares(buf, "grades", "Evidence");
	for (unsigned i = 0; i < 4; i++)
		put_share_row(buf, names[i], table->grades[i], table->clients);
	text_put(buf, "</tbody></table></section>");
}

static void put_mtus(struct text_buf *buf, const struct census_table *table)
{
	text_put(buf, "<section class=\"wide\"><h2>Packet sizes, and what has them</h2>");
	put_canvas(buf, "mtu-chart", "Clients by packet size; the table below has the numbers");
	begin_shares(buf, "mtus", "MTU");
	for (unsigned i = 0; i < table->mtu_count && i < MTUS_SHOWN; i++) {
		char name[96];

		snprintf(name, sizeof(name), "%u %s", table->mtus[i].mtu, table->mtus[i].link);
		put_share_row(buf, name, table->mtus[i].count, table->clients);
	}
	text_put(buf, "</tbody></table></section>");
}

static void put_suspect(struct text_buf *buf, const struct census_suspect *suspect, int64_t now_s)
{
	text_put(buf, "<tr><th scope=\"row\"><a href=\"/client?ip=");
	part_text(buf, suspect->ip);
	text_putf(buf, "&amp;port=%u\">", suspect->port);
	part_text(buf, suspect->ip);
	text_put(buf, "</a></th><td>");
	part_text(buf, suspect->label[0] ? suspect->label : "unknown");
	text_put(buf, "</td><td><b>");
	part_text(buf, suspect->flags);
	text_put(buf, "</b></td><td>");
	for (const char *word = suspect->reasons; *word;) {
		size_t len = strcspn(word, " ");
		char code[64];

		snprintf(code, sizeof(code), "%.*s", (int)len, word);
		part_text(buf, part_reason(code));
		word += len + strspn(word + len, " ");
		text_put(buf, *word ? "; " : "");
	}
	text_put(buf, "</td><td>");
	part_ago(buf, suspect->last_seen, now_s);
	text_put(buf, "</td></tr>");
}

static void put_suspects(struct text_buf *buf, const struct census_table *table, int64_t now_s)
{
	text_put(buf, "<section class=\"wide\"><h2>Newest suspects</h2>"
		      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		      "aria-label=\"Newest suspects\"><table id=\"suspects\"><thead><tr>"
		      "<th scope=\"col\">Address</th><th scope=\"col\">System</th>"
		      "<th scope=\"col\">Flags</th><th scope=\"col\">Why</th>"
		      "<th scope=\"col\">Seen</th></tr></thead><tbody>");
	for (unsigned i = 0; i < table->suspect_count; i++)
		put_suspect(buf, &table->suspects[i], now_s);
	if (!table->suspect_count)
		text_put(buf, "<tr><td colspan=\"5\">Nobody is suspect.</td></tr>");
	text_put(buf, "</tbody></table></div></section>");
}

static void put_lookup(struct text_buf *buf)
{
	text_put(buf, "<section class=\"wide\"><h2>One client</h2><form action=\"/client\" "
		      "class=\"row\"><label for=\"ip\">Address</label><input id=\"ip\" name=\"ip\" "
		      "required maxlength=\"45\" autocomplete=\"off\" spellcheck=\"false\">"
		      "<button>Explain</button></form></section>");
}

static void put_state(struct text_buf *buf, const cJSON *status)
{
	bool is_diverting = cJSON_IsTrue(exchange_get(exchange_get(status, "rules"), "diverting"));

	text_put(buf, "<section class=\"hero small\"><h1>The gateway now</h1><p id=\"state\" "
		      "role=\"status\">");
	text_put(buf,
		 !status ? "synprintd does not answer. Every connection passes in the meantime."
		 : is_diverting ? "New connections are looked at."
				: "No new connection is diverted to synprintd at the moment.");
	text_put(buf, "</p></section>");
}

static const char scripts[] = "<script src=\"/chart.js\" defer></script>"
			      "<script src=\"/live.js\" defer></script>";
static const char refresh[] = "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>"
			      "<script src=\"/live.js\" defer></script>";

void live_answer(struct exchange *exchange)
{
	static const struct census_table empty;
	const struct exchange_site *site = exchange->site;
	const struct census_table *table = census_look(site->census, site->now_s);
	cJSON *status = exchange_answer(exchange, 0);
	struct text_buf buf;
	char *page = part_begin(exchange, "The gateway now", site->chart ? scripts : refresh, &buf);

	if (page) {
		put_state(&buf, status);
		put_figures(exchange, &buf, status);
		text_put(&buf, "<section class=\"wide\"><h2>New connections by system</h2>");
		put_canvas(&buf, "syn-chart",
			   "New connections a second of the last two minutes, by system");
		text_put(&buf, "<p id=\"syn-note\">The first figures come within two seconds."
			       "</p></section><div class=\"pair\">");
		put_systems(&buf, table ? table : &empty);
		put_grades(&buf, table ? table : &empty);
		text_put(&buf, "</div>");
		put_mtus(&buf, table ? table : &empty);
		put_suspects(&buf, table ? table : &empty, site->today_s);
		put_lookup(&buf);
		text_put(
			&buf,
			"<form method=\"post\" action=\"/logout\" class=\"leave\">"
			"<button class=\"quiet\">Forget the token in this browser</button></form>");
	}
	part_end(exchange, status ? 200 : 503, page, &buf);
	cJSON_Delete(status);
}
