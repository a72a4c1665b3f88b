/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint classify: the daemon's pipeline over a capture file, without daemon or privileges.
 * The loop touches each packet once and writes in large pieces; a file of any size takes the
 * same memory.
 */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/databases.h"
#include "cli/explanation.h"
#include "cli/judged.h"
#include "cli/screen.h"
#include "cli/summary.h"
#include "cli/writer.h"
#include "config/config.h"
#include "knowledge/knowledge.h"
#include "input/replay.h"
#include "core/report/explain.h"
#include "core/match/match_memo.h"

#define OUT_BYTES ((size_t)1 << 20) /* the page cache takes large pieces at half the cost */
#define LINE_BYTES 32768 /* room for one SYN: 1,200 bytes as JSON, explained about 8,000 */
#define FILES_MAX 16
#define PROGRESS_PACKETS 32768 /* between two looks at the clock */
#define PROGRESS_AFTER_S 1

struct classify {
	const struct cli *cli;
	const char *path;
	const char *signatures[FILES_MAX];
	unsigned signatures_count;
	const char *links, *learned;
	const struct knowledge_prior *priors;
	unsigned prior_count;
	bool only_summary, explains, is_live, shows_progress;
	uint16_t local_clamp;
	enum link_grade threshold;
	enum line_color color;
	struct vocab *vocab;
	struct knowledge *knowledge;
	struct match_memo *memo;
	struct judged *judged;
	struct writer *writer;
	struct line_layout layout;
	struct text_buf out;
	struct summary summary;
	time_t started_s;
};

static void put_line(struct classify *classify, const struct report *report)
{
	const struct verdict *verdict = &report->verdict;
	char addr[ADDR_TEXT_MAX];
	struct line line = {
		.time_s = (time_t)(report->now_ms / 1000),
		.addr = addr,
		.system = vocab_text(classify->vocab, VOCAB_LABEL, verdict->label),
		.link = vocab_text(classify->vocab, VOCAB_LINK, verdict->link),
		.confidence_permille = verdict->confidence_permille,
		.dist_hops = verdict->dist_hops,
		.mtu = report->link->mtu,
		.grade = (enum link_grade)verdict->grade,
		.flags = verdict->flags,
		.match = (enum match_kind)verdict->match,
	};

	addr_format(&report->addr, addr);
	line_put(&classify->layout, &line, &classify->out);
}

static void put_json(struct classify *classify, const struct report *report, struct text_buf *out)
{
	struct explain_bases bases = {.sigdb = classify->knowledge->sigdb,
				      .linkdb = classify->knowledge->linkdb,
				      .vocab = classify->vocab};

	text_put_char(out, '{');
	report_put_observed(report, out);
	judged_put(classify->judged, report, classify->vocab, out);
	if (classify->explains)
		explain_put_members(report, &bases, out);
	text_put_char(out, '}');
}

static void put_explained(struct classify *classify, const struct report *report)
{
	char json[LINE_BYTES];
	struct text_buf buf;
	cJSON *object;

	text_buf_init(&buf, json, sizeof(json));
	put_json(classify, report, &buf);
	object = cJSON_Parse(json);
	explanation_put(object, &classify->out);
	cJSON_Delete(object);
}

static int put_syn(struct classify *classify, const struct report *report)
{
	if (classify->cli->json) {
		put_json(classify, report, &classify->out);
		text_put_char(&classify->out, '\n');
	} else {
		put_line(classify, report);
		if (classify->explains)
			put_explained(classify, report);
	}
	if (classify->is_live || classify->out.size - classify->out.len < LINE_BYTES)
		return writer_hand(classify->writer, &classify->out);
	return CLI_OK;
}

static int classify_packet(struct classify *classify, const struct replay_packet *packet)
{
	const struct knowledge *knowledge = classify->knowledge;
	enum syn_result result;
	struct report report;
	const struct match *match;
	struct link link;
	struct syn syn;

	result = syn_parse(packet->data, packet->len, &syn);
	summary_count_packet(&classify->summary, result);
	if (result != SYN_OK)
		return CLI_OK;
	match = match_memo_syn(classify->memo, &syn);
	link_judge(knowledge->linkdb, &syn, classify->local_clamp, &link);
	report =
		(struct report){.now_ms = packet->now_ms,
				.addr = syn.src,
				.port = syn.src_port,
				.syn = &syn,
				.match = match,
				.link = &link,
				.verdict = verdict_decide(&syn, match, &link, classify->threshold)};
	if (!classify->only_summary)
		return put_syn(classify, &report);
	summary_count_verdict(&classify->summary, &report.verdict);
	return CLI_OK;
}

static void show_progress(const struct classify *classify, const struct replay *replay)
{
	int percent = replay_progress(replay);

	if (time(NULL) - classify->started_s < PROGRESS_AFTER_S)
		return;
	fprintf(stderr, "\r%llu packets", (unsigned long long)classify->summary.packets);
	if (percent >= 0)
		fprintf(stderr, ", %d %%", percent);
}

static void end_progress(const struct classify *classify)
{
	if (classify->shows_progress && time(NULL) - classify->started_s >= PROGRESS_AFTER_S)
		fputs("\r\033[K", stderr);
}

static int classify_all(struct classify *classify, struct replay *replay)
{
	struct replay_packet packet;
	struct text_error error = {0};
	int r = CLI_OK, more;

	while ((more = replay_next(replay, &error, &packet)) > 0) {
		r = classify_packet(classify, &packet);
		if (r != CLI_OK)
			break;
		if (classify->shows_progress && classify->summary.packets % PROGRESS_PACKETS == 0)
			show_progress(classify, replay);
	}
	end_progress(classify);
	if (r != CLI_OK)
		return r;
	if (classify->only_summary)
		summary_put(&classify->summary, classify->vocab, classify->cli->json,
			    &classify->out);
	r = writer_hand(classify->writer, &classify->out);
	if (r == CLI_OK)
		r = writer_wait(classify->writer);
	if (r == CLI_OK && more < 0)
		return cli_error(CLI_BAD_INPUT, "%s: %s", classify->path, error.what);
	return r;
}

static int classify_file(struct classify *classify)
{
	struct text_error error = {0};
	struct replay *replay;
	struct stat st;
	bool is_terminal;
	int r;

	if (replay_open(classify->path, &error, &replay) < 0)
		return cli_error(CLI_BAD_INPUT, "%s: %s", classify->path, error.what);
	is_terminal = screen_init(classify->color, true, &classify->layout);
	classify->is_live = strcmp(classify->path, "-") == 0 && fstat(STDIN_FILENO, &st) == 0 &&
			    !S_ISREG(st.st_mode);
	classify->shows_progress =
		isatty(STDERR_FILENO) && !(is_terminal && !classify->only_summary);
	classify->started_s = time(NULL);
	if (is_terminal && !classify->cli->json && !classify->only_summary)
		line_put_header(&classify->layout, &classify->out);
	r = classify_all(classify, replay);
	replay_close(replay);
	return r;
}

static int load_databases(struct classify *classify)
{
	static char dir[4096], signatures[4200], links[4200];
	struct knowledge_error error;
	struct knowledge_params params = {.priors = classify->priors,
					  .prior_count = classify->prior_count,
					  .learned = classify->learned,
					  .config = classify->cli->config_path};
	char what[4608];

	cli_find_databases(dir, sizeof(dir));
	snprintf(signatures, sizeof(signatures), "%s/signatures.db", dir);
	snprintf(links, sizeof(links), "%s/links.db", dir);
	if (classify->signatures_count == 0)
		classify->signatures[classify->signatures_count++] = signatures;
	if (!classify->links)
		classify->links = links;
	classify->vocab = vocab_new();
	if (!classify->vocab)
		return cli_error(CLI_FAILED, "out of memory");
	params.signatures = classify->signatures;
	params.signature_count = classify->signatures_count;
	params.links = classify->links;
	if (knowledge_load(&params, classify->vocab, &error, &classify->knowledge) == 0)
		return CLI_OK;
	knowledge_error_format(&error, what, sizeof(what));
	return cli_error(CLI_BAD_INPUT, "%s", what);
}

static int run_loaded(struct classify *classify)
{
	int r = load_databases(classify);

	classify->judged = judged_new();
	classify->writer = writer_new(OUT_BYTES, &classify->out);
	if (r == CLI_OK)
		classify->memo = match_memo_new(classify->knowledge->sigdb);
	if ((!classify->writer || !classify->judged || !classify->memo) && r == CLI_OK)
		r = cli_error(CLI_FAILED, "out of memory");
	if (r == CLI_OK)
		r = classify_file(classify);
	match_memo_free(classify->memo);
	knowledge_free(classify->knowledge);
	vocab_free(classify->vocab);
	judged_free(classify->judged);
	writer_free(classify->writer);
	return r;
}

/* What --config says stands unless an option says otherwise. */
static int run_configured(struct classify *classify)
{
	struct config *config;
	int r = cli_load_config(classify->cli, &config);

	if (r != CLI_OK)
		return r;
	if (classify->signatures_count == 0)
		while (classify->signatures_count < config->signatures_count) {
			unsigned i = classify->signatures_count++;

			classify->signatures[i] = config->signatures[i];
		}
	if (!classify->links)
		classify->links = config->links;
	if (config->learn_enabled)
		classify->learned = config->learn_file;
	classify->priors = config->priors;
	classify->prior_count = config->prior_count;
	classify->local_clamp = config->local_clamp;
	classify->threshold = config->link_threshold;
	r = run_loaded(classify);
	config_free(config);
	return r;
}

enum { OPT_SUMMARY = CLI_OPT_OWN, OPT_EXPLAIN, OPT_DB, OPT_LINKS, OPT_COLOR };

static int read_option(struct classify *classify, int option)
{
	switch (option) {
	case OPT_SUMMARY: classify->only_summary = true; return CLI_OK;
	case OPT_EXPLAIN: classify->explains = true; return CLI_OK;
	case OPT_LINKS: classify->links = optarg; return CLI_OK;
	case OPT_DB:
		if (classify->signatures_count == FILES_MAX)
			return cli_usage_error(classify->cli, "--db is given more than %d times",
					       FILES_MAX);
		classify->signatures[classify->signatures_count++] = optarg;
		return CLI_OK;
	default:
		if (line_color_parse(optarg, &classify->color) == 0)
			return CLI_OK;
		return cli_usage_error(classify->cli, "--color is auto, always or never");
	}
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {{"summary", no_argument, NULL, OPT_SUMMARY},
						{"explain", no_argument, NULL, OPT_EXPLAIN},
						{"db", required_argument, NULL, OPT_DB},
						{"links", required_argument, NULL, OPT_LINKS},
						{"color", required_argument, NULL, OPT_COLOR},
						CLI_COMMON_OPTIONS};
	static struct classify classify;
	int option, r;

	classify.cli = cli;
	classify.threshold = LINK_LIKELY;
	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		r = read_option(&classify, option);
		if (r != CLI_OK)
			return r;
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc)
		return cli_usage_error(cli, "classify takes one capture file, or - for its input");
	classify.path = argv[optind];
	return cli->config_path ? run_configured(&classify) : run_loaded(&classify);
}

const struct cli_command cli_classify = {
	.name = "classify",
	.arguments = "FILE [--summary | --explain] [--db FILE ...] [--links FILE] [--color WHEN]",
	.summary = "Fingerprint the SYNs of a capture file (pcap or pcapng; - is standard input)",
	.help = "Options:\n"
		"  --summary      totals by class, link and flag only\n"
		"  --explain      below each SYN the facts for and against, with their weights\n"
		"  --db FILE      signatures; may be given several times\n"
		"  --links FILE   link table\n"
		"                 (default: signatures.db and links.db of $SYNPRINT_CONF_DIR, of "
		"the\n"
		"                 build tree, or of " SYNPRINT_SYSCONFDIR
		"; with --config, as it says)\n"
		"  --color WHEN   auto (default; honours NO_COLOR), always or never\n",
	.run = run,
};
