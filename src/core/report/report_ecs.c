/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client is "source" and the server "destination", also where the SYN+ACK was looked at, as
 * the schema wants it of one connection.
 */
#include "core/report/report_ecs.h"

#include "core/report/community.h"

/*
 * Days since 1970 to a date of the Gregorian calendar. An era is 400 years, which are 146,097 days;
 * a year begins in March here, so that the leap day is its last.
 */
static void put_date(struct text_buf *buf, uint64_t days)
{
	uint64_t shifted = days + 719468, era = shifted / 146097, day = shifted % 146097;
	uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	uint64_t in_year = day - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * in_year + 2) / 153;

	day = in_year - (153 * month + 2) / 5 + 1;
	year += 400 * era + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	text_putf(buf, "%04llu-%02llu-%02llu", (unsigned long long)year, (unsigned long long)month,
		  (unsigned long long)day);
}

static void put_time(struct text_buf *buf, uint64_t now_ms)
{
	unsigned in_day = (unsigned)(now_ms / 1000 % 86400);

	put_date(buf, now_ms / 86400000);
	text_putf(buf, "T%02u:%02u:%02u.%03uZ", in_day / 3600, in_day / 60 % 60, in_day % 60,
		  (unsigned)(now_ms % 1000));
}

static void put_end(struct text_buf *buf, const char *key, const struct addr *addr, unsigned port)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	text_putf(buf, ",\"%s\":{\"ip\":\"%s\",\"port\":%u}", key, text, port);
}

static void put_network(const struct report *report, struct text_buf *buf)
{
	char id[COMMUNITY_TEXT_MAX];

	community_format(report->community_seed, report->syn, id);
	text_putf(buf,
		  ",\"network\":{\"type\":\"ipv%u\",\"transport\":\"tcp\",\"iana_number\":\"6\","
		  "\"community_id\":\"%s\"}",
		  report->syn->ip_version, id);
}

void report_ecs(const struct report *report, const struct vocab *vocab, struct text_buf *buf)
{
	const struct syn *syn = report->syn;
	bool is_answer = syn_is_answer(syn);

	text_put(buf, "{\"@timestamp\":\"");
	put_time(buf, report->now_ms);
	text_putf(buf,
		  "\",\"ecs\":{\"version\":\"8.11.0\"},\"event\":{\"kind\":\"event\",\"category\":"
		  "[\"network\"],\"type\":[\"connection\",\"start\"],\"module\":\"synprint\","
		  "\"dataset\":\"synprint.%s\"}",
		  is_answer ? "synack" : "syn");
	put_end(buf, "source", is_answer ? &syn->dst : &syn->src,
		is_answer ? syn->dst_port : syn->src_port);
	put_end(buf, "destination", is_answer ? &syn->src : &syn->dst,
		is_answer ? syn->src_port : syn->dst_port);
	put_network(report, buf);
	text_put(buf, ",\"observer\":{\"product\":\"synprint\",\"type\":\"sensor\"}");
	report_put_flags("tags", report->verdict.flags, buf);
	text_put(buf, ",\"synprint\":{");
	report_put_members(report, vocab, buf);
	text_put(buf, "}}");
}
