/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What answers behind us: kept for who asks, and nothing follows from it. */
#include "daemon/packets/servers.h"

/* What the SYN offered, where its client's table still has it whole. */
static uint8_t find_offers(const struct pipeline *pipeline, const struct syn *answer)
{
	struct syn syn;
	uint64_t seen_ms;

	if (clients_get_syn(pipeline->clients, &answer->dst, answer->dst_port, &syn, &seen_ms) <
		    0 ||
	    !addr_equal(&syn.dst, &answer->src) || syn.dst_port != answer->src_port)
		return 0;
	return syn_offers(&syn) | SYN_OFFER_KNOWN;
}

void servers_note(const struct pipeline *pipeline, const struct generation *generation,
		  unsigned worker, uint64_t now_ms, const struct nfqueue_packet *packet)
{
	struct match_memo *memo = generation->server_memos[worker];
	struct clients *servers = pipeline->servers;
	const struct match *match;
	struct client_key key;
	struct verdict verdict;
	struct change change;
	struct link link;
	struct syn syn;

	if (!servers || !memo || syn_parse_answer(packet->data, packet->len, &syn) != SYN_OK)
		return;
	syn.offers = find_offers(pipeline, &syn);
	match = match_memo_syn(memo, &syn);
	link_judge_answer(generation->knowledge->linkdb, &syn, &link);
	verdict = verdict_decide(&syn, match, &link, generation->config->link_threshold);
	clients_locate(servers, &syn, &key);
	clients_observe(servers, &key, now_ms, &syn, &verdict, &change);
}
