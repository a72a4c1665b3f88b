/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to requests on the control socket, and events for its subscribers. */
#include <errno.h>
#include <string.h>

#include "daemon/daemon.h"
#include "daemon/answers/metrics.h"
#include "core/report/report.h"
#include "core/learn/ua.h"

#define EVENT_BYTES_MAX 8192 /* an observation as JSON takes about 1,200 bytes */
#define PAGE_MAX 64
#define LOOK_MAX 8192 /* clients that one listing looks at: about a millisecond */
#define CLIENT_BYTES_MAX 4096 /* of one listed client, with every reason there is */

/* One connection of a client with everything that can still be said about it. */
struct details {
	struct syn syn;
	struct match match;
	struct link link;
	struct report report;
};

static void details_judge(const struct daemon *daemon, struct details *details)
{
	const struct knowledge *knowledge = daemon->generation->knowledge;

	match_syn(knowledge->sigdb, &details->syn, &details->match);
	link_judge(knowledge->linkdb, &details->syn,
		   (uint16_t)daemon->generation->config->local_clamp, &details->link);
	details->report.syn = &details->syn;
	details->report.match = &details->match;
	details->report.link = &details->link;
}

static void details_of_conn(const struct daemon *daemon, const struct client *client,
			    const struct client_conn *conn, struct details *details)
{
	details->report = (struct report){.now_ms = (uint64_t)client->last_seen_s * 1000,
					  .addr = client->addr,
					  .port = conn->src_port,
					  .verdict = conn->verdict};
	if (clients_get_syn(daemon->pipeline.clients, &client->addr, conn->src_port, &details->syn,
			    &details->report.now_ms) == 0)
		details_judge(daemon, details);
}

/* Without the SYN, what the verdict leaves open is given to the claim. */
static void judge_stored(const struct verdict *verdict, const struct ua_claim *claim,
			 struct ua_judgement *ret_judgement)
{
	struct match match = {.kind = verdict->match,
			      .tool = verdict->flags & VERDICT_SCANNER,
			      .family_confidence = (float)verdict->family_permille / 1000};
	float prob = (float)verdict->confidence_permille / 1000;

	match.class_prob[verdict->class_id] = prob;
	match.class_prob[claim->class_id] += 1 - prob;
	ua_judge(claim, &match, ret_judgement);
}

/* Several machines may share the address: one connection that fits the claim may be the one meant. */
static bool fits_another(const struct client *client, const struct ua_claim *claim)
{
	for (unsigned i = 0; i < client->conn_count; i++)
		if (claim->classes >> client->conns[i].verdict.class_id & 1)
			return true;
	return false;
}

static void judge_user_agent(const struct client *client, bool is_exact,
			     const struct details *details, const struct ua_claim *claim,
			     struct ua_judgement *ret_judgement)
{
	const struct match *match = details->report.match;

	if (match)
		ua_judge(claim, match, ret_judgement);
	else
		judge_stored(&details->report.verdict, claim, ret_judgement);
	if (ret_judgement->answer == UA_LIE && !is_exact && fits_another(client, claim))
		ret_judgement->answer = UA_OTHER_FITS;
}

static void flag_lie(struct verdict *verdict)
{
	verdict->flags |= VERDICT_OS_MISMATCH;
	verdict->reasons = (verdict->reasons | reason_bit(REASON_UA_LIE)) & VERDICT_REASONS_MASK;
}

/* A lie is remembered with the connection, and reaches the sets whose condition it meets. */
static void publish_lie(struct daemon *daemon, const struct report *report)
{
	const struct addr *addr = report->syn ? &report->syn->src : &report->addr;
	struct change change;
	struct publish_burst *burst;
	uint32_t sets;

	if (clients_mark(daemon->pipeline.clients, &report->addr, report->port, VERDICT_OS_MISMATCH,
			 reason_bit(REASON_UA_LIE), &change) < 0 ||
	    change.kind == CHANGE_NONE || !daemon->generation->publisher)
		return;
	sets = generation_sets_of(daemon->generation, addr, &change.verdict);
	burst = sets ? publisher_burst(daemon->generation->publisher,
				       (unsigned)daemon->generation->config->queue_count)
		     : NULL;
	if (!burst)
		return;
	burst->count = 1;
	burst->items[0] = (struct publish_item){.addr = *addr, .port = report->port, .add = sets};
	publisher_submit(daemon->generation->publisher,
			 (unsigned)daemon->generation->config->queue_count, false);
}

static void put_user_agent(const struct ua_claim *claim, const struct ua_judgement *judgement,
			   bool is_kept, struct text_buf *reply)
{
	text_put(reply, ",\"user_agent\":{\"claim\":");
	if (claim->name)
		text_put_json(reply, claim->name);
	else
		text_put(reply, "null");
	text_put(reply, ",\"os_mismatch\":");
	text_put(reply, judgement->answer == UA_LIE      ? "true"
			: judgement->answer == UA_HONEST ? "false"
							 : "null");
	text_put(reply, ",\"probability\":");
	if (ua_answer_has_probability(judgement->answer))
		text_put_permille(reply, judgement->lie_permille);
	else
		text_put(reply, "null");
	text_put(reply, ",\"reason\":");
	text_put_json(reply, ua_answer_text(judgement->answer));
	text_put(reply, is_kept ? ",\"kept\":true}" : ",\"kept\":false}");
}

static void put_client(const struct client *client, struct text_buf *reply)
{
	text_putf(reply,
		  ",\"client\":{\"first_seen\":%u,\"last_seen\":%u,\"syn_count\":%u,\"ports\":[",
		  client->first_seen_s, client->last_seen_s, client->syn_count);
	for (unsigned i = 0; i < client->conn_count; i++)
		text_putf(reply, "%s%u", i ? "," : "", client->conns[i].src_port);
	text_put(reply, "]}");
}

/* A port that is not among the remembered ones gets the newest verdict, which "exact" tells. */
static void answer_verdict(struct daemon *daemon, const struct proto_request *req,
			   const struct server_peer *peer, struct text_buf *reply)
{
	struct client client;
	const struct client_conn *conn = NULL;
	struct details details;
	struct ua_claim claim;
	struct ua_judgement judgement;

	proto_begin_reply(req, reply);
	if (clients_get(daemon->pipeline.clients, &req->addr, &client) < 0) {
		char ip[ADDR_TEXT_MAX];

		addr_format(&req->addr, ip);
		text_put(reply, ",\"found\":false,\"ip\":");
		text_put_json(reply, ip);
		text_put_char(reply, '}');
		return;
	}
	conn = client_conn_find(&client, req->port);
	text_put(reply,
		 conn ? ",\"found\":true,\"exact\":true," : ",\"found\":true,\"exact\":false,");
	details_of_conn(daemon, &client, conn ? conn : &client.conns[0], &details);
	if (req->user_agent[0]) {
		ua_parse(daemon->vocab, req->user_agent, &claim);
		judge_user_agent(&client, conn && req->port, &details, &claim, &judgement);
		if (judgement.answer == UA_LIE)
			flag_lie(&details.report.verdict);
		if (judgement.answer == UA_LIE && req->keep && peer->may_claim)
			publish_lie(daemon, &details.report);
	}
	report_put_members(&details.report, daemon->vocab, reply);
	if (req->user_agent[0])
		put_user_agent(&claim, &judgement, req->keep && peer->may_claim, reply);
	if (req->has_also)
		answers_pair(daemon, req, reply);
	put_client(&client, reply);
	text_put_char(reply, '}');
}

static void put_listed(const struct daemon *daemon, const struct client *client, bool is_first,
		       struct text_buf *reply)
{
	struct report report = {.now_ms = (uint64_t)client->last_seen_s * 1000,
				.addr = client->addr,
				.port = client->conns[0].src_port,
				.verdict = client->conns[0].verdict};

	text_put(reply, is_first ? "{" : ",{");
	report_put_members(&report, daemon->vocab, reply);
	put_client(client, reply);
	text_put_char(reply, '}');
}

/*
 * Clients that pass a filter, from a cursor on. One reply looks at so many at the most, and ends
 * early where it is full: the asker goes on until the cursor is 0.
 */
static void answer_clients(struct daemon *daemon, const struct proto_request *req,
			   struct text_buf *reply)
{
	uint64_t cursor = req->cursor;
	unsigned found = 0, looked = 0;

	proto_begin_reply(req, reply);
	text_put(reply, ",\"clients\":[");
	do {
		struct client client;

		if (clients_page(daemon->pipeline.clients, cursor, 1, &client, &cursor) == 0)
			break;
		if (filter_match(&req->filter, daemon->vocab, &client.addr,
				 &client.conns[0].verdict))
			put_listed(daemon, &client, found++ == 0, reply);
	} while (cursor && found < req->limit && ++looked < LOOK_MAX &&
		 reply->size - reply->len > CLIENT_BYTES_MAX);
	text_putf(reply, "],\"cursor\":%llu}", (unsigned long long)cursor);
}

/* Forgotten also by the sets, through the mailbox behind those of the workers. */
static int unpublish(struct daemon *daemon, const struct addr *addr)
{
	unsigned mailbox = (unsigned)daemon->generation->config->queue_count;
	struct publish_burst *burst;

	if (!daemon->generation->publisher)
		return 0;
	burst = publisher_burst(daemon->generation->publisher, mailbox);
	if (!burst)
		return -EAGAIN;
	burst->count = 1;
	burst->items[0] = (struct publish_item){.addr = *addr, .remove = UINT32_MAX};
	publisher_submit(daemon->generation->publisher, mailbox, false);
	return 0;
}

static void answer_forget(struct daemon *daemon, const struct proto_request *req,
			  struct text_buf *reply)
{
	bool is_known;

	if (unpublish(daemon, &req->addr) < 0) {
		proto_put_error(reply, req->id, PROTO_FAILED, "the sets are busy: try again");
		return;
	}
	is_known = clients_forget(daemon->pipeline.clients, &req->addr, NULL) == 0;
	proto_begin_reply(req, reply);
	text_put(reply, is_known ? ",\"forgotten\":true}" : ",\"forgotten\":false}");
}

static void answer_reload(struct daemon *daemon, const struct proto_request *req,
			  struct text_buf *reply)
{
	const struct generation *generation;
	struct text_error error;

	if (daemon_reload(daemon, &error) < 0) {
		proto_put_error(reply, req->id, PROTO_FAILED, "%s", error.what);
		return;
	}
	generation = daemon->generation;
	proto_begin_reply(req, reply);
	text_put(reply, ",\"restart_needed\":[");
	for (unsigned i = 0; i < generation->kept_count; i++) {
		text_put(reply, i ? "," : "");
		text_put_json(reply, generation->kept_keys[i]);
	}
	text_put(reply, "]}");
}

static void answer_metrics(const struct daemon *daemon, const struct proto_request *req,
			   struct text_buf *reply)
{
	static char data[METRICS_BYTES_MAX];
	struct text_buf text;

	text_buf_init(&text, data, sizeof(data));
	metrics_put(daemon, &text);
	proto_begin_reply(req, reply);
	text_put(reply, ",\"metrics\":");
	text_put_json(reply, text.data);
	text_put_char(reply, '}');
	if (text.overflow)
		proto_put_error(reply, req->id, PROTO_FAILED,
				"the metrics are longer than %d bytes", METRICS_BYTES_MAX);
}

static void answer(void *ctx, const struct proto_request *req, const struct server_peer *peer,
		   struct text_buf *reply)
{
	struct daemon *daemon = ctx;

	switch (req->op) {
	case PROTO_VERDICT: answer_verdict(daemon, req, peer, reply); return;
	case PROTO_CLIENTS: answer_clients(daemon, req, reply); return;
	case PROTO_FORGET: answer_forget(daemon, req, reply); return;
	case PROTO_RELOAD: answer_reload(daemon, req, reply); return;
	case PROTO_EXPLAIN: answers_explain(daemon, req, reply); return;
	case PROTO_UNKNOWN: answers_unknown(daemon, req, reply); return;
	case PROTO_LEARN: answers_learn(daemon, req, reply); return;
	case PROTO_METRICS: answer_metrics(daemon, req, reply); return;
	case PROTO_BASELINE: answers_baseline(daemon, req, reply); return;
	case PROTO_STATUS:
		proto_begin_reply(req, reply);
		status_put(daemon, reply);
		text_put_char(reply, '}');
		return;
	case PROTO_SUBSCRIBE:
	case PROTO_OP_COUNT: break;
	}
	proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED, "not an operation of this daemon");
}

static uint64_t answer_snapshot(void *ctx, uint64_t cursor, size_t max,
				struct server_snapshot *snapshot)
{
	struct daemon *daemon = ctx;
	struct client page[PAGE_MAX];
	size_t n = clients_page(daemon->pipeline.clients, cursor, max < PAGE_MAX ? max : PAGE_MAX,
				page, &cursor);

	for (size_t i = 0; i < n; i++) {
		char json[EVENT_BYTES_MAX];
		struct text_buf buf;

		text_buf_init(&buf, json, sizeof(json));
		put_listed(daemon, &page[i], true, &buf);
		server_put_snapshot(snapshot, &page[i].addr, &page[i].conns[0].verdict, buf.data,
				    buf.len);
	}
	return cursor;
}

struct server_handler answers_handler(struct daemon *daemon)
{
	return (struct server_handler){.request = answer,
				       .snapshot = answer_snapshot,
				       .ctx = daemon};
}

static enum server_event_kind event_kind(enum change_kind kind)
{
	switch (kind) {
	case CHANGE_NEW: return SERVER_EVENT_NEW;
	case CHANGE_VERDICT: return SERVER_EVENT_CHANGE;
	case CHANGE_NONE:
	case CHANGE_REFRESH:
	case CHANGE_REPEAT: break;
	}
	return SERVER_EVENT_SYN;
}

void answers_tell(void *ctx, const struct feed_event *event)
{
	struct daemon *daemon = ctx;
	struct server_event server_event = {.kind = event_kind(event->kind),
					    .addr = event->syn.src,
					    .verdict = event->verdict};
	struct details details = {.syn = event->syn,
				  .report = {.now_ms = event->now_ms,
					     .addr = event->syn.src,
					     .port = event->syn.src_port,
					     .verdict = event->verdict}};
	char json[EVENT_BYTES_MAX];
	struct text_buf buf;

	details_judge(daemon, &details);
	text_buf_init(&buf, json, sizeof(json));
	report_json(&details.report, daemon->vocab, &buf);
	server_send_event(daemon->server, &server_event, buf.data, buf.len);
}
