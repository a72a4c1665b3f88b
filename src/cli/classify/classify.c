/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint classify: the daemon's pipeline over captures, without daemon; here are its options. */
#include "cli/classify/classify.h"

#include "cli/classify/plot.h"
#include "cli/filters.h"
#include "config/config.h"

enum {
	OPT_SUMMARY = CLI_OPT_OWN,
	OPT_CLOCKS,
	OPT_EXPLAIN,
	OPT_DB,
	OPT_LINKS,
	OPT_SERVERS_DB,
	OPT_COLOR,
	OPT_PROMISCUOUS,
	OPT_FOLLOW,
	OPT_DECAP,
	OPT_SERVERS,
	OPT_HANDSHAKES,
	OPT_CSV,
	OPT_FORMAT,
	OPT_SEED,
	OPT_PLOT,
	OPT_LABEL,
};

static int run_configured(struct classify_options *options)
{
	struct config *config;
	int r = cli_load_config(options->cli, &config);

	if (r != CLI_OK)
		return r;
	if (options->signature_count == 0)
		while (options->signature_count < config->signatures_count) {
			unsigned i = options->signature_count++;

			options->signatures[i] = config->signatures[i];
		}
	if (!options->links)
		options->links = config->links;
	if (config->learn_enabled)
		options->learned = config->learn_file;
	options->priors = config->priors;
	options->addresses = config->addresses;
	options->address_count = config->address_count;
	options->prior_count = config->prior_count;
	options->local_clamp = config->local_clamp;
	options->threshold = config->link_threshold;
	if (!options->has_seed)
		options->community_seed = config->community_seed;
	if (!options->servers)
		options->servers = config->servers_db;
	r = classify_run(options);
	config_free(config);
	return r;
}

static int add_db(struct classify_options *options, const char *path)
{
	if (options->signature_count == CLASSIFY_DB_MAX)
		return cli_usage_error(options->cli, "--db is given more than %d times",
				       CLASSIFY_DB_MAX);
	options->signatures[options->signature_count++] = path;
	return CLI_OK;
}

static int set_seed(struct classify_options *options, const char *text)
{
	unsigned seed;

	if (cli_parse_uint(text, 0, UINT16_MAX, &seed) < 0)
		return cli_usage_error(options->cli, "--community-seed is 0 to 65535");
	options->community_seed = (uint16_t)seed;
	options->has_seed = true;
	return CLI_OK;
}

static int set_format(struct classify_options *options, const char *text)
{
	if (output_format_parse(text, &options->format) == 0)
		return CLI_OK;
	return cli_usage_error(options->cli, "--format is table, json, csv, p0f, ecs or zardaxt");
}

static int set_plot(struct classify_options *options, const char *path)
{
	if (!plot_is_path(path))
		return cli_usage_error(options->cli, "--plot takes a file named *.svg or *.png");
	options->plot_path = path;
	return CLI_OK;
}

/* Options with a value of which not all are good. */
static int read_value(struct classify_options *options, int option)
{
	switch (option) {
	case OPT_DB: return add_db(options, optarg);
	case OPT_FORMAT: return set_format(options, optarg);
	case OPT_SEED: return set_seed(options, optarg);
	case OPT_PLOT: return set_plot(options, optarg);
	case OPT_COLOR:
		if (line_color_parse(optarg, &options->color) == 0)
			return CLI_OK;
		return cli_usage_error(options->cli, "--color is auto, always or never");
	default:
		if (local_filter_add(&options->filter, option, optarg) == 0)
			return CLI_OK;
		return cli_usage_error(options->cli, "more than %d filters", LOCAL_FILTER_MAX);
	}
}

static int read_option(struct classify_options *options, int option)
{
	switch (option) {
	case 'i': options->source.live.interface = optarg; break;
	case 'w': options->source.live.write_path = optarg; break;
	case OPT_PROMISCUOUS: options->source.live.is_promiscuous = true; break;
	case OPT_FOLLOW: options->source.files.follows = true; break;
	case OPT_DECAP: options->source.decaps = options->source.live.decaps = true; break;
	case OPT_SERVERS: options->wants_servers = true; break;
	case OPT_HANDSHAKES: options->wants_servers = options->only_handshakes = true; break;
	case OPT_SUMMARY: options->only_summary = true; break;
	case OPT_CLOCKS: options->only_clocks = true; break;
	case OPT_EXPLAIN: options->explains = true; break;
	case OPT_CSV: options->format = OUTPUT_CSV; break;
	case OPT_LINKS: options->links = optarg; break;
	case OPT_SERVERS_DB: options->servers = optarg; break;
	default: return read_value(options, option);
	}
	return CLI_OK;
}

/* No option is passed over in silence. */
static int settle_form(struct cli *cli, struct classify_options *options)
{
	bool has_syns = !options->only_summary && !options->only_clocks && !options->plot_path;
	bool is_ours = options->format == OUTPUT_TABLE || options->format == OUTPUT_JSON;

	if (cli->json && options->format == OUTPUT_TABLE)
		options->format = OUTPUT_JSON;
	cli->json |= options->format == OUTPUT_JSON;
	if (cli->json && !is_ours)
		return cli_usage_error(cli, "--json is one form, and --csv and --format "
					    "ask for another");
	if (!has_syns && !is_ours)
		return cli_usage_error(cli, "--csv and --format are forms of SYNs, which "
					    "are not printed here");
	if (options->explains && !(has_syns && is_ours))
		return cli_usage_error(cli, "--explain goes with SYNs in a table or JSON");
	return CLI_OK;
}

#define EVERYTHING "" /* as pcap-filter(7) says it: the clocks need more than SYNs */

static int check_clocks(const struct classify_options *options)
{
	if (!options->only_clocks)
		return CLI_OK;
	if (options->filter.count)
		return cli_usage_error(options->cli,
				       "--clocks is of all clients, and takes no filters");
	if (options->only_summary || options->wants_servers || options->plot_path)
		return cli_usage_error(options->cli,
				       "--clocks tells nothing but timing: --summary, "
				       "--servers, --handshakes and --plot are runs "
				       "of their own");
	return CLI_OK;
}

static int take_arguments(struct classify_options *options, int argc, char **argv)
{
	const struct cli *cli = options->cli;
	unsigned count = (unsigned)(argc - optind);

	if (check_clocks(options) != CLI_OK)
		return CLI_USAGE;
	if (options->source.live.interface) {
		if (count > 1)
			return cli_usage_error(cli, "with -i comes one filter, in quotes");
		if (options->source.files.follows)
			return cli_usage_error(cli, "--follow is for files, not for -i");
		options->source.live.expression = count                  ? argv[optind]
						  : options->only_clocks ? EVERYTHING
									 : NULL;
		return CLI_OK;
	}
	if (count == 0)
		return cli_usage_error(cli, "classify takes capture files or folders, - for its "
					    "input, or -i INTERFACE");
	if (options->source.live.write_path || options->source.live.is_promiscuous)
		return cli_usage_error(cli, "-w and --promiscuous go with -i");
	options->source.files.paths = (const char *const *)(argv + optind);
	options->source.files.count = count;
	return CLI_OK;
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option known[] = {{"interface", required_argument, NULL, 'i'},
					      {"write", required_argument, NULL, 'w'},
					      {"promiscuous", no_argument, NULL, OPT_PROMISCUOUS},
					      {"follow", no_argument, NULL, OPT_FOLLOW},
					      {"decap", no_argument, NULL, OPT_DECAP},
					      {"servers", no_argument, NULL, OPT_SERVERS},
					      {"handshakes", no_argument, NULL, OPT_HANDSHAKES},
					      {"summary", no_argument, NULL, OPT_SUMMARY},
					      {"clocks", no_argument, NULL, OPT_CLOCKS},
					      {"explain", no_argument, NULL, OPT_EXPLAIN},
					      {"csv", no_argument, NULL, OPT_CSV},
					      {"format", required_argument, NULL, OPT_FORMAT},
					      {"community-seed", required_argument, NULL, OPT_SEED},
					      {"plot", required_argument, NULL, OPT_PLOT},
					      {"db", required_argument, NULL, OPT_DB},
					      {"links", required_argument, NULL, OPT_LINKS},
					      {"servers-db", required_argument, NULL,
					       OPT_SERVERS_DB},
					      {"color", required_argument, NULL, OPT_COLOR},
					      {"label", required_argument, NULL, OPT_LABEL},
					      FILTER_OPTIONS,
					      CLI_COMMON_OPTIONS};
	static struct classify_options options;
	int option, r;

	options.cli = cli;
	options.threshold = LINK_LIKELY;
	while ((option = cli_option(cli, argc, argv, known)) >= 0) {
		r = read_option(&options, option);
		if (r != CLI_OK)
			return r;
	}
	if (option == CLI_STOP)
		return cli->exit;
	r = settle_form(cli, &options);
	r = r == CLI_OK ? take_arguments(&options, argc, argv) : r;
	if (r != CLI_OK)
		return r;
	return cli->config_path ? run_configured(&options) : classify_run(&options);
}

int classify_unknown(const struct cli *cli, const char *const *paths, unsigned count)
{
	static struct classify_options options;

	if (cli->socket)
		return cli_usage_error(cli, "--socket is the daemon's, and captures need none");
	options.cli = cli;
	options.threshold = LINK_LIKELY;
	options.only_unknown = true;
	options.source.files.paths = paths;
	options.source.files.count = count;
	return cli->config_path ? run_configured(&options) : classify_run(&options);
}

const struct cli_command cli_classify = {
	.name = "classify",
	.arguments = "FILE ... | -i INTERFACE [EXPRESSION] [OPTION ...] " FILTER_ARGUMENTS,
	.summary = "Fingerprint the SYNs of captures, or of an interface as they come",
	.help = "Files are pcap or pcapng, also as .gz, .xz or .zst; - is standard input, a\n"
		"folder stands for the captures in it. Several are read in the order of time.\n\n"
		"Options:\n"
		"  -i, --interface IFACE  listen (any: on all of them); EXPRESSION is that of\n"
		"                 pcap-filter(7)\n"
		"  -w, --write FILE  with -i: keep what was seen\n"
		"  --promiscuous  with -i: what is sent to others too\n"
		"  --follow       go on when a file grows\n"
		"  --decap        look into GRE, ERSPAN, VXLAN, Geneve, GTP-U, MPLS and IP in IP\n"
		"  --servers      SYN+ACKs too, and what answers\n"
		"  --handshakes   SYNs that were answered, each with its SYN+ACK\n"
		"  --summary      totals by class, link, flag and MTU only\n"
		"  --clocks       what the timing of connections says of each client only; takes\n"
		"                 captures of both directions\n"
		"  --explain      below each SYN the facts for and against, with their weights\n"
		"  --csv          comma-separated values\n"
		"  --format FORM  table, json, csv, p0f (its log), ecs (Elastic) or zardaxt\n"
		"  --plot FILE    draw classes, MTUs and TTLs over time (.svg or .png; gnuplot)\n"
		"  --community-seed N  seed of the Community ID (default: 0)\n"
		"  --label LABEL  only these labels; a pattern such as 'Windows*'\n"
		"  --db FILE      signatures; may be given several times\n"
		"  --links FILE   link table\n"
		"  --servers-db FILE  signatures of SYN+ACKs\n"
		"                 (default: signatures.db, links.db and servers.db of\n"
		"                 $SYNPRINT_CONF_DIR, of the build tree, or of\n"
		"                 " SYNPRINT_SYSCONFDIR "; with --config, as it says)\n"
		"  --color WHEN   auto (default; honours NO_COLOR), always or "
		"never\n\n" FILTER_HELP,
	.lacks = CLI_LACKS(CLI_OPT_SOCKET),
	.run = run,
};
