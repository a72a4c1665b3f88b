/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `forget`: an address, the clients of a network, or what is usual in it. The sets
 * are told first, so that a refusal leaves both as they are.
 */
#include "daemon/answers/answers_ops.h"

#define LOOK_MAX 8192 /* clients that one request looks at: about a millisecond */
#define PAGE_MAX 32

static void forget_address(struct answers *answers, const struct proto_request *req,
			   struct text_buf *reply)
{
	struct publish_item item = {.addr = req->addr, .remove = UINT32_MAX};
	bool is_known;

	if (generation_publish(answers_generation(answers), &item) < 0) {
		proto_put_error(reply, req->id, PROTO_FAILED, "the sets are busy: try again");
		return;
	}
	is_known = clients_forget(answers->clients, &req->addr, NULL) == 0;
	proto_begin_reply(req, reply);
	text_put(reply, is_known ? ",\"forgotten\":true}" : ",\"forgotten\":false}");
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
	uint64_t cursor = req->cursor, next = cursor;
	unsigned forgotten = 0, looked = 0;

	do {
		struct publish_item items[PAGE_MAX];
		struct client page[PAGE_MAX];
		size_t count = clients_page(answers->clients, cursor, PAGE_MAX, page, &next);
		unsigned chosen = choose(&req->filter, page, count, items);

		if (generation_publish_all(answers_generation(answers), items, chosen) < 0)
			break;
		for (unsigned i = 0; i < chosen; i++)
			forgotten += clients_forget(answers->clients, &items[i].addr, NULL) == 0;
		cursor = next;
		looked += PAGE_MAX;
	} while (cursor && looked < LOOK_MAX);
	if (!forgotten && cursor == req->cursor && next) {
		proto_put_error(reply, req->id, PROTO_FAILED, "the sets are busy: try again");
		return;
	}
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"forgotten\":%u,\"cursor\":%llu}", forgotten,
		  (unsigned long long)cursor);
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
