/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of `classify`: it touches each packet once and writes in large pieces, so a capture of
 * any size takes the same memory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/classify/classify.h"
#include "cli/classify/classify_load.h"
#include "cli/classify/plot.h"
#include "cli/classify/shapes.h"
#include "cli/classify/timing.h"
#include "cli/screen.h"
#include "cli/summary.h"
#include "cli/writer.h"

#define OUT_BYTES ((size_t)1 << 20) /* the page cache takes large pieces at half the cost */
#define PROGRESS_PACKETS 32768 /* between two looks at the clock */
#define PROGRESS_AFTER_S 1
#define TO_COLUMNS 112 /* of a screen that has room for where SYNs go */

struct run {
	const struct classify_options *options;
	struct vocab *vocab;
	struct knowledge *knowledge;
	struct filter filter;
	struct source *source;
	struct judge *judge;
	struct timing *timing;
	struct output *output;
	struct writer *writer;
	struct plot *plot;
	struct line_layout layout;
	struct text_buf out;
	struct summary summary;
	uint64_t answers; /* SYN+ACKs, also those that a filter leaves out */
	uint64_t handshakes; /* shown ones */
	bool is_silent; /* totals only */
	bool shows_progress;
	time_t started_s;
	int exit;
};

/* ---- one packet ---- */

static int put(struct run *run, const struct judgement *judgement)
{
	output_put(run->output, judgement, &run->out);
	if (run->out.size - run->out.len < OUTPUT_LINE_BYTES)
		return writer_hand(run->writer, &run->out);
	return CLI_OK;
}

/* What was measured of the client before this SYN, as the daemon would know it. */
static void add_clocks(struct run *run, struct judgement *judgement)
{
	struct verdict *verdict = &judgement->report.verdict;

	judgement->has_evidence = timing_find(run->timing, &judgement->syn,
					      judgement->report.now_ms, &judgement->evidence);
	if (judgement->has_evidence && evidence_grade(&judgement->evidence) == EVIDENCE_LIKELY) {
		verdict->flags = (verdict->flags | VERDICT_PROXY) & VERDICT_FLAGS_MASK;
		verdict->reasons |= reason_bit(REASON_CLOCKS) & VERDICT_REASONS_MASK;
	}
}

/* The SYN of a handshake waited for its answer; now both are shown. */
static int put_handshake(struct run *run, const struct judgement *answer)
{
	struct judgement first;
	int r;

	if (!answer->answered)
		return CLI_OK;
	run->handshakes++;
	judge_syn(run->judge, &answer->answered->syn, answer->answered->now_ms, &first);
	first.packet = answer->packet;
	add_clocks(run, &first);
	r = put(run, &first);
	return r == CLI_OK ? put(run, answer) : r;
}

static int take_judgement(struct run *run, const struct judgement *judgement)
{
	const struct report *report = &judgement->report;

	if (run->options->filter.count &&
	    !filter_match(&run->filter, run->vocab, &report->addr, &report->verdict))
		return CLI_OK;
	summary_count_report(&run->summary, report);
	if (run->plot && !syn_is_answer(report->syn))
		plot_add(run->plot, report);
	if (run->is_silent)
		return CLI_OK;
	return run->options->only_handshakes ? put_handshake(run, judgement) : put(run, judgement);
}

static int take_packet(struct run *run, const struct packet *packet)
{
	struct judgement judgement;
	enum syn_result result = judge_packet(run->judge, packet, &judgement);

	if (result == SYN_RESULT_COUNT)
		return CLI_OK;
	summary_count_packet(&run->summary, result);
	if (result == SYN_NOT_SYN)
		timing_take_segment(run->timing, packet);
	if (result != SYN_OK)
		return CLI_OK;
	if (syn_is_answer(&judgement.syn))
		run->answers++;
	else
		add_clocks(run, &judgement);
	timing_take_syn(run->timing, packet, &judgement.syn);
	return take_judgement(run, &judgement);
}

/* ---- the loop ---- */

static void show_progress(const struct run *run)
{
	int percent = source_progress(run->source);

	if (time(NULL) - run->started_s < PROGRESS_AFTER_S)
		return;
	fprintf(stderr, "\r%llu packets", (unsigned long long)source_counts(run->source)->frames);
	if (percent >= 0)
		fprintf(stderr, ", %d %%", percent);
}

static void end_progress(const struct run *run)
{
	if (run->shows_progress && time(NULL) - run->started_s >= PROGRESS_AFTER_S)
		fputs("\r\033[K", stderr);
}

static int flush(struct run *run)
{
	int r = run->out.len ? writer_hand(run->writer, &run->out) : CLI_OK;

	return r == CLI_OK ? writer_wait(run->writer) : r;
}

/* What was read before is printed before what is wrong is told. */
static int tell(struct run *run)
{
	int r = flush(run);

	end_progress(run);
	return r == CLI_OK ? source_tell(run->source) : r;
}

static int take_one(struct run *run, const struct packet *packet)
{
	int r = take_packet(run, packet);

	if (r == CLI_OK && run->shows_progress &&
	    source_counts(run->source)->frames % PROGRESS_PACKETS == 0)
		show_progress(run);
	return r;
}

/* A pipe's reader waits for each line; files of an own end are written in large pieces. */
static int read_all(struct run *run)
{
	bool goes_on = source_goes_on(run->source);
	struct packet packet;
	int r = CLI_OK;

	while (r == CLI_OK)
		switch (source_next(run->source, &packet)) {
		case SOURCE_PACKET:
			r = take_one(run, &packet);
			if (r == CLI_OK && goes_on && run->out.len)
				r = writer_hand(run->writer, &run->out);
			break;
		case SOURCE_IDLE:
			r = flush(run);
			source_tell_drops(run->source);
			if (r == CLI_OK && !source_wait(run->source))
				return CLI_OK;
			break;
		case SOURCE_BAD_FILE:
			run->exit = tell(run);
			r = run->exit == CLI_BAD_INPUT ? CLI_OK : run->exit;
			break;
		case SOURCE_FAILED: return tell(run);
		case SOURCE_END: return CLI_OK;
		}
	return r;
}

/* ---- the end ---- */

/* Frames of which not one could be read are no empty capture. */
static int tell_unread(const struct run *run)
{
	const struct classify_options *options = run->options;
	const struct peel_counts *counts = source_counts(run->source);
	uint64_t unread = counts->results[LAYERS_UNKNOWN_LINK];
	char name[80];

	if (!unread)
		return CLI_OK;
	source_link_name(counts->unknown_link, name, sizeof(name));
	if (unread < counts->frames) {
		fprintf(stderr, "synprint: %llu packets of link type %s are not read\n",
			(unsigned long long)unread, name);
		return CLI_OK;
	}
	return cli_error(CLI_BAD_INPUT,
			 "%s: link type %s is not read, and all %llu packets have it",
			 options->source.live.interface ? options->source.live.interface
							: options->source.files.paths[0],
			 name, (unsigned long long)unread);
}

static void tell_no_handshake(const struct run *run)
{
	uint64_t syns = run->summary.results[SYN_OK] - run->answers;

	if (!run->options->only_handshakes || run->is_silent || run->handshakes)
		return;
	if (syns && !run->answers)
		fprintf(stderr,
			"synprint: there are %llu SYNs and no SYN+ACK, so no handshake can be "
			"shown: that takes a capture of both directions. Without --handshakes the "
			"SYNs are shown\n",
			(unsigned long long)syns);
	else if (run->answers && !run->options->filter.count)
		fprintf(stderr,
			"synprint: none of %llu SYN+ACKs answers one of %llu SYNs, so no handshake "
			"can be shown\n",
			(unsigned long long)run->answers, (unsigned long long)syns);
}

static int put_clients(struct run *run)
{
	uint64_t cursor = 0;
	bool is_any = false;
	int r = CLI_OK;

	while (r == CLI_OK &&
	       timing_put_client(run->timing, run->options->cli->json, &cursor, &run->out)) {
		is_any = true;
		if (run->out.size - run->out.len < TIMING_LINE_BYTES)
			r = writer_hand(run->writer, &run->out);
	}
	if (!is_any && !run->options->cli->json)
		fputs("synprint: no connection was measured, which takes both directions; "
		      "--summary in place of --clocks says why\n",
		      stderr);
	return r == CLI_OK ? flush(run) : r;
}

/* The filter for SYNs leaves out what the clocks need. */
static bool sees_syns_alone(const struct classify_options *options)
{
	return options->source.live.interface && !options->source.live.expression;
}

static void put_summary(struct run *run, bool json, struct text_buf *out)
{
	static char data[TIMING_TOTALS_BYTES];
	struct text_buf buf;

	text_buf_init(&buf, data, sizeof(data));
	timing_end(run->timing);
	timing_put_totals(run->timing, json, &buf);
	if (json || !sees_syns_alone(run->options))
		run->summary.clocks = data;
	summary_put(&run->summary, source_counts(run->source), run->vocab, json, out);
}

static int print_totals(struct run *run)
{
	const struct classify_options *options = run->options;

	if (options->only_unknown) {
		shapes_put(run->summary.unknown, options->cli->json, &run->out);
		return flush(run);
	}
	if (options->only_clocks)
		return put_clients(run);
	if (options->only_summary) {
		put_summary(run, options->cli->json, &run->out);
		return flush(run);
	}
	return CLI_OK;
}

/* Of what has no end of its own, the totals are told when somebody ends it. */
static void tell_totals(struct run *run)
{
	static char data[SUMMARY_BYTES];
	struct text_buf buf;

	if (run->is_silent ||
	    !(run->options->source.live.interface || run->options->source.files.follows))
		return;
	text_buf_init(&buf, data, sizeof(data));
	text_put_char(&buf, '\n');
	put_summary(run, false, &buf);
	fputs(data, stderr);
}

static int finish(struct run *run)
{
	unsigned passed = source_passed(run->source);
	int r = tell_unread(run);

	source_tell_drops(run->source);
	tell_no_handshake(run);
	tell_totals(run);
	if (passed)
		fprintf(stderr, "synprint: %u files of the folders are no captures\n", passed);
	if (r == CLI_OK)
		r = print_totals(run);
	if (r == CLI_OK && run->plot)
		r = plot_draw(run->plot, run->vocab, run->options->plot_path);
	return r == CLI_OK ? run->exit : r;
}

static int read_packets(struct run *run)
{
	bool is_terminal = screen_init(run->options->color, true, &run->layout);
	int r = CLI_OK;

	run->shows_progress = isatty(STDERR_FILENO) && !source_goes_on(run->source) &&
			      !(is_terminal && !run->is_silent);
	run->started_s = time(NULL);
	if (!run->is_silent)
		output_begin(run->output, is_terminal, &run->out);
	if (source_goes_on(run->source))
		r = flush(run);
	if (r == CLI_OK)
		r = read_all(run);
	end_progress(run);
	if (r == CLI_OK)
		r = flush(run);
	return r == CLI_OK ? finish(run) : r;
}

/* ---- the begin ---- */

static bool make_parts(struct run *run)
{
	const struct classify_options *options = run->options;
	struct judge_params judge = {.knowledge = run->knowledge,
				     .local_clamp = options->local_clamp,
				     .community_seed = options->community_seed,
				     .threshold = options->threshold,
				     .is_any = source_is_any(run->source)};
	struct output_params output = {.format = options->format,
				       .explains = options->explains,
				       .knowledge = run->knowledge,
				       .vocab = run->vocab,
				       .layout = &run->layout};
	struct tally_params tally = {.capacity = SUMMARY_UNKNOWN_MAX};

	screen_init(options->color, true, &run->layout);
	run->layout.with_to = !run->layout.columns || run->layout.columns >= TO_COLUMNS;
	run->layout.with_kind = run->knowledge->servers != NULL;
	run->judge = judge_new(&judge);
	run->timing = timing_new(judge.is_any);
	run->output = output_new(&output);
	run->writer = writer_new(OUT_BYTES, &run->out);
	run->summary.unknown = tally_new(&tally);
	run->plot = options->plot_path ? plot_new() : NULL;
	return run->judge && run->timing && run->output && run->writer && run->summary.unknown &&
	       (run->plot || !options->plot_path);
}

static void free_parts(struct run *run)
{
	writer_free(run->writer);
	plot_free(run->plot);
	tally_free(run->summary.unknown);
	output_free(run->output);
	judge_free(run->judge);
	timing_free(run->timing);
	source_close(run->source);
}

static int make_filter(struct run *run)
{
	const char *value = NULL;
	int r = local_filter_make(&run->options->filter, run->vocab, &run->filter, &value);

	if (r == 0)
		return CLI_OK;
	return cli_usage_error(run->options->cli,
			       r == -ENOENT ? "no flag, class, family or label is named '%s'"
					    : "a filter cannot be '%s'",
			       value);
}

int classify_run(const struct classify_options *options)
{
	static struct run run;
	int r;

	run.options = options;
	run.is_silent = options->only_summary || options->only_unknown || options->only_clocks ||
			options->plot_path;
	r = classify_load(options, &run.vocab, &run.knowledge);
	if (r == CLI_OK)
		r = make_filter(&run);
	if (r == CLI_OK)
		r = source_open(&options->source, &run.source);
	if (r == CLI_OK && !make_parts(&run))
		r = cli_error(CLI_FAILED, "out of memory");
	if (r == CLI_OK)
		r = read_packets(&run);
	free_parts(&run);
	filter_clear(&run.filter);
	knowledge_free(run.knowledge);
	vocab_free(run.vocab);
	return r;
}
