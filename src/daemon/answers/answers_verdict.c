/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `verdict`: what is known of a client, and whether it is what its User-Agent claims.
 * A lie that is to be kept is remembered with the connection and reaches the sets.
 */
#include "core/learn/ua.h"
#include "daemon/answers/answers_ops.h"

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

/*
 * Whether the lie is the client's own, so that it acts on the address: a stranger may have sent the
 * SYN. Who asks for a port has the client's request there, and so has seen its handshake.
 */
static bool is_own(const struct proto_request *req, const struct client *client,
		   const struct details *details)
{
	uint16_t port = details->report.port;
	const struct client_conn *conn = client_conn_find(client, port);

	if (!conn)
		return false;
	return conn->is_confirmed ||
	       (req->port && details->is_exact && !details_is_disputed(client, port));
}

/* Without room at the publisher the sets hear of it with the client's next SYN. */
static void keep_lie(const struct answers *answers, const struct report *report, bool is_own)
{
	const struct generation *generation = answers_generation(answers);
	struct publish_item item = {.addr = report->syn ? report->syn->src : report->addr,
				    .port = report->port};
	struct change change;

	if (clients_mark(answers->clients, &report->addr, report->port, VERDICT_OS_MISMATCH,
			 reason_bit(REASON_UA_LIE), &change) < 0 ||
	    change.kind == CHANGE_NONE)
		return;
	item.add = generation_sets_of(generation, &item.addr, &change.verdict);
	if (!is_own)
		item.add &= ~generation->served_sets;
	if (item.add)
		generation_publish_all(generation, &item, 1);
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

void answers_verdict(struct answers *answers, const struct proto_request *req,
		     struct text_buf *reply)
{
	struct ua_judgement judgement = {.lie_permille = 0};
	struct details details;
	struct ua_claim claim = {.name = NULL};
	struct client client;
	bool owned, keeps = false;

	if (details_find(answers, req, &client, &details, reply) < 0)
		return;
	if (req->user_agent[0]) {
		ua_parse(answers->vocab, req->user_agent, &claim);
		judge_user_agent(&client, details.is_exact && req->port, &details, &claim,
				 &judgement);
		if (judgement.answer == UA_LIE)
			flag_lie(&details.report.verdict);
		owned = is_own(req, &client, &details);
		/* Where nothing is ever confirmed, a lie stays with its connection alone. */
		keeps = req->keep && (owned || !answers_generation(answers)->confirms);
		if (judgement.answer == UA_LIE && keeps)
			keep_lie(answers, &details.report, owned);
	}
	report_put_members(&details.report, answers->vocab, reply);
	if (req->user_agent[0])
		put_user_agent(&claim, &judgement, keeps, reply);
	details_put_clocks(answers, &details, reply);
	if (req->has_also)
		answers_put_pair(answers, req, reply);
	details_put_reported(answers, &client.addr, reply);
	details_put_history(&client, reply);
	text_put_char(reply, '}');
}
