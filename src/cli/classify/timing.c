/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Until the first SYN+ACK comes the newest SYNs are kept as they are, without a table: most captures
 * that are given to `classify` hold SYNs alone.
 */
#include "cli/classify/timing.h"

#include <stdlib.h>

#include "cli/classify/doubles.h"

#define CONNECTIONS 16384 /* at the same time */
#define CLIENTS 65536
#define EARLY 1024 /* SYNs that wait for the first SYN+ACK */
#define NS_PER_S 1000000000u

struct early {
	struct syn syn;
	uint64_t time_ns;
};

struct timing {
	struct clocks *clocks; /* NULL: no SYN+ACK was seen yet */
	struct evidence_table *evidence;
	struct doubles *doubles; /* NULL: each packet comes once */
	uint64_t early_count;
	struct early early[EARLY];
};

struct timing *timing_new(bool is_any)
{
	struct timing *timing = calloc(1, sizeof(*timing));

	if (!timing)
		return NULL;
	if (is_any)
		timing->doubles = calloc(1, sizeof(*timing->doubles));
	if (is_any && !timing->doubles) {
		free(timing);
		return NULL;
	}
	return timing;
}

void timing_free(struct timing *timing)
{
	if (!timing)
		return;
	clocks_free(timing->clocks);
	evidence_free(timing->evidence);
	free(timing->doubles);
	free(timing);
}

static void feed(struct timing *timing, uint64_t time_ns, const struct syn *segment)
{
	struct clocks_measure measure;

	if (clocks_feed(timing->clocks, time_ns, segment, &measure) == CLOCKS_MEASURED)
		evidence_note(timing->evidence, (uint32_t)(time_ns / NS_PER_S), &measure, NULL);
}

/* Without memory nothing is measured. */
static void begin(struct timing *timing)
{
	struct clocks_params clocks = {.capacity = CONNECTIONS};
	struct evidence_params evidence = {.capacity = CLIENTS, .v6_prefix_bits = 128};
	uint64_t count = timing->early_count, first = count > EARLY ? count - EARLY : 0;

	timing->evidence = evidence_new(&evidence);
	timing->clocks = timing->evidence ? clocks_new(&clocks) : NULL;
	for (uint64_t i = first; timing->clocks && i < count; i++)
		feed(timing, timing->early[i % EARLY].time_ns, &timing->early[i % EARLY].syn);
}

void timing_take_syn(struct timing *timing, const struct packet *packet, const struct syn *syn)
{
	if (!timing->clocks && !syn_is_answer(syn)) {
		timing->early[timing->early_count++ % EARLY] =
			(struct early){*syn, packet->time_ns};
		return;
	}
	if (!timing->clocks && !timing->evidence)
		begin(timing);
	if (timing->clocks)
		feed(timing, packet->time_ns, syn);
}

static bool is_double(struct timing *timing, const struct packet *packet, const struct syn *segment)
{
	return timing->doubles && doubles_is_one(timing->doubles, segment, packet->now_ms);
}

static bool is_answer(const struct syn *segment)
{
	return segment->tcp_flags & SYN_TCP_SYN && syn_is_answer(segment);
}

void timing_take_segment(struct timing *timing, const struct packet *packet)
{
	struct syn segment;

	if (syn_parse_segment(packet->data, packet->len, &segment) != SYN_OK)
		return;
	if (is_double(timing, packet, &segment))
		return;
	if (is_answer(&segment))
		timing_take_syn(timing, packet, &segment);
	else if (timing->clocks)
		feed(timing, packet->time_ns, &segment);
}

bool timing_find(struct timing *timing, const struct syn *syn, uint64_t now_ms,
		 struct evidence *ret_evidence)
{
	struct evidence list[EVIDENCE_SHAPES];
	uint32_t shape = clocks_shape(syn);
	unsigned count;

	if (!timing->clocks)
		return false;
	count = evidence_list(timing->evidence, (uint32_t)(now_ms / 1000), &syn->src, list);
	for (unsigned i = 0; i < count; i++)
		if (list[i].shape == shape) {
			*ret_evidence = list[i];
			return true;
		}
	return false;
}

void timing_end(struct timing *timing)
{
	if (timing->clocks)
		clocks_expire(timing->clocks, INT64_MAX);
}

/* ---- the end ---- */

static void put_totals_json(const struct clocks_stats *clocks,
			    const struct evidence_stats *evidence, struct text_buf *out)
{
	text_putf(out, "\"clocks\":{\"measured\":%llu,\"not_measured\":{",
		  (unsigned long long)clocks->results[CLOCKS_MEASURED]);
	for (unsigned i = CLOCKS_MEASURED + 1; i < CLOCKS_RESULT_COUNT; i++)
		text_putf(out, "%s\"%s\":%llu", i > CLOCKS_MEASURED + 1 ? "," : "",
			  clocks_result_name((enum clocks_result)i),
			  (unsigned long long)clocks->results[i]);
	text_put(out, "},\"clients\":{");
	for (unsigned i = 0; i < EVIDENCE_GRADE_COUNT; i++)
		text_putf(out, "%s\"%s\":%zu", i ? "," : "",
			  evidence_grade_name((enum evidence_grade)i), evidence->graded[i]);
	text_put(out, "}}");
}

static void put_totals_text(const struct clocks_stats *clocks,
			    const struct evidence_stats *evidence, struct text_buf *out)
{
	text_putf(out, "\nClocks\n  %-28s %12llu connections\n", "measured",
		  (unsigned long long)clocks->results[CLOCKS_MEASURED]);
	for (unsigned i = CLOCKS_MEASURED + 1; i < CLOCKS_RESULT_COUNT; i++)
		if (clocks->results[i])
			text_putf(out, "  %-28s %12llu %s\n", "not measured",
				  (unsigned long long)clocks->results[i],
				  clocks_result_text((enum clocks_result)i));
	for (unsigned i = EVIDENCE_GRADE_COUNT - 1; i > EVIDENCE_NONE; i--)
		if (evidence->graded[i])
			text_putf(out, "  %-28s %12zu clients\n",
				  evidence_grade_name((enum evidence_grade)i), evidence->graded[i]);
}

void timing_put_totals(struct timing *timing, bool json, struct text_buf *out)
{
	struct clocks_stats clocks = {.connections = 0};
	struct evidence_stats evidence = {.used = 0};

	if (timing->clocks) {
		clocks_get_stats(timing->clocks, &clocks);
		evidence_get_stats(timing->evidence, &evidence);
	}
	if (json)
		put_totals_json(&clocks, &evidence, out);
	else if (timing->clocks)
		put_totals_text(&clocks, &evidence, out);
}

void timing_put_evidence(const struct evidence *evidence, struct text_buf *out)
{
	text_put(out, "\"clocks\":");
	evidence_put_json(evidence, out);
}

static void put_client_json(const char *addr, const struct evidence *evidence, struct text_buf *out)
{
	text_putf(out, "{\"ip\":\"%s\",", addr);
	timing_put_evidence(evidence, out);
	text_put(out, "}\n");
}

static void put_client_text(const char *addr, const struct evidence *evidence, struct text_buf *out)
{
	text_putf(out, "%-39s  %-9s  ", addr, evidence_grade_name(evidence_grade(evidence)));
	evidence_put_text(evidence, out);
	text_put_char(out, '\n');
}

bool timing_put_client(struct timing *timing, bool json, uint64_t *cursor, struct text_buf *out)
{
	struct evidence evidence;
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (!timing->clocks || !evidence_next(timing->evidence, cursor, &addr, &evidence))
		return false;
	addr_format(&addr, text);
	if (json)
		put_client_json(text, &evidence, out);
	else
		put_client_text(text, &evidence, out);
	return true;
}
