/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint, the command line tool: a table of commands, and what is said of them. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "sys/standard.h"

static const struct cli_command *const commands[] = {
	&cli_status,   &cli_verdict, &cli_explain,    &cli_watch,   &cli_clients,
	&cli_unknown,  &cli_rules,   &cli_reload,     &cli_forget,  &cli_learn,
	&cli_classify, &cli_link,    &cli_baseline,   &cli_metrics, &cli_selftest,
	&cli_top,      &cli_db,      &cli_completion, NULL,
};

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
	for (size_t i = 0; commands[i]; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	printf("  %-10s %s\n\n"
	       "Options, also after a command that has a use for them:\n%s"
	       "  -V, --version  print the version\n\n%s",
	       "help", "Print this, or explain a command", cli_common_help, exit_codes);
}

static void print_command_help(const struct cli_command *command)
{
	bool has_socket = cli_has(command, CLI_OPT_SOCKET);
	bool has_config = cli_has(command, CLI_OPT_CONFIG);

	printf("Usage: synprint %s%s%s\n%s.\n\n%s", command->name, *command->arguments ? " " : "",
	       command->arguments, command->summary, command->help);
	if (cli_has(command, CLI_OPT_JSON))
		puts("  --json         print JSON, one value a line");
	if (has_socket || has_config)
		printf("  %s%s%s  as in `synprint help`\n", has_socket ? "--socket PATH" : "",
		       has_socket && has_config ? ", " : "", has_config ? "--config FILE" : "");
	printf("  -h, --help     print this\n\n%s", exit_codes);
}

static void print_help_on(const struct cli_command *command)
{
	if (command)
		print_command_help(command);
	else
		print_help();
}

static int run_command(struct cli *cli, int argc, char **argv)
{
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(argv[0], commands[i]->name) == 0) {
			cli->command = commands[i];
			optind = 0; /* getopt(3): begin anew, with other options */
			if (cli->json && !cli_has(commands[i], CLI_OPT_JSON))
				return cli_refuse_useless(cli, CLI_OPT_JSON);
			return commands[i]->run(cli, argc, argv);
		}
	return cli_usage_error(cli, "no command '%s'", argv[0]);
}

static bool is_help(const char *word)
{
	return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_help(struct cli *cli, int argc, char **argv)
{
	char help[] = "--help";
	char *help_argv[] = {argv[argc - 1], help, NULL};

	if (argc > 2)
		return cli_usage_error(cli, "help takes one command");
	if (!is_help(argv[argc - 1]))
		return run_command(cli, 2, help_argv);
	print_help();
	return CLI_OK;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"version", no_argument, NULL, 'V'},
						CLI_COMMON_OPTIONS};
	struct cli cli = {.commands = commands, .print_help = print_help_on};
	int option;

	standard_hold();
	signal(SIGPIPE, SIG_IGN);
	while ((option = cli_option(&cli, argc, argv, options)) >= 0)
		if (option == 'V') {
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
