/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evidence in words and as JSON. */
#include "core/clocks/evidence.h"

const char *evidence_grade_name(enum evidence_grade grade)
{
	static const char *const names[EVIDENCE_GRADE_COUNT] = {
		[EVIDENCE_NONE] = "none",
		[EVIDENCE_SPLIT] = "split",
		[EVIDENCE_SUSPECTED] = "suspected",
		[EVIDENCE_LIKELY] = "likely",
	};

	return grade < EVIDENCE_GRADE_COUNT ? names[grade] : NULL;
}

static void put_connections(const struct evidence *evidence, struct text_buf *out)
{
	if (evidence->connections == 1)
		text_put(out, "in one connection");
	else
		text_putf(out, "in %s of %u connections",
			  evidence_leaves_one_out(evidence) ? "all but one" : "each",
			  evidence->connections);
	if (evidence_is_by_arrival(evidence))
		text_put(out, " (by arrival times: there are no timestamps to go by)");
}

void evidence_put_text(const struct evidence *evidence, struct text_buf *out)
{
	if (!evidence->connections) {
		text_put(out, "client and TCP are one machine: its last connection had no delay");
		return;
	}
	if (evidence_grade(evidence) == EVIDENCE_SPLIT) {
		text_putf(
			out,
			"something on the way ends TCP, such as a relay or a satellite link: the "
			"first data came at once, and the answer to the server's first data %u ms "
			"late, ",
			evidence_c2_ms(evidence));
		put_connections(evidence, out);
		return;
	}
	text_putf(out,
		  "the first data came %u ms after the handshake, and the answer to the server's "
		  "first data %u ms late, ",
		  evidence_c1_ms(evidence), evidence_c2_ms(evidence));
	put_connections(evidence, out);
}

void evidence_put_json(const struct evidence *evidence, struct text_buf *out)
{
	char data[EVIDENCE_TEXT_MAX];
	struct text_buf text;

	text_putf(out, "{\"grade\":\"%s\",\"connections\":%u,\"c1_ms\":%u,\"c2_ms\":%u",
		  evidence_grade_name(evidence_grade(evidence)), evidence->connections,
		  evidence_c1_ms(evidence), evidence_c2_ms(evidence));
	text_putf(out, ",\"by\":\"%s\",\"last_quick\":",
		  evidence_is_by_arrival(evidence) ? "arrival" : "timestamps");
	if (evidence->quick_s)
		text_put_uint(out, evidence->quick_s);
	else
		text_put(out, "null");
	text_buf_init(&text, data, sizeof(data));
	evidence_put_text(evidence, &text);
	text_put(out, ",\"reason\":");
	text_put_json(out, data);
	text_put_char(out, '}');
}
