/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several operations say of a client: the connection that is meant, its SYN judged anew. */
#include <errno.h>

#include "daemon/answers/answers_ops.h"
#include "sys/clock.h"

void details_judge(const struct answers *answers, struct details *details)
{
	const struct generation *generation = answers_generation(answers);
	const struct knowledge *knowledge = generation->knowledge;

	match_syn(knowledge->sigdb, &details->syn, &details->match);
	link_judge(knowledge->linkdb, &details->syn, generation->config->local_clamp,
		   &details->link);
	details->report.syn = &details->syn;
	details->report.match = &details->match;
	details->report.link = &details->link;
	details->report.community_seed = generation->config->community_seed;
}

static struct report report_of(const struct client *client, const struct client_conn *conn)
{
	return (struct report){.now_ms = clock_shown_ms((uint64_t)client->last_seen_s * 1000),
			       .addr = client->addr,
			       .port = conn->src_port,
			       .verdict = conn->verdict};
}

static bool find_syn(const struct answers *answers, struct details *details)
{
	uint64_t seen_ms;

	if (clients_get_syn(answers->clients, &details->report.addr, details->report.port,
			    &details->syn, &seen_ms) < 0)
		return false;
	details->report.now_ms = clock_shown_ms(seen_ms);
	details_judge(answers, details);
	return true;
}

/* A connection whose place others have taken, while its SYN is still there. */
static bool find_by_syn(const struct answers *answers, const struct client *client, uint16_t port,
			struct details *details)
{
	details->report = (struct report){.addr = client->addr, .port = port};
	if (!port || !find_syn(answers, details))
		return false;
	details->report.verdict =
		verdict_decide(&details->syn, &details->match, &details->link,
			       answers_generation(answers)->config->link_threshold);
	return true;
}

/* Of one shape, or the strongest; -1: there is none. */
static int choose_shape(const struct evidence *list, unsigned count, const struct syn *syn)
{
	for (unsigned i = 0; i < count; i++)
		if (!syn || list[i].shape == clocks_shape(syn))
			return (int)i;
	return -1;
}

bool answers_find_clocks(const struct answers *answers, const struct addr *addr,
			 const struct syn *syn, struct verdict *verdict,
			 struct evidence *ret_evidence)
{
	struct evidence_table *table = answers_generation(answers)->evidence;
	struct evidence list[EVIDENCE_SHAPES];
	unsigned count = table ? evidence_list(table, clock_steady_s(), addr, list) : 0;
	int at = choose_shape(list, count, syn);

	if (at < 0)
		return false;
	*ret_evidence = list[at];
	verdict->flags &= ~(unsigned)VERDICT_PROXY & VERDICT_FLAGS_MASK;
	verdict->reasons &= ~reason_bit(REASON_CLOCKS) & VERDICT_REASONS_MASK;
	if (evidence_grade(ret_evidence) == EVIDENCE_LIKELY) {
		verdict->flags |= VERDICT_PROXY;
		verdict->reasons |= reason_bit(REASON_CLOCKS);
	}
	return true;
}

void details_put_clocks(const struct answers *answers, const struct details *details,
			struct text_buf *reply)
{
	struct evidence shown = details->clocks;

	if (!answers_generation(answers)->evidence)
		return;
	text_put(reply, ",\"clocks\":");
	shown.quick_s = clock_shown_s(shown.quick_s);
	if (details->has_clocks)
		evidence_put_json(&shown, reply);
	else
		text_put(reply, "null");
}

static void put_bool(const char *name, bool value, struct text_buf *reply)
{
	text_putf(reply, ",\"%s\":%s", name, value ? "true" : "false");
}

/* Why no connection of anybody's is confirmed; NULL: they are, or rules of the administrator's may do it. */
static const char *why_unconfirmable(const struct generation *generation)
{
	if (generation->config->engine == RULES_NONE)
		return NULL;
	if (!generation->confirms)
		return "nobody uses conntrack here: set rules.conntrack = true";
	if (!generation->marks.ask || !generation->ct.ask)
		return "no bit of rules.mark_field or of rules.ct_mark_field is left to ask for "
		       "it: give both two bits or more";
	if (!generation->has_log)
		return "the log of handshakes cannot be read: what synprintd wrote at its start "
		       "says why";
	return NULL;
}

static void put_found(const struct client *client, const struct client_conn *conn, bool is_exact,
		      uint16_t port, struct text_buf *reply)
{
	text_put(reply, ",\"found\":true");
	put_bool("exact", is_exact, reply);
	put_bool("confirmed", conn && conn->is_confirmed, reply);
	put_bool("newer_differs", conn && client_newer_differs(client, conn, is_exact ? port : 0),
		 reply);
}

static void put_unconfirmable(const struct generation *generation, struct text_buf *reply)
{
	const char *why = why_unconfirmable(generation);

	if (!why)
		return;
	text_put(reply, ",\"unconfirmable\":");
	text_put_json(reply, why);
}

bool details_is_disputed(const struct client *client, uint16_t port)
{
	unsigned count = 0;

	for (unsigned i = 0; i < client->conn_count; i++) {
		if (client->conns[i].src_port != port)
			continue;
		if (client->conns[i].is_confirmed)
			return false;
		count++;
	}
	return count > 1;
}

int details_find(const struct answers *answers, const struct proto_request *req,
		 struct client *ret_client, struct details *ret_details, struct text_buf *reply)
{
	const struct client_conn *conn;
	char ip[ADDR_TEXT_MAX];

	proto_begin_reply(req, reply);
	if (clients_get(answers->clients, &req->addr, ret_client) < 0) {
		addr_format(&req->addr, ip);
		text_putf(reply, ",\"found\":false,\"ip\":\"%s\"", ip);
		details_put_reported(answers, &req->addr, reply);
		text_put_char(reply, '}');
		return -ENOENT;
	}
	conn = client_conn_find(ret_client, req->port);
	ret_details->is_exact = conn || find_by_syn(answers, ret_client, req->port, ret_details);
	if (!ret_details->is_exact)
		conn = client_conn_find(ret_client, 0);
	if (conn) {
		ret_details->report = report_of(ret_client, conn);
		find_syn(answers, ret_details);
	}
	ret_details->has_clocks =
		answers_find_clocks(answers, &ret_client->addr, ret_details->report.syn,
				    &ret_details->report.verdict, &ret_details->clocks);
	put_found(ret_client, conn, ret_details->is_exact, req->port, reply);
	put_unconfirmable(answers_generation(answers), reply);
	text_put_char(reply, ',');
	return 0;
}

void details_put_history(const struct client *client, struct text_buf *reply)
{
	text_putf(reply,
		  ",\"client\":{\"first_seen\":%u,\"last_seen\":%u,\"syn_count\":%u,\"ports\":[",
		  clock_shown_s(client->first_seen_s), clock_shown_s(client->last_seen_s),
		  client->syn_count);
	for (unsigned i = 0; i < client->conn_count; i++)
		text_putf(reply, "%s%u", i ? "," : "", client->conns[i].src_port);
	text_put_char(reply, ']');
	put_bool("confirmed", client->is_confirmed, reply);
	text_put_char(reply, '}');
}

void details_put_client(const struct answers *answers, const struct client *client,
			struct text_buf *reply)
{
	const struct client_conn *conn = client_conn_find(client, 0);
	struct report report = report_of(client, conn);

	text_putf(reply, "{\"confirmed\":%s,", conn->is_confirmed ? "true" : "false");
	report_put_members(&report, answers->vocab, reply);
	details_put_reported(answers, &client->addr, reply);
	details_put_history(client, reply);
	text_put_char(reply, '}');
}
