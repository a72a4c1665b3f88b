/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two databases, two memos, one pipeline. */
#include "cli/classify/judge.h"

#include <stdlib.h>

#include "cli/classify/doubles.h"
#include "core/match/match_memo.h"

struct judge {
	struct judge_params params;
	struct match_memo *memo, *servers;
	struct handshakes *handshakes; /* NULL where SYN+ACKs are not wanted */
	struct doubles doubles;
};

struct judge *judge_new(const struct judge_params *params)
{
	struct judge *judge = calloc(1, sizeof(*judge));
	const struct sigdb *servers = params->knowledge->servers;

	if (!judge)
		return NULL;
	judge->params = *params;
	judge->memo = match_memo_new(params->knowledge->sigdb);
	if (servers) {
		judge->servers = match_memo_new(servers);
		judge->handshakes = handshakes_new();
	}
	if (!judge->memo || (servers && (!judge->servers || !judge->handshakes))) {
		judge_free(judge);
		return NULL;
	}
	return judge;
}

void judge_free(struct judge *judge)
{
	if (!judge)
		return;
	match_memo_free(judge->memo);
	match_memo_free(judge->servers);
	handshakes_free(judge->handshakes);
	free(judge);
}

static void judge_parsed(struct judge *judge, uint64_t now_ms, struct judgement *judgement)
{
	const struct syn *syn = &judgement->syn;
	const struct match *match =
		match_memo_syn(syn_is_answer(syn) ? judge->servers : judge->memo, syn);

	if (syn_is_answer(syn))
		link_judge_answer(judge->params.knowledge->linkdb, syn, &judgement->link);
	else
		link_judge(judge->params.knowledge->linkdb, syn, judge->params.local_clamp,
			   &judgement->link);
	judgement->report = (struct report){
		.now_ms = now_ms,
		.addr = syn->src,
		.port = syn->src_port,
		.syn = syn,
		.match = match,
		.link = &judgement->link,
		.verdict = verdict_decide(syn, match, &judgement->link, judge->params.threshold),
		.community_seed = judge->params.community_seed,
	};
}

void judge_syn(struct judge *judge, const struct syn *syn, uint64_t now_ms,
	       struct judgement *ret_judgement)
{
	ret_judgement->syn = *syn;
	ret_judgement->packet = NULL;
	ret_judgement->answered = NULL;
	ret_judgement->has_evidence = false;
	judge_parsed(judge, now_ms, ret_judgement);
}

enum syn_result judge_packet(struct judge *judge, const struct packet *packet,
			     struct judgement *ret_judgement)
{
	struct syn *syn = &ret_judgement->syn;
	enum syn_result result = syn_parse(packet->data, packet->len, syn);

	if (result == SYN_NOT_SYN && judge->servers)
		result = syn_parse_answer(packet->data, packet->len, syn);
	if (result != SYN_OK)
		return result;
	if (judge->params.is_any && doubles_is_one(&judge->doubles, syn, packet->now_ms))
		return SYN_RESULT_COUNT;
	ret_judgement->packet = packet;
	ret_judgement->answered = NULL;
	ret_judgement->has_evidence = false;
	if (syn_is_answer(syn))
		ret_judgement->answered = handshakes_take(judge->handshakes, syn);
	else if (judge->handshakes)
		handshakes_put(judge->handshakes, syn, packet->now_ms);
	judge_parsed(judge, packet->now_ms, ret_judgement);
	return SYN_OK;
}
