/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint rules: the rules that divert SYNs to the daemon's queues, without the daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/rules_removal.h"
#include "cli/rules_sets.h"
#include "cli/running.h"
#include "config/config_rules.h"
#include "input/foreign.h"
#include "input/netdevs.h"
#include "input/nfqueue_proc.h"
#include "input/rules.h"

#define TEXT_BYTES 65536

struct rules_task {
	const struct cli *cli;
	const struct config *config;
	struct rules_params params;
	enum rules_format format;
	bool is_sets_only, is_removal, is_xt; /* of print; --engine xt was given */
	unsigned given; /* options, a bit for each, as in their table */
	const char *interfaces[RULES_INTERFACES_MAX];
};

#define VRFS_MAX 64

/* Of this network namespace; what cannot be looked at has none. */
static void find_vrfs(struct rules_params *params)
{
	static char names[VRFS_MAX][IF_NAMESIZE];
	static const char *list[VRFS_MAX];
	struct netdevs netdevs;

	if (netdevs_read(&netdevs) < 0)
		return;
	for (size_t i = 0; i < netdevs.count && params->vrf_count < VRFS_MAX; i++)
		if (strcmp(netdevs.list[i].kind, "vrf") == 0) {
			memcpy(names[params->vrf_count], netdevs.list[i].name, IF_NAMESIZE);
			list[params->vrf_count] = names[params->vrf_count];
			params->vrf_count++;
		}
	params->vrfs = list;
	netdevs_done(&netdevs);
}

static int check_print(const struct rules_task *task)
{
	if (task->cli->json)
		return cli_usage_error(task->cli, "rules print has no JSON form");
	if (task->is_sets_only && task->format == RULES_FORMAT_IPTABLES)
		return cli_usage_error(task->cli,
				       "iptables has no sets of its own: --format nft or "
				       "ipset goes with --sets");
	if (task->is_xt && task->format == RULES_FORMAT_NFT && !task->is_sets_only)
		return cli_usage_error(task->cli, "nft has no words for xt's NFQUEUE: --format "
						  "iptables prints rules for such a kernel");
	return CLI_OK;
}

/* Without the examples of how the sets may be used. */
static void put_rules(const struct rules_task *task, struct text_buf *text)
{
	struct rules_params params = task->params;

	if (task->format == RULES_FORMAT_IPTABLES)
		find_vrfs(&params);
	if (!task->is_sets_only)
		rules_print(&params, task->format, text);
	if (task->format != RULES_FORMAT_IPTABLES)
		rules_sets_put(task->config, task->format, task->is_sets_only, text);
}

static int write_rules(const struct text_buf *text)
{
	if (text->overflow)
		return cli_error(CLI_FAILED, "the rules are longer than %d bytes", TEXT_BYTES);
	return cli_write(text->data, text->len);
}

static int print_rules(const struct rules_task *task)
{
	static char data[TEXT_BYTES], removal_data[TEXT_BYTES];
	struct text_buf text, removal;
	int r = check_print(task);

	if (r != CLI_OK)
		return r;
	text_buf_init(&text, data, sizeof(data));
	put_rules(task, &text);
	if (!text.len)
		fprintf(stderr, "synprint: no rule of publish.sets names %s\n",
			task->format == RULES_FORMAT_IPSET ? "an ipset" : "a set or a map of nft");
	if (!task->is_removal) {
		if (task->format == RULES_FORMAT_IPTABLES)
			rules_sets_put_hints(task->config, &text);
		return write_rules(&text);
	}
	text_buf_init(&removal, removal_data, sizeof(removal_data));
	rules_removal_put(task->format, data, &removal);
	removal.overflow |= text.overflow;
	return write_rules(&removal);
}

static int exit_code(int error)
{
	if (error == -EPERM || error == -EACCES)
		return CLI_NO_PRIVILEGES;
	return error == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

static int explain_error(int error, const char *what)
{
	const char *hint = exit_code(error) == CLI_NO_PRIVILEGES ? "; run as root" : "";

	return cli_error(exit_code(error), "%s: %s%s", what, strerror(-error), hint);
}

static void warn_of_defaults(const struct rules_params *params)
{
	cli_error(CLI_OK,
		  "there is no " CONFIG_DEFAULT_PATH ", and no synprintd answers that has another "
		  "file: these rules divert what comes in by %s to queues %u to %u, as built-in "
		  "defaults and options say. --config FILE names a configuration",
		  params->interface_count ? "the interfaces given" : "all interfaces",
		  params->queue_first, params->queue_first + params->queue_count - 1u);
}

/* Of rules that a synprintd which runs does not leave there, or that nobody has chosen. */
static void warn_applied(const struct rules_task *task)
{
	cJSON *status = running_read_status(task->cli);
	const char *engine = ask_text(ask_member(status, "rules"), "engine");

	if (!status && !config_file(task->config))
		warn_of_defaults(&task->params);
	if (status && strcmp(engine, "none") != 0)
		cli_error(CLI_OK,
			  "a synprintd runs here that has rules of its own: where these are "
			  "others it puts its own in their place within a second");
	cJSON_Delete(status);
}

static int apply_rules(const struct rules_task *task, struct nl *nl)
{
	struct text_error error = {0};
	struct rules_applied applied;
	int r = rules_apply(nl, &task->params, &applied, &error);

	if (r < 0)
		return cli_error(exit_code(r), "%s", error.what);
	if (task->cli->json)
		printf("{\"ok\":true,\"engine\":\"%s\"}\n", rules_engine_name(applied.engine));
	else
		printf("The rules are in the kernel (engine %s) and divert while synprintd runs.\n",
		       rules_engine_name(applied.engine));
	warn_applied(task);
	return CLI_OK;
}

/* The names under which the daemon makes sets of its own, of both address families. */
static unsigned own_sets(const struct config *config, char (*ret_names)[64])
{
	unsigned count = 0;

	for (unsigned i = 0; i < config->set_count; i++) {
		const struct config_set *set = &config->sets[i];

		if (!config_fills_by_packet(set))
			continue;
		snprintf(ret_names[count++], sizeof(*ret_names), "%s4", set->name);
		snprintf(ret_names[count++], sizeof(*ret_names), "%s6", set->name);
	}
	return count;
}

/* Where /proc does not tell, there may be one. */
static bool has_reader(const struct rules_status *status)
{
	int fd = nfqueue_proc_open();
	bool is_read = fd < 0;

	for (unsigned i = 0; fd >= 0 && i < status->queue_count; i++) {
		struct nfqueue_figures figures;

		is_read |= nfqueue_proc_read(fd, status->queue_first + i, &figures) == 0;
	}
	if (fd >= 0)
		close(fd);
	return is_read;
}

static int remove_rules(const struct rules_task *task, struct nl *nl)
{
	static char names[2 * CONFIG_SETS_MAX][64];
	const char *sets[2 * CONFIG_SETS_MAX];
	unsigned count = own_sets(task->config, names);
	struct rules_status status;
	bool was_there, is_restored;
	int r;

	for (unsigned i = 0; i < count; i++)
		sets[i] = names[i];
	was_there = rules_get_status(nl, &status) == 0 && status.is_present;
	is_restored = was_there && has_reader(&status);
	r = rules_remove(nl, sets, count);
	if (r < 0)
		return explain_error(r, "cannot remove the rules");
	if (task->cli->json)
		puts("{\"ok\":true}");
	else
		puts(is_restored ? "The rules are removed, but synprintd runs, and restores them "
				   "within "
				   "a second: stop it first."
		     : was_there ? "The rules are removed."
				 : "There are no rules of synprint's here; others, such as those "
				   "loaded with iptables-restore, stay (see: synprint rules print "
				   "--remove).");
	return CLI_OK;
}

static bool is_diverting(const struct rules_status *status)
{
	uint32_t all =
		status->queue_count < 32 ? (UINT32_C(1) << status->queue_count) - 1 : UINT32_MAX;

	return !status->is_dormant && (status->waiting & all) != all && has_reader(status);
}

static void print_status_json(const struct rules_status *status)
{
	char data[4096];
	struct text_buf text;

	text_buf_init(&text, data, sizeof(data));
	text_putf(&text, "{\"present\":%s", status->is_present ? "true" : "false");
	if (status->is_present) {
		text_putf(&text, ",\"engine\":\"%s\",\"queue_first\":%u,\"queue_count\":%u",
			  rules_engine_name(status->engine), status->queue_first,
			  status->queue_count);
		text_put(&text, ",\"interfaces\":[");
		for (unsigned i = 0; i < status->interface_count; i++) {
			text_put(&text, i ? "," : "");
			text_put_json(&text, status->interfaces[i]);
		}
		text_putf(&text, "],\"syns\":%llu,\"diverting\":%s",
			  (unsigned long long)status->syns,
			  is_diverting(status) ? "true" : "false");
	}
	text_put(&text, "}");
	puts(text.data);
}

static void print_status(const struct rules_status *status)
{
	if (!status->is_present) {
		puts("The rules are not in the kernel.");
		return;
	}
	printf("engine      %s\nqueues      %u-%u\ninterfaces  ", rules_engine_name(status->engine),
	       status->queue_first, status->queue_first + status->queue_count - 1u);
	for (unsigned i = 0; i < status->interface_count; i++)
		printf("%s%s", i ? ", " : "", status->interfaces[i]);
	printf("%s\nSYNs        %llu\ndiverting   %s\n", status->interface_count ? "" : "all",
	       (unsigned long long)status->syns,
	       is_diverting(status) ? "yes" : "no (no queue answers, or the table is dormant)");
}

/* Rules of the administrator's that lead into the queues, such as those of iptables. */
static int show_own(const struct rules_task *task, struct nl *nl)
{
	struct foreign_queues found = {.count = 0};
	int r = foreign_find_queues(nl, task->params.queue_first, task->params.queue_count, true,
				    &found);

	if (r < 0)
		return explain_error(r, "cannot read the kernel's rules");
	if (task->cli->json)
		printf("{\"present\":%s,\"engine\":\"none\"}\n", found.count ? "true" : "false");
	else if (found.count)
		printf("Rules of yours lead to the queues: %s%s.\n", found.where,
		       found.count > 1 ? ", and others" : "");
	else
		puts("rules.engine is \"none\", and no rule of yours leads to the queues (those of "
		     "iptables-legacy are not seen).");
	return found.count ? CLI_OK : CLI_FAILED;
}

static int show_status(const struct rules_task *task, struct nl *nl)
{
	struct rules_status status;
	int r = rules_get_status(nl, &status);

	if (r < 0)
		return explain_error(r, "cannot read the kernel's rules");
	if (!status.is_present && task->params.engine == RULES_NONE)
		return show_own(task, nl);
	if (task->cli->json)
		print_status_json(&status);
	else
		print_status(&status);
	return status.is_present ? CLI_OK : CLI_FAILED;
}

static int run_in_kernel(const struct rules_task *task,
			 int (*action)(const struct rules_task *task, struct nl *nl))
{
	struct nl *nl;
	int r = nl_open(&nl);

	if (r < 0)
		return explain_error(r, "cannot open a netlink socket");
	r = action(task, nl);
	nl_close(nl);
	return r;
}

enum { OPT_ENGINE = CLI_OPT_OWN, OPT_FORMAT, OPT_QUEUES, OPT_INTERFACE, OPT_SETS, OPT_REMOVE };

static const struct option options[] = {{"engine", required_argument, NULL, OPT_ENGINE},
					{"format", required_argument, NULL, OPT_FORMAT},
					{"queues", required_argument, NULL, OPT_QUEUES},
					{"interface", required_argument, NULL, OPT_INTERFACE},
					{"sets", no_argument, NULL, OPT_SETS},
					{"remove", no_argument, NULL, OPT_REMOVE},
					CLI_COMMON_OPTIONS};

#define BIT(option) (1u << ((option)-OPT_ENGINE))

static const struct action {
	const char *name;
	unsigned takes; /* options */
	int (*in_kernel)(const struct rules_task *task, struct nl *nl); /* NULL: it is not there */
} actions[] = {
	{"print", ~0u, NULL},
	{"apply", BIT(OPT_ENGINE) | BIT(OPT_QUEUES) | BIT(OPT_INTERFACE), apply_rules},
	{"remove", 0, remove_rules},
	{"status", BIT(OPT_ENGINE) | BIT(OPT_QUEUES), show_status},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(name, actions[i].name) == 0)
			return &actions[i];
	return NULL;
}

static int check_given(const struct rules_task *task, const struct action *action)
{
	unsigned useless = task->given & ~action->takes;

	if (!useless)
		return CLI_OK;
	return cli_usage_error(task->cli, "rules %s has no use for --%s", action->name,
			       options[__builtin_ctz(useless)].name);
}

static int run_action(const struct rules_task *task, const char *name)
{
	const struct action *action = find_action(name);
	struct text_error error = {0};

	if (!action)
		return cli_usage_error(task->cli, "rules has no action '%s'", name);
	if (check_given(task, action) != CLI_OK)
		return CLI_USAGE;
	if (action->takes && rules_check(&task->params, &error) < 0)
		return cli_usage_error(task->cli, "%s", error.what);
	return action->in_kernel ? run_in_kernel(task, action->in_kernel) : print_rules(task);
}

/* "4" or "4-7". */
static int parse_queues(const char *text, struct rules_params *params)
{
	const char *dash = strchr(text, '-');
	char first_text[8] = "";
	unsigned first, last;

	if (!dash) {
		if (cli_parse_uint(text, 0, UINT16_MAX, &first) < 0)
			return -EINVAL;
		last = first;
	} else {
		if ((size_t)(dash - text) >= sizeof(first_text))
			return -EINVAL;
		memcpy(first_text, text, (size_t)(dash - text));
		if (cli_parse_uint(first_text, 0, UINT16_MAX, &first) < 0 ||
		    cli_parse_uint(dash + 1, first, UINT16_MAX, &last) < 0)
			return -EINVAL;
	}
	params->queue_first = (uint16_t)first;
	params->queue_count = (uint16_t)(last - first + 1);
	return 0;
}

static int parse_format(const char *text, enum rules_format *ret_format)
{
	static const struct {
		const char *name;
		enum rules_format format;
	} formats[] = {{"nft", RULES_FORMAT_NFT},
		       {"iptables", RULES_FORMAT_IPTABLES},
		       {"ipset", RULES_FORMAT_IPSET}};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(text, formats[i].name) == 0) {
			*ret_format = formats[i].format;
			return 0;
		}
	return -EINVAL;
}

static int read_option(struct rules_task *task, int option, unsigned *interface_count)
{
	for (unsigned bit = 0; options[bit].name; bit++)
		task->given |= (unsigned)(options[bit].val == option) << bit;
	switch (option) {
	case OPT_ENGINE:
		task->is_xt = strcmp(optarg, "xt") == 0;
		if (rules_engine_parse(optarg, &task->params.engine) == 0)
			return CLI_OK;
		return cli_usage_error(task->cli, "--engine is auto, nft, xt or none");
	case OPT_FORMAT:
		if (parse_format(optarg, &task->format) == 0)
			return CLI_OK;
		return cli_usage_error(task->cli, "--format is nft, iptables or ipset");
	case OPT_QUEUES:
		if (parse_queues(optarg, &task->params) == 0)
			return CLI_OK;
		return cli_usage_error(task->cli, "--queues is a number or a range such as 0-3");
	case OPT_SETS: task->is_sets_only = true; return CLI_OK;
	case OPT_REMOVE: task->is_removal = true; return CLI_OK;
	default:
		if (*interface_count == RULES_INTERFACES_MAX)
			return cli_usage_error(task->cli, "--interface is given more than %d times",
					       RULES_INTERFACES_MAX);
		task->interfaces[(*interface_count)++] = optarg;
		task->params.interfaces = task->interfaces;
		task->params.interface_count = *interface_count;
		return CLI_OK;
	}
}

static int read_options(struct cli *cli, int argc, char **argv, struct rules_task *task)
{
	unsigned interface_count = 0;
	int option, r;

	while ((option = cli_option(cli, argc, argv, options)) >= 0) {
		r = read_option(task, option, &interface_count);
		if (r != CLI_OK)
			return r;
		task->given |= BIT(option);
	}
	if (optind + 1 != argc)
		return cli_usage_error(cli, "rules takes one action: print, apply, remove, status");
	return run_action(task, argv[optind]);
}

/* --config must be known before the options that override what it says: they are read twice. */
static int find_config(struct cli *cli, int argc, char **argv)
{
	int option;

	while ((option = cli_option(cli, argc, argv, options)) >= 0)
		continue;
	optind = 0; /* getopt(3): begin anew */
	return option;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct rules_task task = {.cli = cli};
	struct config *config;
	int r;

	if (find_config(cli, argc, argv) == CLI_STOP)
		return cli->exit;
	r = running_load_config(cli, &config);
	if (r != CLI_OK)
		return r;
	task.config = config;
	config_rules_params(config, NULL, NULL, &task.params);
	r = read_options(cli, argc, argv, &task);
	config_free(config);
	return r;
}

const struct cli_command cli_rules = {
	.name = "rules",
	.arguments = "print|apply|remove|status [OPTIONS]",
	.summary = "Show, make or remove the rules that divert SYNs to the daemon",
	.help = "Actions:\n"
		"  print          the rules as text, for administrators who load their own\n"
		"  apply          put them into the kernel; they divert while a daemon runs\n"
		"  remove         take everything of ours out of the kernel\n"
		"  status         what is in the kernel; exit status 1 where nothing is\n"
		"Options; what is not given is as in the configuration of the daemon that runs, "
		"or\n"
		"in the default one where none does:\n"
		"  --engine E     of print, apply, status: auto, nft (the queue expression), xt\n"
		"                 (the NFQUEUE target, for which --format nft has no words) or\n"
		"                 none (the rules are the administrator's)\n"
		"  --format F     of print: nft (default), iptables, or ipset: the sets that\n"
		"                 the rules for iptables use, and those of publish.sets\n"
		"  --sets         of print: only the sets that publish.sets names, so that they "
		"are\n"
		"                 there before rules that refer to them, and before synprintd\n"
		"  --remove       of print: what takes away what it prints without this\n"
		"  --queues A[-B] of print, apply, status: queue numbers\n"
		"  --interface NAME  of print, apply: divert only what comes in there; may be\n"
		"                 given several times\n",
	.run = run,
};
