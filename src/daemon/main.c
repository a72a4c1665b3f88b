/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprintd: command line, configuration, databases, and then the daemon from start to stop. */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/service.h"
#include "sys/log.h"
#include "sys/standard.h"

#define MMAP_BYTES 65536 /* what waits for slow subscribers goes back when they have read it */

static const char usage[] =
	"usage: synprintd [-c FILE] [-u USER] [-t]\n"
	"  -c, --config FILE  read this configuration (default " CONFIG_DEFAULT_PATH ")\n"
	"  -u, --user USER    give up root for this user, as `user` in the configuration\n"
	"  -t, --test         check configuration and databases, and what they meet here, and "
	"exit\n"
	"  --hand-over        of the service, as root: hand it the kernel's table of queues\n"
	"  -V, --version      print the version, and exit\n"
	"  -h, --help         print this, and exit\n"
	"exit codes: 0 ok, 1 failed, 2 usage, 4 configuration or database, 5 no privileges,\n"
	"  6 queue number in use, 7 control socket, 8 rules (synprintd(8))\n";

struct options {
	const char *config_path;
	const char *user; /* NULL: as configured */
	bool is_test;
};

enum { OPT_HAND_OVER = 256 };

static int hand_over(void)
{
	int rc = service_hand_over();

	if (rc < 0)
		log_line(LOG_LEVEL_INFO, "the kernel's table of queues cannot be handed over: %s",
			 strerror(-rc));
	return rc < 0 ? DAEMON_EXIT_FAILED : DAEMON_EXIT_OK;
}

/* Returns -1 to go on, or the code to exit with. */
static int parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"user", required_argument, NULL, 'u'},
					      {"test", no_argument, NULL, 't'},
					      {"hand-over", no_argument, NULL, OPT_HAND_OVER},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	int option;

	*ret_options = (struct options){.config_path = CONFIG_DEFAULT_PATH};
	while ((option = getopt_long(argc, argv, "c:u:tVh", longs, NULL)) != -1) {
		switch (option) {
		case 'c': ret_options->config_path = optarg; break;
		case 'u': ret_options->user = optarg; break;
		case 't': ret_options->is_test = true; break;
		case OPT_HAND_OVER: return hand_over();
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

static enum daemon_exit serve(struct vocab *vocab, struct generation *generation, const char *user)
{
	signal(SIGPIPE, SIG_IGN); /* of a log that nobody reads any more */
	signal(SIGXFSZ, SIG_IGN); /* a file that grows too large is a failed write, and told */
	mallopt(M_MMAP_THRESHOLD, MMAP_BYTES);
	log_open();
	log_set_level(generation->config->log_level);
	return daemon_serve(vocab, generation, user);
}

static int test(struct generation *generation, const char *user)
{
	enum daemon_exit code = daemon_try(generation, user);

	generation_free(generation);
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	struct generation *generation = NULL;
	struct vocab *vocab;
	char error[512] = "out of memory";
	struct generation_source source;
	int code;

	standard_hold();
	code = parse_options(argc, argv, &options);
	source = (struct generation_source){.path = options.config_path,
					    .may_rename = !options.is_test};
	if (code >= 0)
		return code;
	vocab = vocab_new();
	if (!vocab || generation_load(&source, vocab, error, sizeof(error), &generation) < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", error);
		code = DAEMON_EXIT_INPUT;
	} else if (options.is_test) {
		code = test(generation, options.user);
	} else {
		return serve(vocab, generation, options.user);
	}
	vocab_free(vocab);
	return code;
}
