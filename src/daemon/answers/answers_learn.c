/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operation `learn`: the kept SYN of a connection counts for the class that its User-Agent names. */
#include <string.h>

#include "core/learn/ua.h"
#include "daemon/answers/answers_ops.h"
#include "sys/clock.h"

static const char *learn(const struct answers *answers, const struct proto_request *req)
{
	const struct knowledge *knowledge = answers_generation(answers)->knowledge;
	enum learn_result result;
	struct ua_claim claim;
	uint64_t seen_ms;
	struct syn syn;

	if (clients_get_syn(answers->clients, &req->addr, req->port, &syn, &seen_ms) < 0)
		return "not kept";
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
