/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of `synprint` share: the options before the command, the exit codes, and one
 * line on standard error for whatever goes wrong.
 */
#ifndef SYNPRINT_CLI_CLI_H
#define SYNPRINT_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

/* Fixed: scripts test them. Printed by `synprint help`. */
enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* or the answer is no */
	CLI_USAGE = 2,
	CLI_UNREACHABLE = 3,
	CLI_BAD_INPUT = 4, /* a capture, database or configuration file */
	CLI_NO_PRIVILEGES = 5,
};

struct config;
struct cli_command;

struct cli {
	const struct cli_command *const *commands; /* all of them; NULL ends them */
	const struct cli_command *command;
	const char *socket; /* NULL: as the configuration says */
	const char *config_path; /* NULL: the default, if it is there */
	bool json;
	int exit; /* where cli_option() returned CLI_STOP */
	void (*print_help)(const struct cli_command *command); /* NULL: on all of them */
};

struct cli_command {
	const char *name;
	const char *arguments; /* for the usage line */
	const char *summary; /* one line */
	const char *help; /* the rest of --help */
	unsigned lacks; /* common options that it has no use for, CLI_LACKS() of each */
	int (*run)(struct cli *cli, int argc, char **argv); /* returns the exit code */
};

extern const struct cli_command cli_status, cli_verdict, cli_watch, cli_clients, cli_rules,
	cli_classify, cli_link, cli_explain, cli_unknown, cli_db, cli_reload, cli_forget, cli_learn,
	cli_baseline, cli_metrics, cli_selftest, cli_top, cli_completion;

/* The help lines of the options before the command. */
extern const char cli_common_help[];

/* Every command's option table ends with these; cli_option() deals with them. */
enum { CLI_OPT_SOCKET = 0x100, CLI_OPT_CONFIG, CLI_OPT_JSON, CLI_OPT_HELP, CLI_OPT_OWN };
#define CLI_COMMON_OPTIONS                                                                         \
	{"socket", required_argument, NULL, CLI_OPT_SOCKET},                                       \
		{"config", required_argument, NULL, CLI_OPT_CONFIG},                               \
		{"json", no_argument, NULL, CLI_OPT_JSON},                                         \
		{"help", no_argument, NULL, CLI_OPT_HELP},                                         \
	{                                                                                          \
		NULL, 0, NULL, 0                                                                   \
	}

#define CLI_LACKS(option) (1u << ((option)-CLI_OPT_SOCKET))

/** cli_has() - whether a command uses a common option; without a command it may be any one's. */
bool cli_has(const struct cli_command *command, int option);

#define CLI_STOP (-2)

/**
 * cli_option() - the next option of a command, as getopt_long(3).
 * Return: the option's value; -1 after the last; CLI_STOP: the command ends with cli->exit.
 */
int cli_option(struct cli *cli, int argc, char **argv, const struct option *options);

/** cli_error() - print "synprint: ..." and a newline. Return: @code. */
int cli_error(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cli_usage_error() - the same, with a hint to --help. Return: CLI_USAGE. */
int cli_usage_error(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** cli_refuse_useless() - a common option that the command has no use for. Return: CLI_USAGE. */
int cli_refuse_useless(const struct cli *cli, int option);

/** cli_parse_uint() - a whole decimal number from @min to @max. Return: 0 or -EINVAL. */
int cli_parse_uint(const char *text, unsigned min, unsigned max, unsigned *ret_number);

/**
 * cli_load_config() - the configuration file, or the built-in defaults where there is none.
 * Return: CLI_OK, or the exit code, with the error printed.
 */
int cli_load_config(const struct cli *cli, struct config **ret_config);

/** cli_end_quietly() - exit with CLI_OK: whoever reads our output has had enough, as head(1). */
void cli_end_quietly(void) __attribute__((noreturn));

/** cli_write() - write to standard output. Return: CLI_OK, or the exit code. */
int cli_write(const char *data, size_t len);

/** cli_finish() - flush standard output. Return: @code, or CLI_FAILED where it cannot be written. */
int cli_finish(int code);

#endif
