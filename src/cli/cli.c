/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands share: errors in one line, options, numbers, output that may end early. */
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

const char cli_common_help[] =
	"  --socket PATH  the daemon's control socket (default: as configured, else\n"
	"                 " CONFIG_DEFAULT_SOCKET ")\n"
	"  --config FILE  the configuration (default: " CONFIG_DEFAULT_PATH ")\n"
	"  --json         print JSON, one value a line\n"
	"  -h, --help     explain a command\n";

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

/* Options whose value is a character have a short form too, and --help has one. */
static void short_options(const struct cli *cli, const struct option *options, char text[32])
{
	size_t len = (size_t)snprintf(text, 32, cli->command ? ":h" : "+:h");

	for (; options->name && len + 3 < 32; options++)
		if (options->val < CLI_OPT_SOCKET)
			len += (size_t)snprintf(text + len, 32 - len, "%c%s", options->val,
						options->has_arg ? ":" : "");
}

bool cli_has(const struct cli_command *command, int option)
{
	return !command || !(command->lacks & CLI_LACKS(option));
}

int cli_refuse_useless(const struct cli *cli, int option)
{
	static const char *const names[] = {"--socket", "--config", "--json", "--help"};

	return cli_usage_error(cli, "%s has no use for %s", cli->command->name,
			       names[option - CLI_OPT_SOCKET]);
}

static bool is_common(int option)
{
	return option >= CLI_OPT_SOCKET && option <= CLI_OPT_HELP;
}

int cli_option(struct cli *cli, int argc, char **argv, const struct option *options)
{
	char shorts[32];
	int option;

	short_options(cli, options, shorts);

	opterr = 0;
	while ((option = getopt_long(argc, argv, shorts, options, NULL)) >= 0) {
		option = option == 'h' ? CLI_OPT_HELP : option;
		cli->exit = CLI_USAGE;
		if (is_common(option) && !cli_has(cli->command, option)) {
			cli_refuse_useless(cli, option);
			return CLI_STOP;
		}
		switch (option) {
		case CLI_OPT_SOCKET: cli->socket = optarg; break;
		case CLI_OPT_CONFIG: cli->config_path = optarg; break;
		case CLI_OPT_JSON: cli->json = true; break;
		case CLI_OPT_HELP:
			cli->exit = CLI_OK;
			cli->print_help(cli->command);
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
