/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the kernel's log to the table, the baseline and the sets; see confirmer.h. */
#include "daemon/packets/confirmer.h"

#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/quota.h"
#include "core/link/linkdb.h"
#include "sys/clock.h"
#include "sys/log.h"

#define ROUNDS 16 /* of NFLOG_EVENTS_MAX events in one dispatch: others wait no more than 10 ms */

/*
 * Who has a network can be confirmed at each of its addresses. So one /24 or /48 adds at most this
 * many clients an hour to what is usual, half of them at once: who has four of them together cannot
 * make a VPN's MTU usual around them (BASELINE_SETTLED_CLIENTS) within an hour.
 */
#define NETWORK_CLIENTS 16
#define NETWORK_WINDOW_S 3600
#define NETWORKS 4096 /* that are told apart */

#define ASKS 4096 /* of conntrack, half of them in a second: one costs 9 us */

struct confirmer {
	struct confirmer_params params;
	struct nflog *nflog;
	struct confirmer_stats stats;
	struct quota networks[NETWORKS], asks;
	struct publish_item items[PUBLISHER_ITEMS_MAX]; /* to be published together */
	unsigned item_count;
};

int confirmer_open(const struct confirmer_params *params, struct text_error *ret_error,
		   struct confirmer **ret_confirmer)
{
	struct confirmer *confirmer = calloc(1, sizeof(*confirmer));
	int rc;

	if (!confirmer) {
		text_error_set(ret_error, 0, 0, "out of memory");
		return -ENOMEM;
	}
	confirmer->params = *params;
	rc = nflog_open(&(struct nflog_params){params->group, "rules.nflog_group", true}, ret_error,
			&confirmer->nflog);
	if (rc < 0)
		free(confirmer);
	else
		*ret_confirmer = confirmer;
	return rc;
}

void confirmer_close(struct confirmer *confirmer)
{
	if (!confirmer)
		return;
	nflog_close(confirmer->nflog);
	free(confirmer);
}

int confirmer_fd(const struct confirmer *confirmer)
{
	return nflog_fd(confirmer->nflog);
}

static bool has_share(struct confirmer *confirmer, const struct addr *addr, uint64_t now_ms)
{
	struct addr network = addr_network(addr);
	uint64_t hash = XXH3_64bits_withSeed(network.bytes, sizeof(network.bytes),
					     confirmer->params.pipeline->seed);

	return quota_take(&confirmer->networks[hash % NETWORKS], NETWORK_CLIENTS, NETWORK_WINDOW_S,
			  now_ms);
}

static void count_network(struct confirmer *confirmer, const struct generation *generation,
			  const struct nflog_event *event, unsigned mss)
{
	const struct pipeline *pipeline = confirmer->params.pipeline;
	uint64_t now_ms = clock_unix_ms();
	unsigned headers = addr_is_v4(&event->client) ? LINK_HEADERS_V4 : LINK_HEADERS_V6;

	if (!pipeline->baseline || !mss || mss + headers > UINT16_MAX)
		return;
	if (has_share(confirmer, &event->client, now_ms))
		baseline_note(pipeline->baseline, generation->knowledge->names,
			      (uint32_t)(now_ms / 1000), &event->client, (uint16_t)(mss + headers));
	else
		confirmer->stats.uncounted++;
}

static int confirm(const struct confirmer *confirmer, const struct nflog_event *event,
		   struct client_confirmed *ret_confirmed)
{
	struct client_handshake handshake = {.client = event->client,
					     .server = event->server,
					     .client_port = event->client_port,
					     .server_port = event->server_port,
					     .has_ack = event->has_ack,
					     .ack = event->ack};

	return clients_confirm(confirmer->params.pipeline->clients, &handshake,
			       (uint32_t)(clock_unix_ms() / 1000), ret_confirmed);
}

/* Where the kernel does not say whose connection it was, NAT may have made the client another one. */
static int find(struct confirmer *confirmer, struct nflog_event *event,
		struct client_confirmed *ret_confirmed)
{
	int rc = confirm(confirmer, event, ret_confirmed);

	if (rc == -ENOENT && !event->has_original &&
	    quota_take(&confirmer->asks, ASKS, 1, clock_monotonic_ms()) &&
	    nflog_ask(confirmer->nflog, event) == 0)
		rc = confirm(confirmer, event, ret_confirmed);
	return rc;
}

/* Without room at the publisher the sets are filled again, from the table. */
static void publish(struct confirmer *confirmer, const struct generation *generation)
{
	generation_publish_all(generation, confirmer->items, confirmer->item_count);
	confirmer->item_count = 0;
}

static void handle(struct confirmer *confirmer, const struct generation *generation,
		   struct nflog_event *event)
{
	struct client_confirmed confirmed;

	if (find(confirmer, event, &confirmed) < 0) {
		confirmer->stats.forgotten++;
		return;
	}
	confirmer->stats.connections++;
	if (confirmed.is_first) {
		confirmer->stats.clients++;
		count_network(confirmer, generation, event, confirmed.verdict.mss);
	}
	if (generation_confirm(generation, &event->client, &confirmed,
			       &confirmer->items[confirmer->item_count]) &&
	    ++confirmer->item_count == PUBLISHER_ITEMS_MAX)
		publish(confirmer, generation);
	confirmer->params.tell(confirmer->params.ctx, &confirmed, event->client_port);
}

static void handle_rounds(struct confirmer *confirmer, const struct generation *generation)
{
	static struct log_limit limit;
	struct nflog_event events[NFLOG_EVENTS_MAX];

	for (unsigned round = 0; round < ROUNDS; round++) {
		int count = nflog_receive(confirmer->nflog, events);

		if (count < 0)
			log_limited(&limit, LOG_LEVEL_ERROR,
				    "confirmations cannot be read (%d): clients stay unconfirmed",
				    -count);
		for (int i = 0; i < count; i++)
			handle(confirmer, generation, &events[i]);
		if (count <= NFLOG_EVENTS_MAX - NFLOG_TOGETHER)
			return;
	}
}

void confirmer_dispatch(struct confirmer *confirmer)
{
	const struct generation *generation = *confirmer->params.pipeline->generation;

	handle_rounds(confirmer, generation);
	publish(confirmer, generation);
}

void confirmer_get_stats(const struct confirmer *confirmer, struct confirmer_stats *ret_stats)
{
	struct nflog_stats nflog;

	*ret_stats = (struct confirmer_stats){.connections = 0};
	if (!confirmer)
		return;
	nflog_get_stats(confirmer->nflog, &nflog);
	*ret_stats = confirmer->stats;
	ret_stats->lost = nflog.lost;
}
