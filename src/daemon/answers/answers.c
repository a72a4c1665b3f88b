/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which operation answers which request, and what is told without being asked: events. */
#include "daemon/answers/answers.h"

#include "daemon/answers/answers_ops.h"
#include "daemon/answers/metrics.h"
#include "daemon/answers/status.h"
#include "sys/clock.h"

#define EVENT_BYTES_MAX 8192 /* an observation as JSON takes about 1,200 bytes */
#define PAGE_MAX 64

static uint64_t begin(void *ctx, const struct proto_request *req)
{
	struct answers *answers = ctx;

	return req->op == PROTO_RELOAD ? answers->reload(answers->daemon) : 0;
}

void answers_reloaded(struct answers *answers, uint64_t number, const char *refused)
{
	answers->refused = refused;
	server_finish(answers->server, number);
}

/* Once it has ended. */
static void answer_reload(struct answers *answers, const struct proto_request *req,
			  struct text_buf *reply)
{
	const struct generation *generation = answers_generation(answers);

	if (answers->refused[0]) {
		proto_put_error(reply, req->id, PROTO_FAILED, "%s", answers->refused);
		return;
	}
	proto_begin_reply(req, reply);
	text_put(reply, ",\"restart_needed\":[");
	for (unsigned i = 0; i < generation->kept_count; i++) {
		text_put(reply, i ? "," : "");
		text_put_json(reply, generation->kept_keys[i]);
	}
	if (generation->kept_size[0]) {
		text_put(reply, generation->kept_count ? "," : "");
		text_put_json(reply, generation->kept_size);
	}
	text_put(reply, "]}");
}

static void answer_status(struct answers *answers, const struct proto_request *req,
			  struct text_buf *reply)
{
	struct figures figures;

	answers->gather(answers->daemon, &figures);
	proto_begin_reply(req, reply);
	status_put(&figures, reply);
	text_put_char(reply, '}');
}

static void answer_metrics(struct answers *answers, const struct proto_request *req,
			   struct text_buf *reply)
{
	static char data[METRICS_BYTES_MAX];
	struct figures figures;
	struct text_buf text;

	answers->gather(answers->daemon, &figures);
	text_buf_init(&text, data, sizeof(data));
	metrics_put(&figures, &text);
	proto_begin_reply(req, reply);
	text_put(reply, ",\"metrics\":");
	text_put_json(reply, text.data);
	text_put_char(reply, '}');
	if (text.overflow)
		proto_put_error(reply, req->id, PROTO_FAILED,
				"the metrics are longer than %d bytes", METRICS_BYTES_MAX);
}

/* By enum proto_op; the server itself serves `subscribe`. */
static answers_op *const operations[PROTO_OP_COUNT] = {
	[PROTO_VERDICT] = answers_verdict,   [PROTO_EXPLAIN] = answers_explain,
	[PROTO_CLIENTS] = answers_clients,   [PROTO_FORGET] = answers_forget,
	[PROTO_UNKNOWN] = answers_unknown,   [PROTO_LEARN] = answers_learn,
	[PROTO_BASELINE] = answers_baseline, [PROTO_RELOAD] = answer_reload,
	[PROTO_STATUS] = answer_status,      [PROTO_METRICS] = answer_metrics,
	[PROTO_REPORT] = answers_report,
};

static void answer(void *ctx, const struct proto_request *req, const struct server_peer *peer,
		   struct text_buf *reply)
{
	answers_op *operation = operations[req->op];

	(void)peer; /* the server knows what each may ask for */
	if (operation)
		operation(ctx, req, reply);
	else
		proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED,
				"not an operation of this daemon");
}

static uint64_t answer_snapshot(void *ctx, uint64_t cursor, size_t max,
				struct server_snapshot *snapshot)
{
	struct answers *answers = ctx;
	struct client page[PAGE_MAX];
	size_t n = clients_page(answers->clients, cursor, max < PAGE_MAX ? max : PAGE_MAX, page,
				&cursor);

	for (size_t i = 0; i < n; i++) {
		char json[EVENT_BYTES_MAX];
		struct text_buf buf;

		text_buf_init(&buf, json, sizeof(json));
		details_put_client(answers, &page[i], &buf);
		server_put_snapshot(snapshot, &page[i].addr, page[i].is_confirmed,
				    &client_conn_find(&page[i], 0)->verdict, buf.data, buf.len);
	}
	return cursor;
}

struct server_handler answers_handler(struct answers *answers)
{
	return (struct server_handler){.request = answer,
				       .begin = begin,
				       .snapshot = answer_snapshot,
				       .ctx = answers};
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

static void tell(const struct answers *answers, const struct feed_event *event,
		 enum server_readers readers)
{
	struct server_event server_event = {.kind = event_kind(event->kind),
					    .readers = readers,
					    .addr = event->syn.src,
					    .verdict = event->verdict,
					    .has_changed = event->kind == CHANGE_VERDICT,
					    .old_verdict = event->old_verdict};
	struct details details = {.syn = event->syn,
				  .report = {.now_ms = clock_shown_ms(event->now_ms),
					     .addr = event->syn.src,
					     .port = event->syn.src_port,
					     .verdict = event->verdict}};
	char json[EVENT_BYTES_MAX];
	struct text_buf buf;

	details_judge(answers, &details);
	text_buf_init(&buf, json, sizeof(json));
	text_put(&buf, "{\"confirmed\":false,");
	report_put_members(&details.report, answers->vocab, &buf);
	text_put_char(&buf, '}');
	server_send_event(answers->server, &server_event, buf.data, buf.len);
}

/* The old verdict is what readers of changes were told before. */
static bool is_news(const struct answers *answers, const struct feed_event *event,
		    struct verdict *ret_old)
{
	struct changes_item item = {.now_ms = event->now_ms,
				    .syn = event->syn,
				    .verdict = event->verdict,
				    .old_verdict = event->old_verdict};
	struct client_key key;
	bool is_news = true;

	clients_locate(answers->clients, &event->syn, &key);
	if (event->kind == CHANGE_NEW)
		changes_note(answers->changes, &key.addr, &event->verdict);
	else if (event->kind == CHANGE_VERDICT)
		is_news = changes_take(answers->changes, &key.addr, &item);
	*ret_old = item.old_verdict;
	return is_news;
}

void answers_tell(void *ctx, const struct feed_event *event)
{
	const struct answers *answers = ctx;
	struct feed_event news = *event;

	if (is_news(answers, event, &news.old_verdict))
		tell(answers, &news, SERVER_READERS_ALL);
	else if (server_has_subscribers(answers->server, SERVER_EVENT_SYN))
		tell(answers, event, SERVER_READERS_OF_SYNS);
}

static void tell_late(void *ctx, const struct changes_item *item)
{
	struct feed_event event = {.now_ms = item->now_ms,
				   .kind = CHANGE_VERDICT,
				   .verdict = item->verdict,
				   .old_verdict = item->old_verdict,
				   .syn = item->syn};

	tell(ctx, &event, SERVER_READERS_OF_CHANGES);
}

void answers_settle(struct answers *answers)
{
	changes_settle(answers->changes, clock_steady_ms(), tell_late, answers);
}

/* With the whole SYN, as far as it is kept. */
void answers_tell_confirmed(const struct answers *answers, const struct client_confirmed *confirmed,
			    uint16_t port)
{
	struct server_event event = {.kind = SERVER_EVENT_CONFIRMED,
				     .addr = confirmed->addr,
				     .verdict = confirmed->verdict,
				     .has_changed = confirmed->has_before,
				     .old_verdict = confirmed->before};
	struct details details = {.report = {.now_ms = clock_unix_ms(),
					     .addr = confirmed->addr,
					     .port = port,
					     .verdict = confirmed->verdict}};
	char json[EVENT_BYTES_MAX];
	struct text_buf buf;

	if (!server_has_subscribers(answers->server, SERVER_EVENT_CONFIRMED))
		return;
	changes_note(answers->changes, &confirmed->addr, &confirmed->verdict);
	if (clients_get_syn(answers->clients, &confirmed->addr, port, &details.syn,
			    &details.report.now_ms) == 0)
		details_judge(answers, &details);
	text_buf_init(&buf, json, sizeof(json));
	text_put(&buf, "{\"confirmed\":true,");
	report_put_members(&details.report, answers->vocab, &buf);
	text_put_char(&buf, '}');
	server_send_event(answers->server, &event, buf.data, buf.len);
}
