/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint link: what one MSS can come from, with the arithmetic, and what a window adds to it.
 * Needs no daemon; judges with the same code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/databases.h"
#include "config/config.h"
#include "knowledge/knowledge.h"
#include "core/base/reason.h"

#define CANDIDATES_MAX 64 /* the shipped table has at most 10 for one MTU */
#define ORIGINS_MAX 64
#define OUT_BYTES ((size_t)64 << 10)

struct question {
	const struct cli *cli;
	const char *links; /* NULL: as the configuration says, else beside the tool */
	unsigned mss, win, local_clamp;
	bool is_v6, has_win;
};

struct answer {
	struct vocab *vocab;
	struct linkdb *db;
	struct link link;
	struct link_candidate cands[CANDIDATES_MAX];
	size_t cand_count;
	uint16_t origins[ORIGINS_MAX];
	unsigned origin_count;
};

static const char *word(bool is_true)
{
	return is_true ? "true" : "false";
}

static size_t told(size_t count, size_t max)
{
	return count < max ? count : max;
}

static void put_json_text(struct text_buf *out, const char *name, const char *text)
{
	text_putf(out, ",\"%s\":", name);
	text_put_json(out, text);
}

static void put_json_candidates(const struct answer *answer, struct text_buf *out)
{
	text_put(out, ",\"candidates\":[");
	for (size_t i = 0; i < told(answer->cand_count, CANDIDATES_MAX); i++) {
		const struct link_candidate *cand = &answer->cands[i];
		char text[256];
		struct text_buf arithmetic;

		text_buf_init(&arithmetic, text, sizeof(text));
		linkdb_explain(answer->db, cand, &arithmetic);
		text_putf(out, "%s{\"mtu\":%u", i ? "," : "", cand->mtu);
		put_json_text(out, "label", vocab_text(answer->vocab, VOCAB_LINK, cand->label));
		put_json_text(out, "kind", link_kind_name(cand->kind));
		text_putf(out, ",\"listed\":%s,\"on_interface\":%s", word(cand->listed),
			  word(cand->on_interface));
		put_json_text(out, "arithmetic", text);
		put_json_text(out, "source", linkdb_source(answer->db, cand));
		text_put_char(out, '}');
	}
	text_put_char(out, ']');
}

static void put_json(const struct question *question, const struct answer *answer,
		     struct text_buf *out)
{
	const struct link *link = &answer->link;
	const char *comma = "";

	text_putf(out, "{\"ip_version\":%d,\"mss\":%u,\"mtu\":%u,\"win\":", question->is_v6 ? 6 : 4,
		  link->mss, link->mtu);
	if (question->has_win)
		text_put_uint(out, question->win);
	else
		text_put(out, "null");
	put_json_text(out, "label", vocab_text(answer->vocab, VOCAB_LINK, link->label));
	put_json_text(out, "kind", link_kind_name(link->kind));
	put_json_text(out, "grade", link_grade_name(link->grade));
	text_putf(out, ",\"mss_own\":%s,\"mss_clamped\":%s", word(link->mss_own),
		  word(link->mss_clamped));
	text_putf(out, ",\"orig_mss_min\":%u,\"orig_mss_max\":%u,\"orig_mss_count\":%u",
		  link->orig_mss_min, link->orig_mss_max, link->orig_mss_count);
	text_put(out, ",\"origins\":[");
	for (unsigned i = 0; i < told(answer->origin_count, ORIGINS_MAX); i++)
		text_putf(out, "%s%u", i ? "," : "", answer->origins[i]);
	text_put(out, "],\"reasons\":[");
	for (uint64_t left = link->reasons; left; left &= left - 1, comma = ",")
		text_putf(out, "%s\"%s\"", comma, reason_name((enum reason)__builtin_ctzll(left)));
	text_put_char(out, ']');
	put_json_candidates(answer, out);
	text_put(out, "}\n");
}

static void put_candidates(const struct answer *answer, struct text_buf *out)
{
	for (size_t i = 0; i < told(answer->cand_count, CANDIDATES_MAX); i++) {
		const struct link_candidate *cand = &answer->cands[i];

		text_putf(out, "  %-18s %-9s ", vocab_text(answer->vocab, VOCAB_LINK, cand->label),
			  link_kind_name(cand->kind));
		linkdb_explain(answer->db, cand, out);
		text_putf(out, "%s\n  %-28s %s\n",
			  cand->listed || cand->on_interface ? "" : ", as a clamp", "",
			  linkdb_source(answer->db, cand));
	}
	if (answer->cand_count == 0)
		text_put(out, "  nothing in the link table has this MTU\n");
}

/* The set of MSS that the sender may have had; as a range where only that is known. */
static void put_origins(const struct answer *answer, struct text_buf *out)
{
	const struct link *link = &answer->link;

	if (link->orig_mss_count == 1) {
		text_putf(out, " %u", link->orig_mss_min);
	} else if (answer->origin_count != link->orig_mss_count ||
		   answer->origin_count > ORIGINS_MAX) {
		text_putf(out, " %u to %u, %u values", link->orig_mss_min, link->orig_mss_max,
			  link->orig_mss_count);
	} else {
		for (unsigned i = 0; i < answer->origin_count; i++)
			text_putf(out, " %u", answer->origins[i]);
	}
}

static void put_window(const struct question *question, const struct answer *answer,
		       struct text_buf *out)
{
	const struct link *link = &answer->link;

	if (!question->has_win)
		return;
	text_putf(out, "  window %u ", question->win);
	if (link->mss_own)
		text_put(out,
			 link->orig_mss_count > 1 ? "belongs to one of MSS" : "belongs to MSS");
	else if (link->mss_clamped)
		text_put(out, "was chosen for another MSS, of");
	else
		text_put(out, "says nothing about the MSS");
	if (link->orig_mss_count)
		put_origins(answer, out);
	text_put_char(out, '\n');
}

static void put_text(const struct question *question, const struct answer *answer,
		     struct text_buf *out)
{
	const struct link *link = &answer->link;

	text_putf(out, "MSS %u over IPv%d is an MTU of %u: %s\n", link->mss,
		  question->is_v6 ? 6 : 4, link->mtu,
		  vocab_text(answer->vocab, VOCAB_LINK, link->label));
	put_candidates(answer, out);
	put_window(question, answer, out);
	text_putf(out, "  evidence of a tunnel: %s\n", link_grade_name(link->grade));
	for (uint64_t left = link->reasons; left; left &= left - 1) {
		enum reason reason = (enum reason)__builtin_ctzll(left);

		text_putf(out, "  %-18s %s\n", reason_name(reason), reason_text(reason));
	}
}

static int print_answer(const struct question *question, const struct answer *answer)
{
	char *data = malloc(OUT_BYTES);
	struct text_buf out;
	int r;

	if (!data)
		return cli_error(CLI_FAILED, "out of memory");
	text_buf_init(&out, data, OUT_BYTES);
	if (question->cli->json)
		put_json(question, answer, &out);
	else
		put_text(question, answer, &out);
	r = cli_write(out.data, out.len);
	free(data);
	return r;
}

static void find_answer(const struct question *question, struct answer *answer)
{
	struct syn syn = {.ip_version = question->is_v6 ? 6 : 4,
			  .mss = (uint16_t)question->mss,
			  .has_mss = true,
			  .win = (uint16_t)question->win};
	struct link *link = &answer->link;

	link_judge(answer->db, &syn, (uint16_t)question->local_clamp, link);
	if (!question->has_win)
		link->reasons &= ~reason_bit(REASON_WIN_NO_EVIDENCE);
	answer->cand_count = linkdb_candidates(answer->db, syn.ip_version, link->mtu,
					       link->mss_clamped, answer->cands, CANDIDATES_MAX);
	if (link->orig_mss_count)
		answer->origin_count =
			link_window_origins(syn.win, link->orig_mss_min, link->orig_mss_max,
					    answer->origins, ORIGINS_MAX);
}

static int explain_from(const struct question *question, const char *path)
{
	struct answer answer = {.vocab = vocab_new()};
	int r;

	answer.db = answer.vocab ? linkdb_new(answer.vocab) : NULL;
	r = answer.db ? cli_load_links(path, answer.db) : cli_error(CLI_FAILED, "out of memory");
	if (r == CLI_OK) {
		find_answer(question, &answer);
		r = print_answer(question, &answer);
	}
	linkdb_free(answer.db);
	vocab_free(answer.vocab);
	return r;
}

static int explain(struct question *question)
{
	char dir[4096], path[4200];
	struct config *config;
	int r;

	if (question->cli->config_path) {
		r = cli_load_config(question->cli, &config);
		if (r != CLI_OK)
			return r;
		question->local_clamp = config->local_clamp;
		r = explain_from(question, question->links ? question->links : config->links);
		config_free(config);
		return r;
	}
	cli_find_databases(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/links.db", dir);
	return explain_from(question, question->links ? question->links : path);
}

static int run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_IPV6 = CLI_OPT_OWN, OPT_WIN, OPT_LINKS };
	static const struct option options[] = {{"ipv6", no_argument, NULL, OPT_IPV6},
						{"win", required_argument, NULL, OPT_WIN},
						{"links", required_argument, NULL, OPT_LINKS},
						CLI_COMMON_OPTIONS};
	struct question question = {.cli = cli};
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		if (option == OPT_IPV6)
			question.is_v6 = true;
		else if (option == OPT_LINKS)
			question.links = optarg;
		else if (cli_parse_uint(optarg, 0, UINT16_MAX, &question.win) == 0)
			question.has_win = true;
		else
			return cli_usage_error(cli, "--win is a number from 0 to 65535");
	}
	if (option == CLI_STOP)
		return cli->exit;
	if (optind + 1 != argc || cli_parse_uint(argv[optind], 1, UINT16_MAX, &question.mss) < 0)
		return cli_usage_error(cli, "link takes one MSS, a number from 1 to 65535");
	return explain(&question);
}

const struct cli_command cli_link = {
	.name = "link",
	.arguments = "MSS [--ipv6] [--win N] [--links FILE]",
	.summary = "Explain an MSS: what has such an MTU, and how that is reckoned",
	.help = "Options:\n"
		"  --ipv6         of an IPv6 packet\n"
		"  --win N        with this window, which tells whether the MSS was rewritten\n"
		"  --links FILE   link table (default: as for classify)\n",
	.lacks = CLI_LACKS(CLI_OPT_SOCKET),
	.run = run,
};
