/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint db: looks at signature files and changes one form into another, without a daemon. */
#include "cli/db.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "cli/databases.h"
#include "knowledge/knowledge.h"

/* ---- stats ---- */

struct class_count {
	unsigned sigs, generic, rated;
};

static void count_classes(const struct sigdb *db, struct class_count counts[VOCAB_CLASSES_MAX])
{
	for (size_t i = 0; i < db_count(db); i++) {
		struct sigdb_info info = sigdb_info(db, i);

		counts[info.class_id].sigs++;
		counts[info.class_id].generic += info.generic;
		counts[info.class_id].rated += info.permille > 0;
	}
}

static void print_class(const struct db_call *call, const struct sigdb *db, unsigned id,
			const struct class_count *count)
{
	const char *class = vocab_text(call->vocab, VOCAB_CLASS, id);
	const char *family =
		vocab_text(call->vocab, VOCAB_FAMILY, vocab_family_of(call->vocab, id));
	char names[512];
	struct text_buf buf;

	if (!call->cli->json) {
		printf("%-16s %-10s %6u %8u %6u  %.4f\n", class, family, count->sigs,
		       count->generic, count->rated, (double)sigdb_prior(db, id));
		return;
	}
	text_buf_init(&buf, names, sizeof(names));
	text_put(&buf, "{\"class\":");
	text_put_json(&buf, class);
	text_put(&buf, ",\"family\":");
	text_put_json(&buf, family);
	printf("%s,\"signatures\":%u,\"generic\":%u,\"rated\":%u,\"prior\":%.6f}\n", names,
	       count->sigs, count->generic, count->rated, (double)sigdb_prior(db, id));
}

/* How often each kind of match was right where the rates knew nothing of the year. */
static void print_kind(const struct db_call *call, const struct sigdb *db, enum sigdb_kind kind)
{
	struct sigdb_doubt doubt = sigdb_doubt(db, kind);
	const char *name = sigdb_kind_name(kind);

	if (call->cli->json)
		printf("{\"match\":\"%s\",\"doubt\":%.4f,\"right\":%.4f,\"syns\":%u}\n", name,
		       (double)doubt.share, (double)doubt.right, doubt.syns);
	else if (doubt.syns)
		printf("%-16s doubted %.2f, family right %.3f of %u SYNs of years left out\n", name,
		       (double)doubt.share, (double)doubt.right, doubt.syns);
	else
		printf("%-16s doubted %.2f\n", name, (double)doubt.share);
}

static void print_stats(const struct db_call *call, const struct sigdb *db)
{
	struct class_count counts[VOCAB_CLASSES_MAX] = {0};
	struct sigdb_stats stats;

	count_classes(db, counts);
	sigdb_get_stats(db, &stats);
	if (call->cli->json)
		printf("{\"signatures\":%zu,\"labels\":%zu,\"classes\":%zu,\"memory_bytes\":%zu}\n",
		       stats.sigs, stats.labels, stats.classes, stats.memory_bytes);
	else
		printf("%-16s %-10s %6s %8s %6s  %s\n", "class", "family", "sigs", "generic",
		       "rated", "prior");
	VOCAB_EACH_CLASS (id)
		if (counts[id].sigs)
			print_class(call, db, id, &counts[id]);
	for (unsigned kind = 0; kind < SIGDB_KINDS; kind++)
		print_kind(call, db, (enum sigdb_kind)kind);
	if (!call->cli->json)
		printf("%zu signatures, %zu labels, %zu classes, %zu KiB\n", stats.sigs,
		       stats.labels, stats.classes, stats.memory_bytes >> 10);
}

static int db_stats(struct db_call *call)
{
	struct sigdb *db;
	int r = db_load(call, &db);

	if (r != CLI_OK)
		return r;
	if (sigdb_build(db) == 0)
		print_stats(call, db);
	else
		r = cli_error(CLI_BAD_INPUT, "%s: there is no signature in it", call->files[0]);
	sigdb_free(db);
	return r;
}

/* ---- show ---- */

static void put_shown(const struct db_call *call, const struct sigdb_info *info,
		      struct text_buf *buf)
{
	const char *label = vocab_text(call->vocab, VOCAB_LABEL, info->label);
	const char *class = vocab_text(call->vocab, VOCAB_CLASS, info->class_id);

	if (call->cli->json) {
		text_put(buf, "{\"label\":");
		text_put_json(buf, label);
		text_put(buf, ",\"class\":");
		text_put_json(buf, class);
		text_put(buf, ",\"sig\":\"");
		sig_format(info->sig, buf);
		text_putf(buf, "\",\"generic\":%s,\"tool\":%s,\"permille\":%.4g,\"from\":",
			  info->generic ? "true" : "false", info->tool ? "true" : "false",
			  (double)info->permille);
		text_put_json(buf, info->source);
		text_put(buf, "}\n");
		return;
	}
	text_putf(buf, "%-12s %-28s ", class, label);
	if (info->permille > 0)
		text_putf(buf, "%7.4g  ", (double)info->permille);
	else
		text_putf(buf, "%7s  ", info->generic ? "generic" : "-");
	sig_format(info->sig, buf);
	text_put_char(buf, '\n');
}

/* A pattern, as everywhere else; without '*' and the like, a part of the label is enough. */
static bool fits_label(const char *pattern, const char *label)
{
	if (strpbrk(pattern, "*?["))
		return fnmatch(pattern, label, FNM_CASEFOLD) == 0;
	return strcasestr(label, pattern) != NULL;
}

static int db_show(struct db_call *call)
{
	struct sigdb *db = NULL;
	bool is_found = false;
	int r = db_load(call, &db);

	if (r != CLI_OK)
		return r;
	for (size_t i = 0; i < db_count(db); i++) {
		struct sigdb_info info = sigdb_info(db, i);
		char data[SIGDB_WRITE_MAX];
		struct text_buf buf;

		if (call->label &&
		    !fits_label(call->label, vocab_text(call->vocab, VOCAB_LABEL, info.label)))
			continue;
		is_found = true;
		text_buf_init(&buf, data, sizeof(data));
		put_shown(call, &info, &buf);
		fputs(data, stdout);
	}
	sigdb_free(db);
	if (!is_found && call->label && !call->cli->json)
		return cli_error(CLI_FAILED, "no label fits '%s'", call->label);
	return is_found ? CLI_OK : CLI_FAILED;
}

/* ---- the table ---- */

struct subcommand {
	const char *name;
	int (*run)(struct db_call *call);
	unsigned files_min, files_max;
	bool has_label, has_output, has_json;
};

static const struct subcommand subcommands[] = {
	{"check", db_check, 0, DB_FILES_MAX, .has_json = true},
	{"stats", db_stats, 0, DB_FILES_MAX, .has_json = true},
	{"show", db_show, 0, 1, .has_label = true, .has_json = true},
	{"merge", db_merge, 1, DB_FILES_MAX, .has_output = true},
	{"import", db_import, 1, 1, .has_output = true},
	{"export", db_export, 0, DB_FILES_MAX, .has_output = true},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static const struct subcommand *find_subcommand(const char *name)
{
	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
		if (strcmp(name, subcommands[i].name) == 0)
			return &subcommands[i];
	return NULL;
}

static int check_options(const struct db_call *call, const struct subcommand *subcommand)
{
	const char *useless = call->label && !subcommand->has_label      ? "--label"
			      : call->output && !subcommand->has_output  ? "--output"
			      : call->cli->json && !subcommand->has_json ? "--json"
									 : NULL;

	if (!useless)
		return CLI_OK;
	return cli_usage_error(call->cli, "db %s has no use for %s", subcommand->name, useless);
}

static int run_subcommand(struct db_call *call, const struct subcommand *subcommand)
{
	static char shipped[4200], dir[4096];
	int r;

	if (call->file_count < subcommand->files_min || call->file_count > subcommand->files_max)
		return cli_usage_error(call->cli, "db %s takes %s", subcommand->name,
				       subcommand->files_max == 1   ? "one file"
				       : subcommand->files_min == 1 ? "1 to 64 files"
								    : "up to 64 files");
	if (call->file_count == 0) {
		cli_find_databases(dir, sizeof(dir));
		snprintf(shipped, sizeof(shipped), "%s/signatures.db", dir);
		call->files[call->file_count++] = shipped;
	}
	call->vocab = vocab_new();
	if (!call->vocab)
		return cli_error(CLI_FAILED, "out of memory");
	r = subcommand->run(call);
	vocab_free(call->vocab);
	return r;
}

static int run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_LABEL = CLI_OPT_OWN };
	static const struct option options[] = {{"label", required_argument, NULL, OPT_LABEL},
						{"output", required_argument, NULL, 'o'},
						CLI_COMMON_OPTIONS};
	const struct subcommand *subcommand;
	static struct db_call call;
	int option, r;

	call.cli = cli;
	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		*(option == 'o' ? &call.output : &call.label) = optarg;
	if (option == CLI_STOP)
		return cli->exit;
	subcommand = optind < argc ? find_subcommand(argv[optind]) : NULL;
	if (!subcommand)
		return cli_usage_error(
			cli, "db is followed by check, stats, show, merge, import or export");
	r = check_options(&call, subcommand);
	if (r != CLI_OK)
		return r;
	for (int i = optind + 1; i < argc && call.file_count <= DB_FILES_MAX; i++) {
		if (call.file_count == DB_FILES_MAX)
			return cli_usage_error(cli, "more than %d files", DB_FILES_MAX);
		call.files[call.file_count++] = argv[i];
	}
	return run_subcommand(&call, subcommand);
}

const struct cli_command cli_db = {
	.name = "db",
	.arguments = "check|stats|show|merge|import|export [FILE ...]",
	.summary = "Check, show, merge and convert signature files",
	.help = "  check [FILE ...]   say whether each is good, and if not: file, line, column, "
		"reason;\n"
		"                     also of link tables\n"
		"  stats [FILE ...]   count signatures by class\n"
		"  show [FILE]        list signatures; with --label TEXT those whose label has it\n"
		"  merge FILE ...     one file of several, equal signatures once; a later rate "
		"stands\n"
		"  import FILE        a p0f.fp (p0f 3), or a list as Satori's tcp.xml, in our "
		"form\n"
		"  export [FILE ...]  in p0f 3's form, without what p0f has no words for\n"
		"Without a file: the shipped signatures.db.\n\n"
		"Options:\n"
		"  --label TEXT   show: only labels that have this text in them, or fit a pattern "
		"with *\n"
		"  -o, --output FILE  merge, import, export: replace this file, whole or not at "
		"all\n",
	.lacks = CLI_LACKS(CLI_OPT_SOCKET) | CLI_LACKS(CLI_OPT_CONFIG),
	.run = run,
};
