/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may see other people's addresses: whoever has the token, in a header or once in a form, which
 * gives a cookie. Everything is compared in a time that does not tell how much of it was right.
 */
#ifndef SYNPRINT_WEB_ACCESS_H
#define SYNPRINT_WEB_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_TOKEN_MIN 16 /* characters: what is shorter can be guessed */
#define ACCESS_TOKEN_MAX 256
#define ACCESS_SESSIONS 64
#define ACCESS_SESSION_S (12 * 3600)
#define ACCESS_COOKIE "synprint_session"
#define ACCESS_ID_TEXT 65 /* bytes of a session's id as text, with its NUL */

struct access {
	char token[ACCESS_TOKEN_MAX + 1]; /* "": there is none */
	struct access_session {
		uint8_t id[32];
		int64_t until_s; /* 0: free */
	} sessions[ACCESS_SESSIONS];
};

/** access_set_token() - Return: 0; -EINVAL: too short, too long, or not printable ASCII. */
int access_set_token(struct access *access, const char *token);

/** access_is_token() - always as long, whatever is given. Without a token nothing is right. */
bool access_is_token(const struct access *access, const char *text);

/** access_allows() - by "Authorization: Bearer TOKEN" or the cookie; each may be NULL. */
bool access_allows(const struct access *access, const char *authorization, const char *cookie,
		   int64_t now_s);

/**
 * access_login() - a new session for the right token; the oldest gives way.
 * @ret_id: for the cookie
 * Return: 0; -EACCES: it is wrong; -EIO: no random numbers.
 */
int access_login(struct access *access, const char *token, int64_t now_s,
		 char ret_id[ACCESS_ID_TEXT]);

/** access_logout() - end the session of this cookie. */
void access_logout(struct access *access, const char *cookie);

#endif
