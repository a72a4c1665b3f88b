/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forms are core's and cli's; here is which one, and what a capture adds to each. */
#include "cli/classify/output.h"

#include <errno.h>
#include <stdlib.h>

#include "cli/classify/timing.h"
#include "cli/classify/zardaxt.h"
#include "cli/explanation.h"
#include "cli/judged.h"
#include "core/report/explain.h"
#include "core/report/report_csv.h"
#include "core/report/report_ecs.h"
#include "core/report/report_p0f.h"

struct output {
	struct output_params params;
	struct line_layout layout;
	struct judged *judged;
	time_t time_s; /* whose text is in time_text */
	char time_text[24];
};

static const char *const format_names[OUTPUT_FORMAT_COUNT] = {
	"table", "json", "csv", "p0f", "ecs", "zardaxt",
};

struct output *output_new(const struct output_params *params)
{
	struct output *output = calloc(1, sizeof(*output));

	if (!output)
		return NULL;
	output->params = *params;
	output->layout = *params->layout;
	output->time_s = -1;
	output->judged = judged_new(params->format == OUTPUT_CSV ? report_csv_put_judged
								 : report_put_judged);
	if (!output->judged) {
		free(output);
		return NULL;
	}
	return output;
}

void output_free(struct output *output)
{
	if (!output)
		return;
	judged_free(output->judged);
	free(output);
}

void output_begin(struct output *output, bool is_terminal, struct text_buf *out)
{
	if (output->params.format == OUTPUT_CSV)
		report_csv_header(out);
	if (output->params.format == OUTPUT_TABLE && is_terminal)
		line_put_header(&output->layout, out);
}

static struct explain_bases bases_of(const struct output *output, const struct report *report)
{
	const struct knowledge *knowledge = output->params.knowledge;

	return (struct explain_bases){
		.sigdb = syn_is_answer(report->syn) ? knowledge->servers : knowledge->sigdb,
		.linkdb = knowledge->linkdb,
		.vocab = output->params.vocab,
	};
}

/* What the packet was taken out of, the outermost first. */
static void put_tunnels(const struct packet *packet, struct text_buf *out)
{
	char text[ADDR_TEXT_MAX];

	text_put(out, ",\"tunnels\":[");
	for (unsigned i = 0; i < packet->tunnel_count; i++) {
		const struct tunnel *tunnel = &packet->tunnels[i];

		text_putf(out, "%s{\"kind\":\"%s\",\"id\":%u,\"outer_src\":\"", i ? "," : "",
			  tunnels_name(tunnel->kind), tunnel->id);
		addr_format(&tunnel->src, text);
		text_put(out, text);
		text_put(out, "\",\"outer_dst\":\"");
		addr_format(&tunnel->dst, text);
		text_put(out, text);
		text_put(out, "\"}");
	}
	text_put_char(out, ']');
}

static void put_json(struct output *output, const struct judgement *judgement, struct text_buf *out)
{
	const struct report *report = &judgement->report;
	struct explain_bases bases = bases_of(output, report);

	text_put_char(out, '{');
	report_put_observed(report, out);
	judged_put(output->judged, report, output->params.vocab, out);
	if (judgement->packet && judgement->packet->tunnel_count)
		put_tunnels(judgement->packet, out);
	if (judgement->has_evidence) {
		text_put_char(out, ',');
		timing_put_evidence(&judgement->evidence, out);
	}
	if (output->params.explains)
		explain_put_members(report, &bases, out);
	text_put_char(out, '}');
}

static void put_explained(struct output *output, const struct judgement *judgement,
			  struct text_buf *out)
{
	char json[OUTPUT_LINE_BYTES];
	struct text_buf buf;
	cJSON *object;

	text_buf_init(&buf, json, sizeof(json));
	put_json(output, judgement, &buf);
	object = cJSON_Parse(json);
	explanation_put(object, out);
	cJSON_Delete(object);
}

static void put_line(struct output *output, const struct report *report, struct text_buf *out)
{
	const struct vocab *vocab = output->params.vocab;
	const struct verdict *verdict = &report->verdict;
	char addr[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	struct line line = {
		.time_s = (time_t)(report->now_ms / 1000),
		.addr = addr,
		.to = to,
		.to_port = report->syn->dst_port,
		.is_answer = syn_is_answer(report->syn),
		.system = vocab_text(vocab, VOCAB_LABEL, verdict->label),
		.link = vocab_text(vocab, VOCAB_LINK, verdict->link),
		.confidence_permille = verdict->confidence_permille,
		.dist_hops = verdict->dist_hops,
		.mtu = report->link->mtu,
		.grade = (enum link_grade)verdict->grade,
		.flags = verdict->flags,
		.match = (enum match_kind)verdict->match,
	};

	addr_format(&report->addr, addr);
	addr_format(&report->syn->dst, to);
	line_put(&output->layout, &line, out);
}

static void put_tunnel_line(const struct packet *packet, struct text_buf *out)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < packet->tunnel_count; i++) {
		const struct tunnel *tunnel = &packet->tunnels[i];

		addr_format(&tunnel->src, text);
		text_putf(out, "  in %s %u, from %s", tunnels_name(tunnel->kind), tunnel->id, text);
		addr_format(&tunnel->dst, text);
		text_putf(out, " to %s\n", text);
	}
}

/* p0f's clock is the local one. */
static const char *p0f_time(struct output *output, uint64_t now_ms)
{
	time_t time_s = (time_t)(now_ms / 1000);
	struct tm tm;

	if (time_s != output->time_s && localtime_r(&time_s, &tm)) {
		strftime(output->time_text, sizeof(output->time_text), "%Y/%m/%d %H:%M:%S", &tm);
		output->time_s = time_s;
	}
	return output->time_text;
}

static void put_table(struct output *output, const struct judgement *judgement,
		      struct text_buf *out)
{
	put_line(output, &judgement->report, out);
	if (judgement->packet && judgement->packet->tunnel_count)
		put_tunnel_line(judgement->packet, out);
	if (output->params.explains)
		put_explained(output, judgement, out);
}

void output_put(struct output *output, const struct judgement *judgement, struct text_buf *out)
{
	const struct report *report = &judgement->report;
	const struct vocab *vocab = output->params.vocab;
	struct explain_bases bases;

	switch (output->params.format) {
	case OUTPUT_TABLE: put_table(output, judgement, out); return;
	case OUTPUT_JSON: put_json(output, judgement, out); break;
	case OUTPUT_CSV:
		report_csv_put_observed(report, out);
		judged_put(output->judged, report, vocab, out);
		return;
	case OUTPUT_P0F: report_p0f(report, vocab, p0f_time(output, report->now_ms), out); return;
	case OUTPUT_ECS: report_ecs(report, vocab, out); break;
	case OUTPUT_ZARDAXT:
		bases = bases_of(output, report);
		zardaxt_put(report, &bases, out);
		return;
	case OUTPUT_FORMAT_COUNT: return;
	}
	text_put_char(out, '\n');
}

int output_format_parse(const char *text, enum output_format *ret_format)
{
	for (unsigned i = 0; i < OUTPUT_FORMAT_COUNT; i++)
		if (strcmp(text, format_names[i]) == 0) {
			*ret_format = (enum output_format)i;
			return 0;
		}
	return -EINVAL;
}
