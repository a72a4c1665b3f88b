/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operation `baseline`: networks with how many clients show which MTU. */
#include <string.h>

#include "daemon/answers/answers_ops.h"
#include "sys/clock.h"

#define ENTRY_BYTES_MAX 2048 /* a network with all its MTUs */

static void put_share(float part, float whole, struct text_buf *reply)
{
	text_put_permille(reply, whole > 0 ? (unsigned)(part / whole * 1000 + 0.5f) : 0);
}

static void put_entry(const struct baseline_prefix *prefix, bool is_first, struct text_buf *reply)
{
	char ip[ADDR_TEXT_MAX];

	text_put(reply, is_first ? "{\"prefix\":" : ",{\"prefix\":");
	addr_format(&prefix->net, ip);
	if (prefix->name[0])
		text_put(reply, "null,\"name\":");
	else
		text_putf(reply, "\"%s/%u\",\"name\":", ip, prefix->bits);
	if (prefix->name[0])
		text_put_json(reply, prefix->name);
	else
		text_put(reply, "null");
	text_putf(reply, ",\"clients\":%.1f,\"last_seen\":%u,\"mtus\":[", (double)prefix->clients,
		  clock_shown_s(prefix->last_seen_s));
	for (unsigned i = 0; i < prefix->mtu_count; i++) {
		const struct baseline_mtu *mtu = &prefix->mtus[i];

		text_putf(reply,
			  "%s{\"mtu\":%u,\"clients\":%.1f,\"spread\":%u,\"share\":", i ? "," : "",
			  mtu->mtu, (double)mtu->clients, mtu->spread);
		put_share(mtu->clients, prefix->clients, reply);
		text_put_char(reply, '}');
	}
	text_put(reply, "]}");
}

static bool is_wanted(const struct filter *filter, const struct netnames *names,
		      const struct baseline_prefix *prefix)
{
	return !filter->has_net || baseline_is_about(names, prefix, &filter->net);
}

/* The table is small: one request may look at all of it. */
static void put_entries(const struct answers *answers, const struct proto_request *req,
			struct text_buf *reply)
{
	const struct netnames *names = answers_generation(answers)->knowledge->names;
	uint32_t now_s = clock_steady_s();
	uint64_t cursor = req->cursor;
	unsigned found = 0;

	do {
		struct baseline_prefix prefix;

		if (baseline_page(answers->baseline, now_s, cursor, 1, &prefix, &cursor) == 0)
			break;
		if (is_wanted(&req->filter, names, &prefix))
			put_entry(&prefix, found++ == 0, reply);
	} while (cursor && found < req->limit && reply->size - reply->len > ENTRY_BYTES_MAX);
	text_putf(reply, "],\"cursor\":%llu}", (unsigned long long)cursor);
}

void answers_baseline(struct answers *answers, const struct proto_request *req,
		      struct text_buf *reply)
{
	struct baseline_stats stats;

	if (!answers->baseline) {
		proto_put_error(reply, req->id, PROTO_NOT_SUPPORTED,
				"the baseline is off: baseline.enabled in %s",
				answers_generation(answers)->config->path);
		return;
	}
	baseline_get_stats(answers->baseline, &stats);
	proto_begin_reply(req, reply);
	text_putf(reply, ",\"networks\":%zu,\"capacity\":%zu,\"evicted\":%llu,\"baseline\":[",
		  stats.used, stats.capacity, (unsigned long long)stats.evicted);
	put_entries(answers, req, reply);
}
