/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * synprint completion: scripts for three shells, made of what `help` prints. A command's words are
 * those of its usage line, its options the lines of its help that begin with one.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/base/text.h"
#include "core/link/link.h"
#include "core/verdict/verdict.h"
#include "input/rules.h"

/* One line of a help text: `-o, --output FILE  replace this file`. */
struct option_line {
	const char *name, *value, *text;
	int name_len, value_len, text_len;
	char letter; /* 0: only the long form */
};

static const char *take_word(const char *at, const char **ret_word, int *ret_len)
{
	*ret_word = at;
	*ret_len = (int)strcspn(at, " \n");
	return at + *ret_len;
}

/* The next option of a help text; a value is in capitals. Return: behind its line; NULL: no more. */
static const char *next_option(const char *help, struct option_line *ret_option)
{
	for (; *help; help += strcspn(help, "\n"), help += *help == '\n') {
		const char *at = help + strspn(help, " ");
		struct option_line option = {.value = "", .letter = 0};

		if (at[0] == '-' && at[1] != '-') {
			option.letter = at[1];
			at += strlen("-o, ");
		}
		if (at == help || strncmp(at, "--", 2) != 0)
			continue;
		at = take_word(at + 2, &option.name, &option.name_len);
		if (*at == ' ' && isupper((unsigned char)at[1]))
			at = take_word(at + 1, &option.value, &option.value_len);
		option.text = at + strspn(at, " ");
		option.text_len = (int)strcspn(option.text, "\n");
		at = memmem(option.text, (size_t)option.text_len, " (default:", 10);
		option.text_len = at ? (int)(at - option.text) : option.text_len;
		*ret_option = option;
		return option.text + option.text_len;
	}
	return NULL;
}

static bool option_is(const struct option_line *option, const char *name)
{
	return option->name_len == (int)strlen(name) &&
	       strncmp(option->name, name, (size_t)option->name_len) == 0;
}

/* The next common option that the command has a use for. Return: as next_option(). */
static const char *next_common(const struct cli_command *command, const char *help,
			       struct option_line *ret_option)
{
	static const struct option common[] = {CLI_COMMON_OPTIONS};
	const struct option *known;

	while ((help = next_option(help, ret_option))) {
		for (known = common; known->name && !option_is(ret_option, known->name); known++)
			continue;
		if (!known->name || cli_has(command, known->val))
			break;
	}
	return help;
}

static void print_flags(void)
{
	for (unsigned bit = 0; verdict_flag_name((enum verdict_flag)(1u << bit)); bit++)
		printf(" %s", verdict_flag_name((enum verdict_flag)(1u << bit)));
}

static void print_grades(void)
{
	for (unsigned grade = 0; grade <= LINK_LIKELY; grade++)
		printf(" %s", link_grade_name((enum link_grade)grade));
}

static void print_engines(void)
{
	for (unsigned engine = 0; engine <= RULES_NONE; engine++)
		printf(" %s", rules_engine_name((enum rules_engine)engine));
}

static void print_formats(void)
{
	printf(" nft iptables ipset");
}

static void print_forms(void)
{
	printf(" table json csv p0f ecs zardaxt");
}

static void print_when(void)
{
	printf(" auto always never");
}

/*
 * Whether an option is one of an action's, as its text says: "of print, apply: ...", or "show: ...".
 * Where it names no action of the command it is everybody's.
 */
static bool is_of(const struct option_line *option, const struct cli_command *command,
		  const char *action, int action_len)
{
	size_t all = strcspn(command->arguments, " ");
	const char *at = option->text, *end = memchr(at, ':', (size_t)option->text_len);
	bool is_named = false;

	for (; end && at < end; at += strcspn(at, " ,:"), at += strspn(at, " ,")) {
		int len = (int)strcspn(at, " ,:");

		if (len == action_len && strncmp(at, action, (size_t)len) == 0)
			return true;
		is_named |= memmem(command->arguments, all, at, (size_t)len) != NULL;
	}
	return !is_named;
}

/* Options with few values. */
static const struct {
	const char *name;
	void (*print)(void);
} value_lists[] = {
	{"flag", print_flags},     {"grade", print_grades}, {"engine", print_engines},
	{"format", print_formats}, {"color", print_when},
};

static bool is_value(const struct option_line *option, const char *value)
{
	return option->value_len == (int)strlen(value) &&
	       strncmp(option->value, value, strlen(value)) == 0;
}

static void (*values_of(const struct option_line *option))(void)
{
	if (is_value(option, "FORM"))
		return print_forms;
	for (size_t i = 0; i < sizeof(value_lists) / sizeof(value_lists[0]); i++)
		if (option_is(option, value_lists[i].name))
			return value_lists[i].print;
	return NULL;
}

static bool takes_interface(const struct option_line *option)
{
	return option_is(option, "interface");
}

static bool takes_file(const struct option_line *option)
{
	return is_value(option, "FILE") || is_value(option, "PATH");
}

/* `print|apply|remove` at the beginning of a usage line; nothing where there is no choice. */
static void print_actions(const struct cli_command *command)
{
	size_t len = strcspn(command->arguments, " ");

	if (!memchr(command->arguments, '|', len) || !islower((unsigned char)*command->arguments))
		return;
	for (size_t i = 0; i < len; i++)
		putchar(command->arguments[i] == '|' ? ' ' : command->arguments[i]);
}

static bool has_actions(const struct cli_command *command)
{
	return islower((unsigned char)*command->arguments);
}

/* The next action of a usage line. Return: behind it; NULL: no more. */
static const char *next_action(const char *at, const char **ret_action, int *ret_len)
{
	if (!islower((unsigned char)*at))
		return NULL;
	*ret_action = at;
	*ret_len = (int)strcspn(at, "| ");
	at += *ret_len;
	return *at == '|' ? at + 1 : at;
}

static bool has_files(const struct cli_command *command)
{
	return strncmp(command->arguments, "FILE", 4) == 0 || strstr(command->arguments, "[FILE");
}

/* Within single quotes, with a backslash before each of @special. */
static void print_quoted(const char *text, int len, const char *special, const char *quote)
{
	for (int i = 0; i < len; i++)
		if (text[i] == '\'')
			fputs(quote, stdout);
		else
			printf(strchr(special, text[i]) ? "\\%c" : "%c", text[i]);
}

/* Those before the command where there is none; of one action, or with NULL of all. */
static void print_bash_names(const struct cli_command *command, const char *action, int action_len)
{
	const char *own = command ? command->help : "", *common = cli_common_help;
	struct option_line option;

	while ((common = next_common(command, common, &option)))
		printf(" --%.*s", option.name_len, option.name);
	while ((own = next_option(own, &option)))
		if (!action || is_of(&option, command, action, action_len))
			printf(" --%.*s", option.name_len, option.name);
}

/* What may stand behind each option that takes a value. */
static void print_bash_values(const char *command, const char *help)
{
	struct option_line option;

	while ((help = next_option(help, &option))) {
		if (!option.value_len)
			continue;
		printf("\t%s:--%.*s", command, option.name_len, option.name);
		if (option.letter)
			printf(" | %s:-%c", command, option.letter);
		printf(") ");
		if (takes_file(&option)) {
			printf("COMPREPLY=($(compgen -f -- \"$cur\")); ");
		} else if (takes_interface(&option)) {
			printf("COMPREPLY=($(compgen -W \"$(ls /sys/class/net)\" -- \"$cur\")); ");
		} else if (values_of(&option)) {
			printf("COMPREPLY=($(compgen -W '");
			values_of (&option)();
			printf("' -- \"$cur\")); ");
		}
		printf("return ;;\n");
	}
}

static void print_bash_words(const struct cli_command *const *commands)
{
	printf("help");
	for (; *commands; commands++)
		printf(" %s", (*commands)->name);
}

static void print_bash_command(const struct cli_command *command)
{
	printf("\t%s) words='", command->name);
	print_actions(command);
	printf("' options='");
	print_bash_names(command, NULL, 0);
	printf("'%s ;;\n", has_files(command) ? " files=1" : "");
}

/* Once the action is there. */
static void print_bash_actions(const struct cli_command *command)
{
	const char *at = command->arguments, *action;
	int len;

	while ((at = next_action(at, &action, &len))) {
		printf("\t%s:*' %.*s '*) words= options='", command->name, len, action);
		print_bash_names(command, action, len);
		printf("' ;;\n");
	}
}

static void print_bash(const struct cli_command *const *commands)
{
	printf("# bash completion of synprint(1); `synprint completion bash` made it\n\n"
	       "_synprint()\n{\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal command= files= i words='");
	print_bash_words(commands);
	printf("' options='");
	print_bash_names(NULL, NULL, 0);
	printf("'\n\n\tCOMPREPLY=()\n"
	       "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	       "\t\tcase ${COMP_WORDS[i]} in\n"
	       "\t\t--socket | --config) i=$((i + 1)) ;;\n"
	       "\t\t-*) ;;\n"
	       "\t\t*) command=${COMP_WORDS[i]}; break ;;\n"
	       "\t\tesac\n\tdone\n\tcase $command:$prev in\n");
	print_bash_values("*", cli_common_help);
	for (size_t i = 0; commands[i]; i++)
		print_bash_values(commands[i]->name, commands[i]->help);
	printf("\tesac\n\tcase $command in\n\t'' | help) ;;\n");
	for (size_t i = 0; commands[i]; i++)
		print_bash_command(commands[i]);
	printf("\tesac\n"
	       "\tcase \"$command: ${COMP_WORDS[*]:i+1:COMP_CWORD-i-1} \" in\n");
	for (; *commands; commands++)
		print_bash_actions(*commands);
	printf("\tesac\n"
	       "\tif [[ $cur == -* ]]; then words=$options files=; fi\n"
	       "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\") "
	       "${files:+$(compgen -f -- \"$cur\")})\n}\n\n"
	       "complete -o filenames -F _synprint synprint\n");
}

static void print_zsh_option(const struct option_line *option)
{
	if (option->letter)
		printf(" '*'{-%c,--%.*s}'[", option->letter, option->name_len, option->name);
	else
		printf(" '*--%.*s[", option->name_len, option->name);
	print_quoted(option->text, option->text_len, "[]:\\", "'\\''");
	printf("]");
	if (option->value_len)
		printf(":%.*s:", (int)strcspn(option->value, "[ "), option->value);
	if (takes_file(option)) {
		printf("_files");
	} else if (takes_interface(option)) {
		printf("_net_interfaces");
	} else if (values_of(option)) {
		printf("(");
		values_of(option)();
		printf(")");
	}
	printf("'");
}

/* @command: whose action it is; with NULL all of the help */
static void print_zsh_options(const char *help, const struct cli_command *command,
			      const char *action, int action_len)
{
	struct option_line option;

	while ((help = next_option(help, &option)))
		if (!command || is_of(&option, command, action, action_len))
			print_zsh_option(&option);
}

static void print_zsh_common(const struct cli_command *command)
{
	const char *help = cli_common_help;
	struct option_line option;

	while ((help = next_common(command, help, &option)))
		print_zsh_option(&option);
}

static void print_zsh_summaries(const struct cli_command *const *commands)
{
	for (; *commands; commands++) {
		const char *summary = (*commands)->summary;

		printf("\t\t'%s:", (*commands)->name);
		print_quoted(summary, (int)strlen(summary), ":\\", "'\\''");
		printf("'\n");
	}
}

/* Once the action is there. */
static void print_zsh_actions(const struct cli_command *command)
{
	const char *at = command->arguments, *action;
	int len;

	while ((at = next_action(at, &action, &len))) {
		printf("\targument:%s:*' %.*s '*) _arguments", command->name, len, action);
		print_zsh_common(command);
		print_zsh_options(command->help, command, action, len);
		printf(" '1:action:(%.*s)'%s ;;\n", len, action,
		       has_files(command) ? " '*:file:_files'" : "");
	}
}

static void print_zsh_command(const struct cli_command *command)
{
	print_zsh_actions(command);
	printf("\targument:%s:*) _arguments", command->name);
	print_zsh_common(command);
	print_zsh_options(command->help, NULL, NULL, 0);
	if (has_actions(command)) {
		printf(" '1:action:(");
		print_actions(command);
		printf(")'");
	}
	printf("%s ;;\n", has_files(command) ? " '*:file:_files'" : "");
}

static void print_zsh(const struct cli_command *const *commands)
{
	printf("#compdef synprint\n"
	       "# zsh completion of synprint(1); `synprint completion zsh` made it\n\n"
	       "_synprint()\n{\n"
	       "\tlocal context state state_descr line\n"
	       "\tlocal -a common=(");
	print_zsh_options(cli_common_help, NULL, NULL, 0);
	printf(")\n\tlocal -a commands=(\n\t\t'help:print what there is, or explain a command'\n");
	print_zsh_summaries(commands);
	printf("\t)\n\ttypeset -A opt_args\n\n"
	       "\t_arguments -C $common '1:command:->command' '*::argument:->argument'\n"
	       "\tcase \"$state:$words[1]: ${words[2,CURRENT-1]} \" in\n"
	       "\tcommand:* | argument:help:*) _describe -t commands command commands ;;\n");
	for (; *commands; commands++)
		print_zsh_command(*commands);
	printf("\tesac\n}\n\n"
	       "if [[ $funcstack[1] == _synprint ]]; then\n\t_synprint \"$@\"\n"
	       "else\n\tcompdef _synprint synprint\nfi\n");
}

static void print_fish_option(const char *condition, const struct option_line *option)
{
	printf("complete -c synprint%s -l %.*s", condition, option->name_len, option->name);
	if (option->letter)
		printf(" -s %c", option->letter);
	if (option->value_len)
		printf(takes_file(option) ? " -r -F" : " -x");
	if (takes_interface(option)) {
		printf(" -a '(ls /sys/class/net)'");
	} else if (values_of(option)) {
		printf(" -a '");
		values_of(option)();
		printf("'");
	}
	printf(" -d '");
	print_quoted(option->text, option->text_len, "\\", "\\'");
	printf("'\n");
}

static void print_fish_common(const char *condition, const struct cli_command *command)
{
	const char *common = cli_common_help;
	struct option_line option;

	while ((common = next_common(command, common, &option)))
		print_fish_option(condition, &option);
}

/* Unless an action is there that does not have it. */
static void print_fish_own(const char *condition, const struct cli_command *command)
{
	const char *own = command->help;
	struct option_line option;

	while ((own = next_option(own, &option))) {
		const char *at = command->arguments, *action;
		char others[128], narrower[256];
		struct text_buf buf;
		int len;

		text_buf_init(&buf, others, sizeof(others));
		while ((at = next_action(at, &action, &len)))
			if (!is_of(&option, command, action, len))
				text_putf(&buf, " %.*s", len, action);
		snprintf(narrower, sizeof(narrower), " -n '%s%s%s'", condition,
			 buf.len ? "; and not __fish_seen_subcommand_from" : "", others);
		print_fish_option(narrower, &option);
	}
}

static void print_fish_command(const struct cli_command *command)
{
	char is[64], condition[80];

	snprintf(is, sizeof(is), "__synprint_has_command %s", command->name);
	snprintf(condition, sizeof(condition), " -n '%s'", is);
	printf("complete -c synprint -n '__fish_use_subcommand' -a %s -d '", command->name);
	print_quoted(command->summary, (int)strlen(command->summary), "\\", "\\'");
	printf("'\n");
	print_fish_common(condition, command);
	print_fish_own(is, command);
	if (has_actions(command)) {
		printf("complete -c synprint%s -a '", condition);
		print_actions(command);
		printf("'\n");
	}
	if (has_files(command))
		printf("complete -c synprint%s -F\n", condition);
}

static void print_fish(const struct cli_command *const *commands)
{
	printf("# fish completion of synprint(1); `synprint completion fish` made it\n\n"
	       "function __synprint_has_command\n"
	       "    set -l words (commandline -opc)[2..-1]\n"
	       "    while set -q words[1]\n"
	       "        switch $words[1]\n"
	       "            case --socket --config\n"
	       "                set -e words[1]\n"
	       "            case '-*'\n"
	       "            case '*'\n"
	       "                test $words[1] = $argv[1]\n"
	       "                return\n"
	       "        end\n"
	       "        set -e words[1]\n"
	       "    end\n"
	       "    return 1\n"
	       "end\n\n"
	       "complete -c synprint -f\n"
	       "complete -c synprint -n '__fish_use_subcommand' -a help -d 'explain a command'\n");
	print_fish_common(" -n '__fish_use_subcommand'", NULL);
	for (; *commands; commands++)
		print_fish_command(*commands);
}

static int run(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {CLI_COMMON_OPTIONS};
	static const struct {
		const char *shell;
		void (*print)(const struct cli_command *const *commands);
	} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

	if (cli_option(cli, argc, argv, options) == CLI_STOP)
		return cli->exit;
	for (size_t i = 0; optind + 1 == argc && i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(argv[optind], shells[i].shell) == 0) {
			shells[i].print(cli->commands);
			return CLI_OK;
		}
	return cli_usage_error(cli, "completion takes a shell: bash, zsh or fish");
}

const struct cli_command cli_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "Print the script with which a shell completes commands and options",
	.help = "`make install` puts the three where the shells look for them.\n\nOptions:\n",
	.lacks = CLI_LACKS(CLI_OPT_JSON) | CLI_LACKS(CLI_OPT_SOCKET) | CLI_LACKS(CLI_OPT_CONFIG),
	.run = run,
};
