/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprintd: command line, configuration, databases, and then the daemon from start to stop. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "sys/log.h"

static const char usage[] =
	"usage: synprintd [-c FILE] [-t]\n"
	"  -c, --config FILE  read this configuration (default " CONFIG_DEFAULT_PATH ")\n"
	"  -t, --test         check configuration and databases, and exit\n"
	"  -V, --version      print the version, and exit\n"
	"  -h, --help         print this, and exit\n"
	"exit codes: 0 ok, 1 failed, 2 usage, 4 configuration or database, 5 no privileges,\n"
	"  6 queue number in use, 7 control socket, 8 rules (synprintd(8))\n";

struct options {
	const char *config_path;
	bool is_test;
};

/* Returns -1 to go on, or the code to exit with. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"test", no_argument, NULL, 't'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	*ret_options = (struct options){.config_path = CONFIG_DEFAULT_PATH};
	while ((option = getopt_long(argc, argv, "c:tVh", longs, NULL)) != -1) {
		switch (option) {
		case 'c': ret_options->config_path = optarg; break;
		case 't': ret_options->is_test = true; break;
		case 'V': puts("synprintd " SYNPRINT_VERSION); return DAEMON_EXIT_OK;
		case 'h': fputs(usage, stdout); return DAEMON_EXIT_OK;
		default: fputs(usage, stderr); return DAEMON_EXIT_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "synprintd: unexpected argument '%s'\n%s", argv[optind], usage);
	return DAEMON_EXIT_USAGE;
}

static void log_config_error(const char *path, const struct text_error *error)
{
	if (error->line)
		log_line(LOG_LEVEL_ERROR, "%s:%u: %s", path, error->line, error->what);
	else
		log_line(LOG_LEVEL_ERROR, "%s: %s", path, error->what);
}

static int load(const struct options *options, struct vocab *vocab, struct config **ret_config,
		struct knowledge **ret_knowledge)
{
	struct text_error error = {.what = "out of memory"};
	struct knowledge_error knowledge_error;
	struct knowledge_params params;
	char text[512];

	if (config_load(options->config_path, &error, ret_config) < 0) {
		log_config_error(options->config_path, &error);
		return -EINVAL;
	}
	log_set_level((enum log_level)(*ret_config)->log_level);
	params = config_knowledge_params(*ret_config);
	params.may_rename = !options->is_test;
	if (knowledge_load(&params, vocab, &knowledge_error, ret_knowledge) < 0) {
		knowledge_error_format(&knowledge_error, text, sizeof(text));
		log_line(LOG_LEVEL_ERROR, "%s", text);
		return -EINVAL;
	}
	if (config_resolve(*ret_config, vocab, &error) < 0) {
		log_config_error(options->config_path, &error);
		knowledge_free(*ret_knowledge);
		return -EINVAL;
	}
	return 0;
}

static enum daemon_exit serve(const struct config *config, struct vocab *vocab,
			      struct knowledge *knowledge)
{
	static struct daemon daemon;
	enum daemon_exit code;

	signal(SIGPIPE, SIG_IGN); /* of a log that nobody reads any more */
	code = daemon_start(&daemon, config, vocab, knowledge);
	if (code == DAEMON_EXIT_OK)
		code = daemon_run(&daemon);
	daemon_stop(&daemon);
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	struct config *config = NULL;
	struct knowledge *knowledge = NULL;
	struct vocab *vocab;
	int code = parse_options(argc, argv, &options);

	if (code >= 0)
		return code;
	vocab = vocab_new();
	if (!vocab || load(&options, vocab, &config, &knowledge) < 0) {
		code = DAEMON_EXIT_INPUT;
	} else if (options.is_test) {
		printf("%s: configuration and databases are good\n", config->path);
		knowledge_free(knowledge);
		code = DAEMON_EXIT_OK;
	} else {
		code = serve(config, vocab, knowledge);
	}
	config_free(config);
	vocab_free(vocab);
	return code;
}
