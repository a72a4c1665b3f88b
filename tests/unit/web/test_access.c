/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The token, sessions, and what is refused. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "web/access.h"

#define TOKEN "0123456789abcdef"

static struct access access_;

static void setup(void)
{
	access_ = (struct access){0};
	cr_assert_eq(access_set_token(&access_, TOKEN), 0);
}

TestSuite(access, .init = setup);

Test(access, tokens_are_neither_short_nor_long_nor_strange)
{
	char text[ACCESS_TOKEN_MAX + 2];

	cr_expect_eq(access_set_token(&access_, "0123456789abcde"), -EINVAL);
	cr_expect_eq(access_set_token(&access_, "0123456789 abcdef"), -EINVAL);
	cr_expect_eq(access_set_token(&access_, "0123456789\xc3\xbc"
						"abcdef"),
		     -EINVAL);
	memset(text, 'x', sizeof(text));
	text[ACCESS_TOKEN_MAX + 1] = '\0';
	cr_expect_eq(access_set_token(&access_, text), -EINVAL);
	cr_expect(access_is_token(&access_, TOKEN), "the old one is still there");
	cr_expect_not(access_is_token(&access_, text));
	text[ACCESS_TOKEN_MAX] = '\0';
	cr_expect_eq(access_set_token(&access_, text), 0);
	cr_expect(access_is_token(&access_, text));
	text[ACCESS_TOKEN_MAX - 1] = '\0';
	cr_expect_not(access_is_token(&access_, text));
}

Test(access, only_the_whole_token_is_right)
{
	struct access none = {0};

	cr_expect(access_allows(&access_, "Bearer " TOKEN, NULL, 1));
	cr_expect(access_allows(&access_, "bearer   " TOKEN, NULL, 1));
	cr_expect_not(access_allows(&access_, TOKEN, NULL, 1));
	cr_expect_not(access_allows(&access_, "Bearer " TOKEN "x", NULL, 1));
	cr_expect_not(access_allows(&access_, "Bearer 0123456789abcde", NULL, 1));
	cr_expect_not(access_allows(&access_, "Bearer ", NULL, 1));
	cr_expect_not(access_allows(&access_, "Basic " TOKEN, NULL, 1));
	cr_expect_not(access_allows(&access_, NULL, NULL, 1));
	cr_expect_not(access_allows(&none, "Bearer ", NULL, 1), "no token allows nobody");
	cr_expect_not(access_is_token(&none, ""));
}

static bool has_cookie(const char *id, int64_t now_s)
{
	char cookie[200];

	snprintf(cookie, sizeof(cookie), "other=1; " ACCESS_COOKIE "=%s; last=2", id);
	return access_allows(&access_, NULL, cookie, now_s);
}

Test(access, a_session_begins_ends_and_runs_out)
{
	char id[ACCESS_ID_TEXT], other[ACCESS_ID_TEXT], cookie[200];

	cr_expect_eq(access_login(&access_, "wrong", 100, id), -EACCES);
	cr_assert_eq(access_login(&access_, TOKEN, 100, id), 0);
	cr_assert_eq(access_login(&access_, TOKEN, 100, other), 0);
	cr_expect_str_neq(id, other);
	cr_expect(has_cookie(id, 101));
	cr_expect(has_cookie(id, 99 + ACCESS_SESSION_S));
	cr_expect_not(has_cookie(id, 100 + ACCESS_SESSION_S));
	snprintf(cookie, sizeof(cookie), ACCESS_COOKIE "=%s", id);
	access_logout(&access_, cookie);
	cr_expect_not(has_cookie(id, 101));
	cr_expect(has_cookie(other, 101));
}

Test(access, bad_cookies_are_nobodys)
{
	char id[ACCESS_ID_TEXT];

	cr_expect_not(access_allows(&access_, NULL, "", 1));
	cr_expect_not(has_cookie("", 1));
	cr_expect_not(has_cookie("00", 1));
	cr_expect_not(has_cookie("0000000000000000000000000000000000000000000000000000000000000000",
				 1),
		      "a place that is free has an id of zeros");
	cr_assert_eq(access_login(&access_, TOKEN, 100, id), 0);
	id[63] = 'G';
	cr_expect_not(has_cookie(id, 101));
}

Test(access, the_oldest_session_gives_way)
{
	char first[ACCESS_ID_TEXT], id[ACCESS_ID_TEXT];

	cr_assert_eq(access_login(&access_, TOKEN, 100, first), 0);
	for (int i = 1; i < ACCESS_SESSIONS; i++)
		cr_assert_eq(access_login(&access_, TOKEN, 100 + i, id), 0);
	cr_expect(has_cookie(first, 200));
	cr_assert_eq(access_login(&access_, TOKEN, 200, id), 0);
	cr_expect_not(has_cookie(first, 200));
	cr_expect(has_cookie(id, 200));
}
