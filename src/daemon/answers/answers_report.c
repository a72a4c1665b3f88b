/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operation `report`: what other gateways say, as synprint-share hands it over. It is kept
 * beside the client table, shown beside verdicts, and counts as nothing that was seen here.
 */
#include <errno.h>

#include "daemon/answers/answers_ops.h"
#include "daemon/packets/reports.h"
#include "sys/clock.h"

#define TOLD_MAX 8 /* origins that a reply lists */

static void on_dropped(void *ctx, const struct addr *addr)
{
	reports_note(answers_generation(ctx), addr);
}

static void end_round(struct answers *answers)
{
	reported_end(answers->reported, on_dropped, answers);
}

void answers_report(struct answers *answers, const struct proto_request *req,
		    struct text_buf *reply)
{
	struct reported_word word = req->word;

	word.addr = req->addr;
	word.flags = req->filter.flags;
	if (req->round == PROTO_ROUND_BEGIN) {
		reported_begin(answers->reported);
	} else if (req->round == PROTO_ROUND_END) {
		end_round(answers);
	} else if (reported_put(answers->reported, clock_boot_s(), &word) < 0) {
		proto_put_error(reply, req->id, PROTO_FAILED,
				"no room for another report: see reports.capacity");
		return;
	} else {
		reports_note(answers_generation(answers), &word.addr);
	}
	proto_begin_reply(req, reply);
	text_put_char(reply, '}');
}

static void put_word(const struct reported_word *word, struct text_buf *reply)
{
	const char *comma = "";

	text_put(reply, "{\"origin\":");
	text_put_json(reply, word->origin);
	text_put(reply, ",\"flags\":[");
	for (unsigned flags = word->flags; flags; flags &= flags - 1, comma = ",")
		text_putf(reply, "%s\"%s\"", comma,
			  verdict_flag_name((enum verdict_flag)(flags & -flags)));
	text_put(reply, "],\"label\":");
	text_put_json(reply, word->label);
	text_put(reply, ",\"confidence\":");
	text_put_permille(reply, word->confidence_permille);
	text_putf(reply, ",\"left_s\":%u}", word->left_s);
}

void details_put_reported(const struct answers *answers, const struct addr *addr,
			  struct text_buf *reply)
{
	struct reported_word words[TOLD_MAX];
	unsigned count = reported_get(answers->reported, clock_boot_s(), addr, words, TOLD_MAX);

	if (!count)
		return;
	text_put(reply, ",\"reported\":[");
	for (unsigned i = 0; i < count; i++) {
		text_put(reply, i ? "," : "");
		put_word(&words[i], reply);
	}
	text_put_char(reply, ']');
}
