/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What IPv4 and IPv6 of one client prove together. The gateway cannot know that two addresses
 * are one client's: whoever asks does, such as a web page that both have fetched.
 */
#include <errno.h>

#include "core/link/link_weigh.h"
#include "daemon/answers/answers_ops.h"

struct side {
	struct link link;
	uint64_t seen_ms;
};

/* Without the SYN, its MSS and grade are still known, but not what its window said. */
static void judge_stored(const struct generation *generation, const struct addr *addr,
			 const struct verdict *verdict, struct link *ret_link)
{
	struct syn syn = {.ip_version = addr_is_v4(addr) ? 4 : 6,
			  .mss = (uint16_t)verdict->mss,
			  .has_mss = verdict->mss != 0};

	link_judge(generation->knowledge->linkdb, &syn, generation->config->local_clamp, ret_link);
	ret_link->grade = (enum link_grade)verdict->grade;
	ret_link->mss_clamped = verdict->reasons & reason_bit(REASON_WIN_CLAMPED);
	ret_link->mss_own = verdict->reasons & reason_bit(REASON_WIN_OWN_MSS);
}

/* The connection that stands for an address, or the one that was asked for. */
static int find_side(const struct answers *answers, const struct addr *addr, uint16_t port,
		     struct side *ret_side)
{
	const struct generation *generation = answers_generation(answers);
	const struct client_conn *conn;
	struct client client;
	struct syn syn;

	if (clients_get(answers->clients, addr, &client) < 0)
		return -ENOENT;
	conn = client_conn_find(&client, port);
	conn = conn ? conn : client_conn_find(&client, 0);
	ret_side->seen_ms = (uint64_t)client.last_seen_s * 1000;
	if (clients_get_syn(answers->clients, addr, conn->src_port, &syn, &ret_side->seen_ms) == 0)
		link_judge(generation->knowledge->linkdb, &syn, generation->config->local_clamp,
			   &ret_side->link);
	else
		judge_stored(generation, addr, &conn->verdict, &ret_side->link);
	ret_side->link.grade = (enum link_grade)conn->verdict.grade;
	ret_side->link.reasons |= conn->verdict.reasons;
	return 0;
}

static void put_flag(unsigned flags, struct text_buf *reply)
{
	text_put(reply, ",\"flags\":[");
	if (flags)
		text_put_json(reply, verdict_flag_name((enum verdict_flag)flags));
	text_put_char(reply, ']');
}

static void put_pair(const struct link_pair *pair, enum link_grade threshold,
		     struct text_buf *reply)
{
	text_put(reply, ",\"finding\":");
	text_put_json(reply, link_finding_name(pair->finding));
	text_put(reply, ",\"text\":");
	text_put_json(reply, link_finding_text(pair->finding));
	text_put(reply, ",\"grade\":");
	text_put_json(reply, link_grade_name(pair->grade));
	put_flag(verdict_link_flags(pair->kind, pair->grade, threshold), reply);
	text_put(reply, ",\"reasons\":[");
	if (pair->reasons)
		text_put_json(reply, reason_name((enum reason)__builtin_ctzll(pair->reasons)));
	text_put_char(reply, ']');
}

static void put_side(const char *mss_key, const char *mtu_key, const struct side *side,
		     struct text_buf *reply)
{
	text_putf(reply, ",\"%s\":", mss_key);
	if (side->link.mss)
		text_put_uint(reply, side->link.mss);
	else
		text_put(reply, "null");
	text_putf(reply, ",\"%s\":", mtu_key);
	if (side->link.mtu)
		text_put_uint(reply, side->link.mtu);
	else
		text_put(reply, "null");
}

static void put_found(const struct answers *answers, const struct proto_request *req,
		      const struct side *side, const struct side *also, struct text_buf *reply)
{
	bool is_v4 = addr_is_v4(&req->addr);
	uint64_t apart_ms = side->seen_ms > also->seen_ms ? side->seen_ms - also->seen_ms
							  : also->seen_ms - side->seen_ms;
	struct link_pair pair;

	link_pair(is_v4 ? &side->link : &also->link, is_v4 ? &also->link : &side->link, &pair);
	put_side("mss", "mtu", side, reply);
	put_side("also_mss", "also_mtu", also, reply);
	text_putf(reply, ",\"apart_s\":%llu", (unsigned long long)(apart_ms / 1000));
	put_pair(&pair, answers_generation(answers)->config->link_threshold, reply);
}

void answers_put_pair(const struct answers *answers, const struct proto_request *req,
		      struct text_buf *reply)
{
	char ip[ADDR_TEXT_MAX];
	struct side side, also;
	bool is_found = find_side(answers, &req->addr, req->port, &side) == 0 &&
			find_side(answers, &req->also, 0, &also) == 0;

	addr_format(&req->also, ip);
	text_putf(reply, ",\"pair\":{\"also\":\"%s\",\"found\":%s", ip,
		  is_found ? "true" : "false");
	if (is_found)
		put_found(answers, req, &side, &also, reply);
	text_put_char(reply, '}');
}
