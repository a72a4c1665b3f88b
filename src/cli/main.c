/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint, the command line tool: a table of commands, and what they share. */
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

const struct cli_command *const cli_commands[] = {
	&cli_status,  &cli_verdict,  &cli_explain, &cli_watch,    &cli_clients,    &cli_unknown,
	&cli_rules,   &cli_reload,   &cli_learn,   &cli_classify, &cli_link,       &cli_baseline,
	&cli_metrics, &cli_selftest, &cli_top,     &cli_db,       &cli_completion, NULL,
};

const char cli_common_help[] =
	"  --socket PATH  the daemon's control socket (default: as configured, else\n"
	"                 " CONFIG_DEFAULT_SOCKET ")\n"
	"  --config FILE  the configuration (default: " CONFIG_DEFAULT_PATH ")\n"
	"  --json         print JSON, one object a line\n"
	"  --help         explain a command\n";

static const char exit_codes[] =
	"Exit status:\n"
	"  0  done; the answer is yes\n"
	"  1  failed, or the answer is no\n"
	"  2  wrong arguments\n"
	"  3  synprintd cannot be reached\n"
	"  4  a capture, database or configuration file is missing, damaged or wrong\n"
	"  5  not enough privileges\n";

static void print_help(void)
{
	printf("Usage: synprint [--socket PATH] [--config FILE] COMMAND [ARGUMENTS]\n"
	       "Ask the SYN fingerprinter synprintd, or fingerprint a capture file.\n\n"
	       "Commands:\n");
	for (size_t i = 0; cli_commands[i]; i++)
		printf("  %-10s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
	printf("  %-10s %s\n\n"
	       "Options, also after the command:\n%s"
	       "  --version      print the version\n\n%s",
	       "help", "print this, or explain a command", cli_common_help, exit_codes);
}

static void print_command_help(const struct cli_command *command)
{
	printf("Usage: synprint %s%s%s\n%s.\n\n%s"
	       "  --json         print JSON, one object a line\n"
	       "  --socket PATH, --config FILE  as in `synprint help`\n\n%s",
	       command->name, *command->arguments ? " " : "", command->arguments, command->summary,
	       command->help, exit_codes);
}

int cli_error(int code, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("synprint: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int cli_usage_error(const struct cli *cli, const char *fmt, ...)
{
	const char *name = cli->command ? cli->command->name : "";
	char what[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return cli_error(CLI_USAGE, "%s (see: synprint %s%s--help)", what, name, *name ? " " : "");
}

/* Options whose value is a character have a short form too. */
static void short_options(const struct cli *cli, const struct option *options, char text[32])
{
	size_t len = (size_t)snprintf(text, 32, cli->command ? ":" : "+:");

	for (; options->name && len + 3 < 32; options++)
		if (options->val < CLI_OPT_SOCKET)
			len += (size_t)snprintf(text + len, 32 - len, "%c%s", options->val,
						options->has_arg ? ":" : "");
}

int cli_option(struct cli *cli, int argc, char **argv, const struct option *options)
{
	char shorts[32];
	int option;

	short_options(cli, options, shorts);

	opterr = 0;
	while ((option = getopt_long(argc, argv, shorts, options, NULL)) >= 0) {
		cli->exit = CLI_USAGE;
		switch (option) {
		case CLI_OPT_SOCKET: cli->socket = optarg; break;
		case CLI_OPT_CONFIG: cli->config_path = optarg; break;
		case CLI_OPT_JSON: cli->json = true; break;
		case CLI_OPT_HELP:
			cli->exit = CLI_OK;
			if (cli->command)
				print_command_help(cli->command);
			else
				print_help();
			return CLI_STOP;
		case ':':
			cli_usage_error(cli, "%s needs a value", argv[optind - 1]);
			return CLI_STOP;
		case '?': cli_usage_error(cli, "bad option %s", argv[optind - 1]); return CLI_STOP;
		default: return option;
		}
	}
	return -1;
}

int cli_parse_uint(const char *text, unsigned min, unsigned max, unsigned *ret_number)
{
	unsigned long number;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || *end || number < min || number > max)
		return -EINVAL;
	*ret_number = (unsigned)number;
	return 0;
}

int cli_load_config(const struct cli *cli, struct config **ret_config)
{
	const char *path = cli->config_path;
	struct text_error error = {0};

	if (!path && access(CONFIG_DEFAULT_PATH, F_OK) == 0)
		path = CONFIG_DEFAULT_PATH;
	if (config_load(path, &error, ret_config) == 0)
		return CLI_OK;
	if (error.line)
		return cli_error(CLI_BAD_INPUT, "%s:%u: %s", path, error.line, error.what);
	return cli_error(CLI_BAD_INPUT, "%s: %s", path ? path : "built-in defaults", error.what);
}

int cli_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	return cli_error(CLI_FAILED, "cannot write to standard output: %s", strerror(errno));
}

void cli_end_quietly(void)
{
	exit(CLI_OK);
}

int cli_write(const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			cli_end_quietly();
		if (n < 0)
			return cli_error(CLI_FAILED, "cannot write to standard output: %s",
					 strerror(errno));
		data += n;
		len -= (size_t)n;
	}
	return CLI_OK;
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	for (size_t i = 0; cli_commands[i]; i++)
		if (strcmp(argv[0], cli_commands[i]->name) == 0) {
			cli->command = cli_commands[i];
			optind = 0; /* getopt(3): begin anew, with other options */
			return cli_commands[i]->run(cli, argc, argv);
		}
	return cli_usage_error(cli, "no command '%s'", argv[0]);
}

static int run_help(struct cli *cli, int argc, char **argv)
{
	char help[] = "--help";
	char *help_argv[] = {argv[argc - 1], help, NULL};

	if (argc > 2)
		return cli_usage_error(cli, "help takes one command");
	if (argc == 2)
		return run_command(cli, 2, help_argv);
	print_help();
	return CLI_OK;
}

int main(int argc, char **argv)
{
	enum { OPT_VERSION = CLI_OPT_OWN };
	static const struct option options[] = {{"version", no_argument, NULL, OPT_VERSION},
						CLI_COMMON_OPTIONS};
	struct cli cli = {0};
	int option;

	signal(SIGPIPE, SIG_IGN);
	while ((option = cli_option(&cli, argc, argv, options)) >= 0)
		if (option == OPT_VERSION) {
			printf("synprint %s\n", SYNPRINT_VERSION);
			return cli_finish(CLI_OK);
		}
	if (option == CLI_STOP)
		return cli_finish(cli.exit);
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return cli_usage_error(&cli, "which command?");
	if (strcmp(argv[0], "help") == 0)
		return cli_finish(run_help(&cli, argc, argv));
	return cli_finish(run_command(&cli, argc, argv));
}
