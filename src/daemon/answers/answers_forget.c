/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `forget`: an address, the clients of a network, or what is usual in it. The sets
 * are told first, so that a refusal leaves both as they are. Then they are looked through: they may
 * hold more of it than is remembered.
 */
#include "daemon/answers/answers_ops.h"
#include "daemon/packets/reports.h"

#define LOOK_MAX 8192 /* clients that one request looks at: about a millisecond */
#define PAGE_MAX 32

/* Of an address, one for each of its connections: sets of addresses and ports have all of them. */
static unsigned put_items(const struct client *client, struct publish_item items[CLIENT_CONNS])
{
	for (unsigned i = 0; i < client->conn_count; i++)
		items[i] = (struct publish_item){.addr = client->addr,
						 .port = client->conns[i].src_port,
						 .remove = UINT32_MAX};
	return client->conn_count;
}

/* Sets that are left alone for now lose it when they are back, and the reply says which. */
static void put_later(const struct generation *generation, struct text_buf *reply)
{
	struct publisher_stats stats;
	bool is_any = false;

	if (!generation->publisher)
		return;
	publisher_get_stats(generation->publisher, &stats);
	for (unsigned i = 0; i < generation->config->set_count; i++) {
		if (!stats.targets[i].is_quarantined)
			continue;
		text_put(reply, is_any ? "," : ",\"later\":[");
		text_put_json(reply, generation->targets[i]->name);
		is_any = true;
	}
	if (is_any)
		text_put_char(reply, ']');
}

/* Elements with ports of connections that are not remembered, and neighbours in a subnet. */
static void sweep_address(const struct generation *generation, const struct addr *addr)
{
	unsigned prefix = (unsigned)generation->config->ipv6_prefix;
	bool is_subnet = !addr_is_v4(addr) && prefix < 128;
	struct addr_net net = {.addr = *addr, .bits = addr_is_v4(addr) ? 32 : 128};

	if (is_subnet)
		net = (struct addr_net){.addr = addr_mask(addr, prefix), .bits = (uint8_t)prefix};
	if (generation->publisher)
		publisher_note(generation->publisher, PUBLISHER_SWEEP,
			       is_subnet ? UINT32_MAX : generation->port_sets, &net.addr, net.bits);
}

static void forget_clocks(const struct answers *answers, const struct addr_net *net)
{
	struct evidence_table *table = answers_generation(answers)->evidence;

	if (table)
		evidence_forget(table, net);
}

static void forget_address(struct answers *answers, const struct proto_request *req,
			   struct text_buf *reply)
{
	const struct generation *generation = answers_generation(answers);
	struct publish_item items[CLIENT_CONNS + 1] = {{.addr = req->addr, .remove = UINT32_MAX}};
	struct client client;
	unsigned count = 1;
	struct addr_net net = {req->addr, addr_is_v4(&req->addr) ? 32 : 128};
	bool is_known;

	if (clients_get(answers->clients, &req->addr, &client) == 0)
		count += put_items(&client, items + 1);
	if (generation_publish_all(generation, items, count) < 0) {
		proto_put_error(reply, req->id, PROTO_FAILED, "the sets are busy: try again");
		return;
	}
	is_known = clients_forget(answers->clients, &req->addr, NULL) == 0;
	forget_clocks(answers, &net);
	sweep_address(generation, &req->addr);
	proto_begin_reply(req, reply);
	text_put(reply, is_known ? ",\"forgotten\":true" : ",\"forgotten\":false");
	text_putf(reply, ",\"reports\":%u", reports_forget(generation, &net));
	put_later(generation, reply);
	text_put_char(reply, '}');
}

/* Those of a page that are in the network, as items. Return: how many. */
static unsigned choose(const struct filter *filter, const struct client *page, size_t count,
		       struct publish_item items[PAGE_MAX])
{
	unsigned chosen = 0;

	for (size_t i = 0; i < count; i++)
		if (addr_net_holds(&filter->net, &page[i].addr))
			items[chosen++] =
				(struct publish_item){.addr = page[i].addr, .remove = UINT32_MAX};
	return chosen;
}

/* From the cursor on, as far as one request goes, and as the sets have room. */
static void forget_network(struct answers *answers, const struct proto_request *req,
			   struct text_buf *reply)
{
	const struct generation *generation = answers_generation(answers);
	uint64_t cursor = req->cursor, next = cursor;
	unsigned forgotten = 0, looked = 0;

	do {
		struct publish_item items[PAGE_MAX];
		struct client page[PAGE_MAX];
		size_t count = clients_page(answers->clients, cursor, PAGE_MAX, page, &next);
		unsigned chosen = choose(&req->filter, page, count, items);

		if (generation_publish_all(generation, items, chosen) < 0)
			break;
		for (unsigned i = 0; i < chosen; i++)
			forgotten += clients_forget(answers->clients, &items[i].addr, NULL) == 0;
		cursor = next;
		looked += PAGE_MAX;
	} while (cursor && looked < LOOK_MAX);
	if (!next)
		forget_clocks(answers, &req->filter.net);
	if (!forgotten && cursor == req->cursor && next) {
		proto_put_error(reply, req->id, PROTO_FAILED, "the sets are busy: try again");
		return;
	}
	if (!cursor && generation->publisher)
		publisher_note(generation->publisher, PUBLISHER_SWEEP, UINT32_MAX,
			       &req->filter.net.addr, req->filter.net.bits);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"forgotten\":%u,\"reports\":%u,\"cursor\":%llu", forgotten,
		  cursor ? 0 : reports_forget(generation, &req->filter.net),
		  (unsigned long long)cursor);
	put_later(generation, reply);
	text_put_char(reply, '}');
}

static void forget_baseline(struct answers *answers, const struct proto_request *req,
			    struct text_buf *reply)
{
	const struct generation *generation = answers_generation(answers);
	size_t count;

	if (!answers->baseline) {
		proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED,
				"the baseline is off: baseline.enabled in %s",
				generation->config->path);
		return;
	}
	count = baseline_forget(answers->baseline, generation->knowledge->names, &req->filter.net);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"forgotten\":%zu}", count);
}

void answers_forget(struct answers *answers, const struct proto_request *req,
		    struct text_buf *reply)
{
	if (req->baseline)
		forget_baseline(answers, req, reply);
	else if (req->filter.has_net)
		forget_network(answers, req, reply);
	else
		forget_address(answers, req, reply);
}
