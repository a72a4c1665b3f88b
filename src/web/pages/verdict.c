/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A verdict in words: the system, what speaks for it, and what it came through. */
#include <string.h>

#include "web/census.h"
#include "web/pages/parts.h"

static void put_confidence(struct text_buf *buf, const cJSON *os)
{
	double share = exchange_number(os, "confidence");

	text_put(buf, "<p class=\"sure\">");
	part_bar(buf, share);
	text_put(buf, "<span>");
	part_percent(buf, share);
	text_put(buf, " sure</span></p>");
}

static void put_unknown(struct text_buf *buf, bool is_visitor)
{
	text_putf(buf,
		  "<section class=\"hero\"><p class=\"kicker\">%s</p><h1>Like nothing we know</h1>"
		  "<p>No signature in the database comes near this first packet.</p></section>",
		  is_visitor ? "Your device is" : "This device is");
}

void part_hero(struct text_buf *buf, const cJSON *verdict, bool is_visitor)
{
	const cJSON *os = exchange_get(verdict, "os");
	const char *class = exchange_text(os, "class");

	if (!*class || strcmp(exchange_text(os, "match"), "none") == 0) {
		put_unknown(buf, is_visitor);
		return;
	}
	text_putf(buf, "<section class=\"hero\"><p class=\"kicker\">%s</p><h1>",
		  is_visitor ? "Your device most likely is" : "This device most likely is");
	part_text(buf, class);
	text_put(buf, "</h1><p class=\"label\">");
	part_text(buf, exchange_text(os, "label"));
	text_put(buf, "</p>");
	put_confidence(buf, os);
	text_put(buf, "</section>");
}

static void begin_card(struct text_buf *buf, const char *mood, const char *title)
{
	text_putf(buf, "<div class=\"card %s\"><h2>%s</h2><p>", mood, title);
}

static void put_claim(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *agent = exchange_get(verdict, "user_agent");
	const cJSON *lie = exchange_get(agent, "os_mismatch");
	const char *claim = exchange_text(agent, "claim");

	begin_card(buf,
		   cJSON_IsTrue(lie)   ? "bad"
		   : cJSON_IsBool(lie) ? "good"
				       : "plain",
		   "Your browser says");
	if (!*claim) {
		text_put(buf,
			 "<strong>Nothing about a system</strong></p><p>It names none, so there "
			 "is nothing to compare.</p></div>");
		return;
	}
	text_put(buf, "<strong>");
	part_text(buf, claim);
	text_put(buf, "</strong></p><p>");
	if (cJSON_IsTrue(lie))
		text_put(buf, "That does not fit the first packet. A proxy, or a changed "
			      "User-Agent, looks like this.");
	else if (cJSON_IsBool(lie))
		text_put(buf, "That fits the first packet.");
	else
		text_put(buf, "The first packet does not say enough to agree or to disagree.");
	text_put(buf, "</p></div>");
}

static const char *grade_text(const char *grade)
{
	static const struct {
		const char *grade, *text;
	} words[] = {
		{"none", "No sign of a tunnel."},
		{"access", "An ordinary access network has this."},
		{"possible", "A tunnel is possible, but so is an ordinary network."},
		{"likely", "A VPN or tunnel is likely."},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].grade, grade) == 0)
			return words[i].text;
	return "";
}

static void put_link(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *link = exchange_get(verdict, "link"), *mtu = exchange_get(link, "mtu");
	const char *grade = exchange_text(link, "grade"), *label = exchange_text(link, "label");

	begin_card(buf, strcmp(grade, "likely") == 0 ? "bad" : "plain", "It came through");
	text_put(buf, "<strong>");
	part_text(buf, *label ? label : "not known");
	text_put(buf, "</strong></p><p>");
	if (cJSON_IsNumber(mtu) && mtu->valuedouble > 0)
		text_putf(buf, "Packets of at most %.0f bytes. ", mtu->valuedouble);
	text_put(buf, grade_text(grade));
	text_put(buf, "</p></div>");
}

static void put_distance(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *hops = exchange_get(verdict, "dist_hops");

	begin_card(buf, "plain", "Distance");
	if (cJSON_IsNumber(hops) && hops->valuedouble == 0)
		text_put(buf, "<strong>No router</strong></p><p>It is on a network next to this "
			      "machine.");
	else if (cJSON_IsNumber(hops))
		text_putf(buf,
			  "<strong>%.0f router%s</strong></p><p>Each one on the way takes one "
			  "from the packet's TTL.",
			  hops->valuedouble, hops->valuedouble == 1 ? "" : "s");
	else
		text_put(buf, "<strong>Not known</strong>");
	text_put(buf, "</p></div>");
}

/* How many of the known clients look like this one: the same label, and of them the same MTU. */
static void put_common(struct exchange *exchange, struct text_buf *buf, const cJSON *verdict)
{
	const struct census_table *table =
		census_look(exchange->site->census, exchange->site->now_s);
	const char *label = exchange_text(exchange_get(verdict, "os"), "label");
	unsigned mtu = (unsigned)exchange_number(exchange_get(verdict, "link"), "mtu");
	unsigned alike = 0, same = 0;

	if (!table || !table->clients)
		return;
	for (unsigned i = 0; i < table->shape_count; i++) {
		if (strncmp(table->shapes[i].label, label, CENSUS_WORD_MAX - 1) != 0)
			continue;
		alike += table->shapes[i].count;
		same += table->shapes[i].mtu == mtu ? table->shapes[i].count : 0;
	}
	begin_card(buf, "plain", "How common this is here");
	text_put(buf, "<strong>");
	part_percent(buf, (double)alike / table->clients);
	text_putf(buf,
		  " of clients</strong></p><p>%u of the %u known here match this signature; "
		  "%u of them have the same packet size.</p></div>",
		  alike, table->clients, same);
}

static void put_flags(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *flags = exchange_get(verdict, "flags"), *flag;

	if (!cJSON_GetArraySize(flags))
		return;
	text_put(buf, "<ul class=\"flags\" aria-label=\"Flags\">");
	cJSON_ArrayForEach (flag, flags) {
		const char *word = cJSON_GetStringValue(flag);

		if (!word)
			continue;
		text_put(buf, "<li><b>");
		part_text(buf, word);
		text_put(buf, "</b> ");
		part_text(buf, part_flag(word));
		text_put(buf, "</li>");
	}
	text_put(buf, "</ul>");
}

void part_cards(struct exchange *exchange, struct text_buf *buf, const cJSON *verdict,
		bool is_visitor)
{
	put_flags(buf, verdict);
	text_put(buf, "<section class=\"cards\">");
	if (is_visitor)
		put_claim(buf, verdict);
	put_link(buf, verdict);
	put_distance(buf, verdict);
	put_common(exchange, buf, verdict);
	text_put(buf, "</section>");
}

void part_reasons(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *reason;

	text_put(buf, "<section><h2>Why</h2><ul class=\"reasons\">");
	cJSON_ArrayForEach (reason, exchange_get(verdict, "reasons")) {
		const char *code = cJSON_GetStringValue(reason);

		if (!code)
			continue;
		text_put(buf, "<li>");
		part_text(buf, part_reason(code));
		text_put(buf, " <code>");
		part_text(buf, code);
		text_put(buf, "</code></li>");
	}
	text_put(buf, "</ul></section>");
}

void part_classes(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *classes = exchange_get(exchange_get(verdict, "os"), "classes"), *item;

	if (cJSON_GetArraySize(classes) < 2)
		return;
	text_put(buf,
		 "<section><h2>What else it could be</h2><table class=\"shares\"><thead><tr>"
		 "<th scope=\"col\">System</th><th scope=\"col\">Probability</th><td></td></tr>"
		 "</thead><tbody>");
	cJSON_ArrayForEach (item, classes) {
		if (!cJSON_IsNumber(item) || item->valuedouble < 0.001)
			continue;
		text_put(buf, "<tr><th scope=\"row\">");
		part_text(buf, item->string);
		text_put(buf, "</th><td class=\"number\">");
		part_percent(buf, item->valuedouble);
		text_put(buf, "</td><td>");
		part_bar(buf, item->valuedouble);
		text_put(buf, "</td></tr>");
	}
	text_put(buf, "</tbody></table></section>");
}
