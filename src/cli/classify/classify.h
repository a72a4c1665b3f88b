/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the options of `classify` and `unknown` say, and the run that they describe. */
#ifndef SYNPRINT_CLI_CLASSIFY_CLASSIFY_H
#define SYNPRINT_CLI_CLASSIFY_CLASSIFY_H

#include "cli/classify/local_filter.h"
#include "cli/classify/output.h"
#include "cli/classify/source.h"
#include "cli/cli.h"

#define CLASSIFY_DB_MAX 16

struct classify_options {
	const struct cli *cli;
	struct source_params source;
	const char *signatures[CLASSIFY_DB_MAX];
	unsigned signature_count;
	const char *links, *servers, *learned; /* NULL: the default; learned: none */
	const struct knowledge_prior *priors;
	const char *const *addresses; /* as knowledge_params has them */
	unsigned address_count;
	unsigned prior_count;
	bool wants_servers, only_handshakes, only_summary, only_unknown, only_clocks, explains;
	enum output_format format;
	enum line_color color;
	uint16_t local_clamp, community_seed;
	bool has_seed; /* an option says it */
	enum link_grade threshold;
	const char *plot_path; /* NULL: no picture */
	struct local_filter filter;
};

/** classify_run() - read databases and packets, and print. Return: the exit code. */
int classify_run(const struct classify_options *options);

/** classify_unknown() - `synprint unknown FILE ...`. Return: the exit code. */
int classify_unknown(const struct cli *cli, const char *const *paths, unsigned count);

#endif
