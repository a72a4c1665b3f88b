/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of a libconfig file, for what libconfig does not tell: where a name was first, and which
 * number did not fit. It reads what libconfig has read, and decides nothing.
 */
#ifndef SYNPRINT_FIELDS_TOKENS_H
#define SYNPRINT_FIELDS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
	TOKEN_NAME, /* also true, false and include */
	TOKEN_NUMBER, /* with its sign and the L behind it */
	TOKEN_OPEN, /* of a group, list or array */
	TOKEN_CLOSE,
	TOKEN_OTHER, /* a string, or one character */
};

struct token {
	enum token_kind kind;
	const char *text; /* within the text that is read */
	size_t len;
	unsigned line; /* from 1 on */
};

struct tokens {
	const char *at; /* to begin: a NUL-terminated text */
	unsigned line; /* to begin: 1 */
};

/** tokens_next() - Return: false at the end. */
bool tokens_next(struct tokens *tokens, struct token *ret_token);

/**
 * token_fits() - whether libconfig keeps this number as it is written: it takes 64 bits with an L behind
 * them, else 32, with a sign or, as for marks, without; and says nothing of the others.
 */
bool token_fits(const struct token *number);

#endif
