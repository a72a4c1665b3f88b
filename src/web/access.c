/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The token and the sessions. Nothing here is ever written anywhere. */
#include "web/access.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* Of all bytes there is room for, so that neither lengths nor differences show in the time. */
static bool is_equal(const volatile uint8_t *a, const volatile uint8_t *b, size_t size)
{
	uint8_t difference = 0;

	for (size_t i = 0; i < size; i++)
		difference |= a[i] ^ b[i];
	return difference == 0;
}

int access_set_token(struct access *access, const char *token)
{
	size_t len = strlen(token);

	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return -EINVAL;
	if (len < ACCESS_TOKEN_MIN || len > ACCESS_TOKEN_MAX)
		return -EINVAL;
	memset(access->token, 0, sizeof(access->token));
	memcpy(access->token, token, len);
	return 0;
}

bool access_is_token(const struct access *access, const char *text)
{
	uint8_t given[sizeof(access->token)] = {0};
	size_t len = strnlen(text, sizeof(given));
	bool fits = len < sizeof(given);

	memcpy(given, text, fits ? len : 0);
	return is_equal(given, (const uint8_t *)access->token, sizeof(given)) && fits &&
	       access->token[0];
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_id(const char *text, uint8_t ret_id[32])
{
	for (unsigned i = 0; i < 32; i++) {
		int high = hex_digit(text[2 * i]);
		int low = high < 0 ? -1 : hex_digit(text[2 * i + 1]);

		if (low < 0)
			return false;
		ret_id[i] = (uint8_t)(high << 4 | low);
	}
	return text[64] == '\0' || text[64] == ';' || text[64] == ' ';
}

/* The id in "a=b; synprint_session=...; c=d". */
static bool find_id(const char *cookie, uint8_t ret_id[32])
{
	static const char name[] = ACCESS_COOKIE "=";

	while (cookie && *cookie) {
		cookie += strspn(cookie, "; ");
		if (strncmp(cookie, name, sizeof(name) - 1) == 0)
			return parse_id(cookie + sizeof(name) - 1, ret_id);
		cookie += strcspn(cookie, ";");
	}
	return false;
}

static int find_session(const struct access *access, const char *cookie)
{
	uint8_t id[32];
	int found = -1;

	if (!find_id(cookie, id))
		return -1;
	for (int i = 0; i < ACCESS_SESSIONS; i++)
		if (is_equal(access->sessions[i].id, id, sizeof(id)) && access->sessions[i].until_s)
			found = i;
	return found;
}

bool access_allows(const struct access *access, const char *authorization, const char *cookie,
		   int64_t now_s)
{
	int session = find_session(access, cookie);

	if (session >= 0 && now_s < access->sessions[session].until_s)
		return true;
	if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
		return false;
	authorization += 7;
	return access_is_token(access, authorization + strspn(authorization, " "));
}

static struct access_session *oldest(struct access *access)
{
	struct access_session *found = &access->sessions[0];

	for (unsigned i = 1; i < ACCESS_SESSIONS; i++)
		if (access->sessions[i].until_s < found->until_s)
			found = &access->sessions[i];
	return found;
}

int access_login(struct access *access, const char *token, int64_t now_s,
		 char ret_id[ACCESS_ID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	struct access_session *session = oldest(access);

	if (!access_is_token(access, token))
		return -EACCES;
	session->until_s = 0;
	if (getrandom(session->id, sizeof(session->id), 0) != (ssize_t)sizeof(session->id))
		return -EIO;
	session->until_s = now_s + ACCESS_SESSION_S;
	for (unsigned i = 0; i < sizeof(session->id); i++) {
		ret_id[2 * i] = digits[session->id[i] >> 4];
		ret_id[2 * i + 1] = digits[session->id[i] & 15];
	}
	ret_id[64] = '\0';
	return 0;
}

void access_logout(struct access *access, const char *cookie)
{
	int session = find_session(access, cookie);

	if (session >= 0)
		access->sessions[session].until_s = 0;
}
