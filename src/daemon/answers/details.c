/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What several operations say of a client: the connection that is meant, its SYN judged anew. */
#include <errno.h>

#include "daemon/answers/answers_ops.h"

void details_judge(const struct answers *answers, struct details *details)
{
	const struct generation *generation = answers_generation(answers);
	const struct knowledge *knowledge = generation->knowledge;

	match_syn(knowledge->sigdb, &details->syn, &details->match);
	link_judge(knowledge->linkdb, &details->syn, (uint16_t)generation->config->local_clamp,
		   &details->link);
	details->report.syn = &details->syn;
	details->report.match = &details->match;
	details->report.link = &details->link;
}

static struct report report_of(const struct client *client, const struct client_conn *conn)
{
	return (struct report){.now_ms = (uint64_t)client->last_seen_s * 1000,
			       .addr = client->addr,
			       .port = conn->src_port,
			       .verdict = conn->verdict};
}

int details_find(const struct answers *answers, const struct proto_request *req,
		 struct client *ret_client, struct details *ret_details, struct text_buf *reply)
{
	const struct client_conn *conn;
	char ip[ADDR_TEXT_MAX];

	proto_begin_reply(req, reply);
	if (clients_get(answers->clients, &req->addr, ret_client) < 0) {
		addr_format(&req->addr, ip);
		text_putf(reply, ",\"found\":false,\"ip\":\"%s\"}", ip);
		return -ENOENT;
	}
	conn = client_conn_find(ret_client, req->port);
	text_putf(reply, ",\"found\":true,\"exact\":%s,", conn ? "true" : "false");
	ret_details->is_exact = conn != NULL;
	ret_details->report = report_of(ret_client, conn ? conn : &ret_client->conns[0]);
	if (clients_get_syn(answers->clients, &ret_client->addr, ret_details->report.port,
			    &ret_details->syn, &ret_details->report.now_ms) == 0)
		details_judge(answers, ret_details);
	return 0;
}

void details_put_history(const struct client *client, struct text_buf *reply)
{
	text_putf(reply,
		  ",\"client\":{\"first_seen\":%u,\"last_seen\":%u,\"syn_count\":%u,\"ports\":[",
		  client->first_seen_s, client->last_seen_s, client->syn_count);
	for (unsigned i = 0; i < client->conn_count; i++)
		text_putf(reply, "%s%u", i ? "," : "", client->conns[i].src_port);
	text_put(reply, "]}");
}

void details_put_client(const struct answers *answers, const struct client *client,
			struct text_buf *reply)
{
	struct report report = report_of(client, &client->conns[0]);

	text_put_char(reply, '{');
	report_put_members(&report, answers->vocab, reply);
	details_put_history(client, reply);
	text_put_char(reply, '}');
}
