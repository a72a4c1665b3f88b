/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `explain`. It judges the kept SYN anew, so that the numbers are those of the
 * databases as they are now; what only the client table knows comes from the kept verdict.
 */
#include "daemon/daemon.h"
#include "core/report/explain.h"

/* What was known, or was told, beyond the SYN. */
#define FLAGS_OF_CLIENT (VERDICT_SHARED | VERDICT_OS_MISMATCH)
#define REASONS_OF_CLIENT                                                                          \
	(UINT64_C(1) << REASON_SEVERAL_STACKS | UINT64_C(1) << REASON_SEVERAL_MTUS |               \
	 UINT64_C(1) << REASON_BASELINE_NORMAL | UINT64_C(1) << REASON_BASELINE_RARE |             \
	 UINT64_C(1) << REASON_UA_LIE)

static void put_not_found(const struct proto_request *req, struct text_buf *reply)
{
	char ip[ADDR_TEXT_MAX];

	addr_format(&req->addr, ip);
	text_put(reply, ",\"found\":false,\"ip\":");
	text_put_json(reply, ip);
}

static void judge(const struct daemon *daemon, const struct syn *syn, struct match *match,
		  struct link *link, struct report *report)
{
	const struct knowledge *knowledge = daemon->generation->knowledge;
	struct verdict kept = report->verdict;

	match_syn(knowledge->sigdb, syn, match);
	link_judge(knowledge->linkdb, syn, (uint16_t)daemon->generation->config->local_clamp, link);
	report->syn = syn;
	report->match = match;
	report->link = link;
	report->verdict =
		verdict_decide(syn, match, link, daemon->generation->config->link_threshold);
	report->verdict.flags |= kept.flags & FLAGS_OF_CLIENT;
	report->verdict.reasons |= kept.reasons & REASONS_OF_CLIENT;
	verdict_weigh(&report->verdict, daemon->generation->config->link_threshold);
}

static void put_explanation(const struct daemon *daemon, const struct report *kept,
			    struct text_buf *reply)
{
	const struct knowledge *knowledge = daemon->generation->knowledge;
	struct explain_bases bases = {.sigdb = knowledge->sigdb,
				      .linkdb = knowledge->linkdb,
				      .vocab = daemon->vocab};
	struct report report = *kept;
	struct match match;
	struct link link;
	struct syn syn;

	if (clients_get_syn(daemon->pipeline.clients, &report.addr, report.port, &syn,
			    &report.now_ms) < 0) {
		report_put_members(&report, daemon->vocab, reply);
		text_put(reply, ",\"explain\":null");
		return;
	}
	judge(daemon, &syn, &match, &link, &report);
	report_put_members(&report, daemon->vocab, reply);
	explain_put_members(&report, &bases, reply);
}

void answers_explain(struct daemon *daemon, const struct proto_request *req, struct text_buf *reply)
{
	const struct client_conn *conn;
	struct report report;
	struct client client;

	proto_begin_reply(req, reply);
	if (clients_get(daemon->pipeline.clients, &req->addr, &client) < 0) {
		put_not_found(req, reply);
		text_put_char(reply, '}');
		return;
	}
	conn = client_conn_find(&client, req->port);
	text_put(reply,
		 conn ? ",\"found\":true,\"exact\":true," : ",\"found\":true,\"exact\":false,");
	conn = conn ? conn : &client.conns[0];
	report = (struct report){.now_ms = (uint64_t)client.last_seen_s * 1000,
				 .addr = client.addr,
				 .port = conn->src_port,
				 .verdict = conn->verdict};
	put_explanation(daemon, &report, reply);
	if (req->has_also)
		answers_pair(daemon, req, reply);
	text_put_char(reply, '}');
}
