/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As in libconfig's scanner.l: comments of shell, C and C++, strings over several lines. */
#include "fields/tokens.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void skip_to(struct tokens *tokens, const char *end)
{
	for (; tokens->at < end; tokens->at++)
		tokens->line += *tokens->at == '\n';
}

/* Behind a comment, or where there is none: at once. */
static const char *behind_comment(const char *at)
{
	const char *end;

	if (*at == '#' || strncmp(at, "//", 2) == 0)
		return at + strcspn(at, "\n");
	if (strncmp(at, "/*", 2) != 0)
		return at;
	end = strstr(at + 2, "*/");
	return end ? end + 2 : at + strlen(at);
}

static void skip_blanks(struct tokens *tokens)
{
	const char *before;

	do {
		before = tokens->at;
		skip_to(tokens, before + strspn(before, " \t\r\n\f"));
		skip_to(tokens, behind_comment(tokens->at));
	} while (tokens->at != before);
}

static const char *behind_string(const char *at)
{
	for (at++; *at && *at != '"'; at++)
		at += at[0] == '\\' && at[1];
	return *at ? at + 1 : at;
}

static bool is_number(const char *at)
{
	at += *at == '-' || *at == '+';
	at += *at == '.';
	return isdigit((unsigned char)*at);
}

/* A sign is part of it at its beginning, and behind the e of an exponent. */
static const char *behind_number(const char *at)
{
	bool is_hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');

	for (at++; isalnum((unsigned char)*at) || *at == '.' ||
		   ((*at == '-' || *at == '+') && !is_hex && (at[-1] == 'e' || at[-1] == 'E'));
	     at++)
		;
	return at;
}

static const char *behind_name(const char *at)
{
	while (isalnum((unsigned char)*at) || (*at && strchr("-_*", *at)))
		at++;
	return at;
}

static enum token_kind find_end(const char *at, const char **ret_end)
{
	*ret_end = at + 1;
	if (is_number(at)) {
		*ret_end = behind_number(at);
		return TOKEN_NUMBER;
	}
	if (isalpha((unsigned char)*at) || *at == '*') {
		*ret_end = behind_name(at);
		return TOKEN_NAME;
	}
	if (*at == '"')
		*ret_end = behind_string(at);
	return strchr("{([", *at) ? TOKEN_OPEN : strchr("})]", *at) ? TOKEN_CLOSE : TOKEN_OTHER;
}

bool tokens_next(struct tokens *tokens, struct token *ret_token)
{
	const char *end;

	skip_blanks(tokens);
	if (!*tokens->at)
		return false;
	ret_token->text = tokens->at;
	ret_token->line = tokens->line;
	ret_token->kind = find_end(tokens->at, &end);
	ret_token->len = (size_t)(end - tokens->at);
	skip_to(tokens, end);
	return true;
}

static bool is_float(const struct token *number, bool is_hex)
{
	return memchr(number->text, '.', number->len) ||
	       (!is_hex &&
		(memchr(number->text, 'e', number->len) || memchr(number->text, 'E', number->len)));
}

bool token_fits(const struct token *number)
{
	bool is_hex = number->len > 1 && (number->text[1] == 'x' || number->text[1] == 'X');
	bool is_long = number->text[number->len - 1] == 'L';
	bool is_negative = *number->text == '-';
	unsigned long long size;

	if (is_float(number, is_hex))
		return true;
	errno = 0;
	size = strtoull(number->text + is_negative, NULL, is_hex ? 16 : 10);
	if (errno)
		return false;
	if (is_long)
		return is_hex || size <= (unsigned long long)INT64_MAX + is_negative;
	return size <= (is_negative ? (unsigned long long)INT_MAX + 1 : UINT32_MAX);
}
