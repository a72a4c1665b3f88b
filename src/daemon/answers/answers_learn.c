/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shapes that the databases do not know: `unknown` lists them, most frequent first; `learn` counts
 * the kept SYN of a connection for the class that its User-Agent names.
 */
#include <stdlib.h>
#include <string.h>

#include "core/learn/ua.h"
#include "daemon/answers/answers_ops.h"
#include "sys/clock.h"

#define ENTRY_BYTES_MAX (SIG_TEXT_MAX + 100)

static void put_entry(const struct tally_entry *entry, bool is_first, struct text_buf *reply)
{
	text_put(reply, is_first ? "{\"sig\":\"" : ",{\"sig\":\"");
	sig_format(&entry->sig, reply);
	text_putf(reply, "\",\"count\":%llu,\"first_seen\":%u,\"last_seen\":%u}",
		  (unsigned long long)entry->count, clock_shown_s(entry->first_seen_s),
		  clock_shown_s(entry->last_seen_s));
}

void answers_unknown(struct answers *answers, const struct proto_request *req,
		     struct text_buf *reply)
{
	struct tally_entry *entries = malloc(req->limit * sizeof(*entries));
	struct tally_stats stats;
	size_t count;

	if (!entries) {
		proto_put_error(reply, req->id, PROTO_FAILED, "out of memory");
		return;
	}
	tally_get_stats(answers->unknown, &stats);
	count = tally_list(answers->unknown, entries, req->limit);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"syns\":%llu,\"shapes\":%zu,\"capacity\":%zu,\"evicted\":%llu",
		  (unsigned long long)stats.total, stats.used, stats.capacity,
		  (unsigned long long)stats.evicted);
	text_put(reply, ",\"unknown\":[");
	for (size_t i = 0; i < count && reply->size - reply->len > ENTRY_BYTES_MAX; i++)
		put_entry(&entries[i], i == 0, reply);
	text_put(reply, "]}");
	free(entries);
}

static const char *learn(const struct answers *answers, const struct proto_request *req)
{
	const struct knowledge *knowledge = answers_generation(answers)->knowledge;
	enum learn_result result;
	struct client client;
	struct ua_claim claim;
	uint64_t seen_ms;
	struct syn syn;

	if (clients_get_syn(answers->clients, &req->addr, req->port, &syn, &seen_ms) < 0)
		return "not kept";
	if (clients_get(answers->clients, &req->addr, &client) == 0 &&
	    details_is_disputed(&client, req->port))
		return "disputed";
	ua_parse(answers->vocab, req->user_agent, &claim);
	result = learn_add(learned_learn(answers->learned), knowledge->base, clock_steady_ms(),
			   &syn, &claim);
	if (result == LEARN_COUNTED)
		learned_touch(answers->learned);
	return learn_result_name(result);
}

void answers_learn(struct answers *answers, const struct proto_request *req, struct text_buf *reply)
{
	const char *result;

	if (!answers->learned) {
		proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED,
				"learning is off: learn.enabled in %s",
				answers_generation(answers)->config->path);
		return;
	}
	result = learn(answers, req);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"learned\":%s,\"result\":",
		  strcmp(result, learn_result_name(LEARN_COUNTED)) == 0 ? "true" : "false");
	text_put_json(reply, result);
	text_put_char(reply, '}');
}
