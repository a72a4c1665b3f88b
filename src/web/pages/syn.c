/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fields of a SYN, each with what it tells. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "web/pages/parts.h"

static void begin_row(struct text_buf *buf, const char *name)
{
	text_put(buf, "<tr><th scope=\"row\">");
	text_put(buf, name);
	text_put(buf, "</th><td class=\"value\">");
}

static void middle_of_row(struct text_buf *buf)
{
	text_put(buf, "</td><td>");
}

static void end_row(struct text_buf *buf)
{
	text_put(buf, "</td></tr>");
}

static void put_ttl(struct text_buf *buf, const cJSON *verdict, const cJSON *syn)
{
	const cJSON *hops = exchange_get(verdict, "dist_hops");
	double ttl = exchange_number(syn, "ip_ttl");

	begin_row(buf, exchange_number(syn, "ip_version") == 6 ? "Hop limit" : "TTL");
	text_putf(buf, "%.0f", ttl);
	middle_of_row(buf);
	if (cJSON_IsNumber(hops) && hops->valuedouble == 0)
		text_put(buf, "As it was sent: there is no router in between. Windows begins at "
			      "128, most others at 64.");
	else if (cJSON_IsNumber(hops))
		text_putf(buf,
			  "Sent as %.0f, and lowered by each of %.0f routers. Windows begins at "
			  "128, most others at 64.",
			  ttl + hops->valuedouble, hops->valuedouble);
	else
		text_put(buf, "Systems begin at 64, 128 or 255, and each router takes one.");
	end_row(buf);
}

static void put_options(struct text_buf *buf, const cJSON *syn)
{
	char options[128];
	size_t len;

	snprintf(options, sizeof(options), "%s", exchange_text(syn, "tcp_options"));
	len = strlen(options);
	if (len && options[len - 1] == ',')
		options[len - 1] = '\0';
	begin_row(buf, "TCP options");
	part_text(buf, *options ? options : "none");
	middle_of_row(buf);
	text_put(buf,
		 "Which, and in which order, is a system's handwriting: M segment size, "
		 "S selective acknowledgements, T timestamps, N padding, W window scale, E end.");
	end_row(buf);
}

static void put_mss(struct text_buf *buf, const cJSON *verdict, const cJSON *syn)
{
	double mss = exchange_number(syn, "tcp_mss");
	double mtu = exchange_number(exchange_get(verdict, "link"), "mtu");

	begin_row(buf, "Segment size (MSS)");
	if (mss > 0)
		text_putf(buf, "%.0f", mss);
	else
		text_put(buf, "none");
	middle_of_row(buf);
	if (mss > 0 && mtu > 0)
		text_putf(buf,
			  "With its headers that is a packet of %.0f bytes, which tells what the "
			  "connection goes through.",
			  mtu);
	else
		text_put(buf, "Without it, nothing tells what the connection goes through.");
	end_row(buf);
}

static void put_window(struct text_buf *buf, const cJSON *syn)
{
	double win = exchange_number(syn, "tcp_window_size"), mss = exchange_number(syn, "tcp_mss");
	double scale = exchange_number(syn, "tcp_window_scaling");

	begin_row(buf, "Window");
	text_putf(buf, "%.0f", win);
	middle_of_row(buf);
	if (mss > 0 && win > mss && fmod(win, mss) == 0)
		text_putf(buf,
			  "%.0f segments of %.0f bytes: made by the system that chose this very "
			  "segment size.",
			  win / mss, mss);
	else
		text_put(buf, "How much the system takes in at first. It is typical of a version.");
	end_row(buf);
	begin_row(buf, "Window scale");
	if (scale > 0)
		text_putf(buf, "%.0f", scale);
	else
		text_put(buf, "none");
	middle_of_row(buf);
	text_putf(buf,
		  "Windows count in steps of %.0f bytes; how large depends on the system and "
		  "its memory.",
		  exp2(fmin(fmax(scale, 0), 14)));
	end_row(buf);
}

static void put_flags(struct text_buf *buf, const cJSON *syn)
{
	bool has_ecn = (unsigned)exchange_number(syn, "tcp_flags") & 0xc0;
	bool has_time = exchange_number(syn, "tcp_timestamp") > 0;

	begin_row(buf, "Timestamps");
	text_put(buf, has_time ? "yes" : "no");
	middle_of_row(buf);
	text_put(buf, "Linux, Android and Apple send them, Windows does not.");
	end_row(buf);
	begin_row(buf, "ECN");
	text_put(buf, has_ecn ? "asked for" : "no");
	middle_of_row(buf);
	text_put(buf, "Apple asks for it on many connections, others when told to.");
	end_row(buf);
	if (exchange_number(syn, "ip_version") == 6)
		return;
	begin_row(buf, "Don't fragment");
	text_put(buf, exchange_number(syn, "ip_df") > 0 ? "set" : "not set");
	middle_of_row(buf);
	text_put(buf, "All common systems set it; many tools that make packets do not.");
	end_row(buf);
}

void part_syn(struct text_buf *buf, const cJSON *verdict)
{
	const cJSON *syn = exchange_get(verdict, "syn");

	text_put(buf, "<section><h2>What the first packet said</h2>");
	if (!cJSON_IsObject(syn)) {
		text_put(buf,
			 "<p>This packet is not kept any more; only its verdict is.</p></section>");
		return;
	}
	text_put(buf, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		      "aria-label=\"Fields of the packet\"><table class=\"fields\"><thead><tr>"
		      "<th scope=\"col\">Field</th><th scope=\"col\">Value</th>"
		      "<th scope=\"col\">What it tells</th></tr></thead><tbody>");
	put_ttl(buf, verdict, syn);
	put_options(buf, syn);
	put_mss(buf, verdict, syn);
	put_window(buf, syn);
	put_flags(buf, syn);
	text_put(buf, "</tbody></table></div><p>As a signature: <code class=\"sig\">");
	part_text(buf, exchange_text(verdict, "sig"));
	text_put(buf, "</code></p></section>");
}
