/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libconfig reads, and what it does not say of it; see source.h. */
#include "fields/source.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fields/tokens.h"

/* An empty file by name, for who wants the defaults. */
static bool is_null(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

/* What is no file, such as a FIFO, would be waited for without end. */
static int look_at_file(const char *path, struct stat *ret_status, struct text_error *ret_error)
{
	int rc = access(path, R_OK) < 0 || stat(path, ret_status) < 0 ? -errno : 0;

	if (rc == 0 && !S_ISREG(ret_status->st_mode) && !is_null(ret_status))
		return text_error_set(ret_error, 0, 0, "cannot read it: it is no regular file");
	if (rc < 0)
		text_error_set(ret_error, 0, 0, "cannot read it: %s", strerror(-rc));
	return rc;
}

/* The root's hook is the path of the main file. */
static int refuse_at(const config_t *tree, const char *file, unsigned line, const char *what,
		     struct text_error *ret_error)
{
	if (!file || strcmp(file, config_root_setting(tree)->hook) == 0)
		return text_error_set(ret_error, line, 0, "%s", what);
	return text_error_set(ret_error, 0, 0, "%s:%u: %s", file, line, what);
}

int source_refuse(const config_setting_t *setting, struct text_error *ret_error, const char *format,
		  ...)
{
	char what[sizeof(ret_error->what)];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return refuse_at(setting->config, config_setting_source_file(setting),
			 config_setting_source_line(setting), what, ret_error);
}

/* NUL-terminated, to be freed; NULL where it cannot be read any more. */
static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* ---- a name that is there twice ---- */

/* The group that is open at this depth, in a tree whose last settings are the newest. */
static const config_setting_t *open_group(const config_t *tree, unsigned depth)
{
	const config_setting_t *group = config_root_setting(tree);

	while (group && depth--)
		group = config_setting_length(group)
				? config_setting_get_elem(group, config_setting_length(group) - 1u)
				: NULL;
	return group && config_setting_is_group(group) ? group : NULL;
}

static const config_setting_t *find_setting(const config_t *tree, const struct token *name,
					    unsigned depth)
{
	const config_setting_t *group = open_group(tree, depth);
	char text[64];

	if (!group || name->len >= sizeof(text))
		return NULL;
	memcpy(text, name->text, name->len);
	text[name->len] = '\0';
	return config_setting_get_member(group, text);
}

/* libconfig has the line of the second one, which may have several names. */
static const config_setting_t *find_first(const config_t *tree, const char *text, unsigned line)
{
	struct tokens tokens = {text, 1};
	const config_setting_t *found = NULL;
	struct token token;
	unsigned depth = 0;

	while (tokens_next(&tokens, &token) && token.line <= line) {
		const config_setting_t *setting;

		depth += token.kind == TOKEN_OPEN;
		depth -= token.kind == TOKEN_CLOSE && depth;
		if (token.kind != TOKEN_NAME || token.line != line)
			continue;
		setting = find_setting(tree, &token, depth);
		found = setting ? setting : found;
		if (setting && config_setting_source_line(setting) != line)
			break;
	}
	return found;
}

static int refuse_twice(const config_t *tree, const config_setting_t *first,
			struct text_error *ret_error)
{
	const char *file = config_error_file(tree), *of = config_setting_source_file(first);
	bool is_other = file && of && strcmp(file, of) != 0;
	char what[sizeof(ret_error->what)];

	snprintf(what, sizeof(what), "'%s' is in line %u%s%s already", config_setting_name(first),
		 config_setting_source_line(first), is_other ? " of " : "", is_other ? of : "");
	return refuse_at(tree, file, (unsigned)config_error_line(tree), what, ret_error);
}

/* ---- numbers that do not fit ---- */

/* In this line; 0: in any. */
static int check_text(const config_t *tree, const char *file, const char *text, unsigned line,
		      struct text_error *ret_error)
{
	struct tokens tokens = {text, 1};
	struct token token, name = {.len = 0};
	char what[sizeof(ret_error->what)];

	while (tokens_next(&tokens, &token)) {
		if (token.kind == TOKEN_NAME)
			name = token;
		if (token.kind != TOKEN_NUMBER || (line && token.line != line) ||
		    token_fits(&token))
			continue;
		snprintf(what, sizeof(what), "%.*s: the number %.*s is out of range",
			 (int)(name.len < 64 ? name.len : 64), name.text,
			 (int)(token.len < 40 ? token.len : 40), token.text);
		return refuse_at(tree, file, token.line, what, ret_error);
	}
	return 0;
}

static int check_file(const config_t *tree, const char *file, struct text_error *ret_error)
{
	char *text = read_text(file);
	int rc = text ? check_text(tree, file, text, 0, ret_error) : 0;

	free(text);
	return rc;
}

/* Every file that some setting is from. @checked: the newest of them */
static int check_numbers(const config_setting_t *setting, const char **checked,
			 struct text_error *ret_error)
{
	const char *file = config_setting_source_file(setting);
	int rc = 0;

	if (file && (!*checked || strcmp(file, *checked) != 0)) {
		*checked = file;
		rc = check_file(setting->config, file, ret_error);
	}
	if (!config_setting_is_aggregate(setting))
		return rc;
	for (int i = 0; rc == 0 && i < config_setting_length(setting); i++)
		rc = check_numbers(config_setting_get_elem(setting, (unsigned)i), checked,
				   ret_error);
	return rc;
}

/* ---- what libconfig does not read ---- */

/* To newer libconfigs a number of more than 64 bits is a syntax error. */
static int explain_text(const config_t *tree, const char *file, const char *text,
			struct text_error *ret_error)
{
	unsigned line = (unsigned)config_error_line(tree);
	const config_setting_t *first;

	if (strcmp(config_error_text(tree), "duplicate setting name") != 0)
		return check_text(tree, file, text, line, ret_error);
	first = find_first(tree, text, line);
	return first ? refuse_twice(tree, first, ret_error) : 0;
}

static int explain(const config_t *tree, struct text_error *ret_error)
{
	const char *file = config_error_file(tree);
	char *text = file ? read_text(file) : NULL;
	int rc = text ? explain_text(tree, file, text, ret_error) : 0;

	free(text);
	return rc < 0 ? rc
		      : refuse_at(tree, file, (unsigned)config_error_line(tree),
				  config_error_text(tree), ret_error);
}

int source_read(config_t *tree, const char *path, struct stat *ret_status,
		struct text_error *ret_error)
{
	int rc = look_at_file(path, ret_status, ret_error);
	bool is_read;

	if (rc < 0)
		return rc;
	is_read = config_read_file(tree, path);
	config_setting_set_hook(config_root_setting(tree), (void *)(uintptr_t)path);
	if (is_read)
		return 0;
	if (config_error_type(tree) == CONFIG_ERR_PARSE)
		return explain(tree, ret_error);
	text_error_set(ret_error, 0, 0, "cannot read it: %s", config_error_text(tree));
	return -EIO;
}

int source_check_numbers(const config_t *tree, struct text_error *ret_error)
{
	const char *checked = NULL;

	return check_numbers(config_root_setting(tree), &checked, ret_error);
}
