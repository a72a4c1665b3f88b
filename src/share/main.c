/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint-share: options, and the way from them to share_run(). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "share/files.h"
#include "share/share.h"
#include "sys/log.h"
#include "sys/standard.h"

#define EXIT_USAGE 2
#define EXIT_INPUT 4 /* as synprintd(8) */

static const char usage[] =
	"usage: synprint-share [-c FILE] [-t]\n"
	"Tells other gateways of this one's suspects, and synprintd of theirs.\n"
	"\n"
	"  -c, --config FILE  the configuration; " SHARE_CONFIG_PATH " without\n"
	"  -t, --test         check the configuration, and end\n"
	"  -V, --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"SIGHUP opens files of sinks anew. Exit codes: 0 ok, 1 failed, 2 usage,\n"
	"4 configuration (synprint-share(8)).\n";

struct options {
	const char *path;
	bool is_test;
	int code; /* to end with at once; -1: go on */
};

static struct options read_options(int argc, char **argv)
{
	static const struct option longs[] = {{"config", required_argument, NULL, 'c'},
					      {"test", no_argument, NULL, 't'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.path = SHARE_CONFIG_PATH, .code = -1};
	int c;

	while (options.code < 0 && (c = getopt_long(argc, argv, "c:tVh", longs, NULL)) >= 0)
		switch (c) {
		case 'c': options.path = optarg; break;
		case 't': options.is_test = true; break;
		case 'V':
			puts("synprint-share " SYNPRINT_VERSION);
			options.code = 0;
			break;
		case 'h':
			fputs(usage, stdout);
			options.code = 0;
			break;
		default: fputs(usage, stderr); options.code = EXIT_USAGE;
		}
	if (options.code < 0 && optind < argc) {
		fprintf(stderr, "synprint-share: no argument is expected: '%s'\n", argv[optind]);
		options.code = EXIT_USAGE;
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options;
	struct text_error wrong;
	struct share_config *config;
	char error[512];
	int code;

	standard_hold();
	options = read_options(argc, argv);
	if (options.code >= 0)
		return options.code;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* keys and passwords are in here */
	if (share_config_load(options.path, error, sizeof(error), &config) < 0) {
		fprintf(stderr, "synprint-share: %s\n", error);
		return EXIT_INPUT;
	}
	if (files_check(config, options.path, &wrong) < 0) {
		fprintf(stderr, "synprint-share: %s: %s\n", options.path, wrong.what);
		share_config_free(config);
		return EXIT_INPUT;
	}
	if (options.is_test) {
		printf("%s: gateway %s, %u broker(s), %u sink(s)\n", options.path, config->gateway,
		       config->broker_count, config->sink_count);
		share_config_free(config);
		return 0;
	}
	code = share_run(config);
	share_config_free(config);
	return code;
}
