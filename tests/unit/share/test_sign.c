/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "share/sign.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Made by `openssl genpkey -algorithm ed25519` for this test alone. */
static const char private_pem[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MC4CAQAwBQYDK2VwBCIEIIs5hPfj5MjIeiFBLXYK46zWEysHpA4rAFg9FBVI8DW9\n"
	"-----END PRIVATE KEY-----\n";
static const char public_pem[] = "-----BEGIN PUBLIC KEY-----\n"
				 "MCowBQYDK2VwAyEA/zBAChh/f2kUUiXpBfwlbD/5SqQCFGKKAB3x7s7QQao=\n"
				 "-----END PUBLIC KEY-----\n";
static const char other_pem[] = "-----BEGIN PUBLIC KEY-----\n"
				"MCowBQYDK2VwAyEA9hpCUzN3b+n52HshPrW1EE+ZJZ9i6JwnJ1KVfcZmqbM=\n"
				"-----END PUBLIC KEY-----\n";

static struct sign_key *load(const char *pem, bool is_private)
{
	char path[] = "/tmp/test_sign.XXXXXX";
	struct sign_key *key = NULL;
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, pem, strlen(pem)), (ssize_t)strlen(pem));
	close(fd);
	cr_assert_eq(sign_key_load(path, is_private, &key), 0);
	unlink(path);
	return key;
}

Test(sign, only_the_same_topic_payload_and_key_are_good)
{
	struct sign_key *ours = load(private_pem, true), *public = load(public_pem, false);
	struct sign_key *other = load(other_pem, false);
	char text[SIGN_TEXT_MAX], changed[SIGN_TEXT_MAX];

	cr_assert_eq(sign_make(ours, "topic", "payload", 7, text), 0);
	cr_expect_eq(strlen(text), SIGN_TEXT_MAX - 1);
	cr_expect(sign_check(public, "topic", "payload", 7, text));
	cr_expect_not(sign_check(other, "topic", "payload", 7, text));
	cr_expect_not(sign_check(public, "topicp", "ayload", 6, text));
	cr_expect_not(sign_check(public, "topic", "payloa", 6, text));
	cr_expect_not(sign_check(public, "topid", "payload", 7, text));
	cr_expect_not(sign_check(public, "topic", "payload", 7, ""));
	for (size_t i = 0; i < 80; i++) {
		memcpy(changed, text, sizeof(text));
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		cr_expect_not(sign_check(public, "topic", "payload", 7, changed), "byte %zu", i);
	}
	sign_key_free(ours);
	sign_key_free(public);
	sign_key_free(other);
}

Test(sign, what_is_too_long_is_not_signed)
{
	static char payload[4096];
	struct sign_key *ours = load(private_pem, true);
	char text[SIGN_TEXT_MAX];

	cr_expect_lt(sign_make(ours, "topic", payload, sizeof(payload), text), 0);
	sign_key_free(ours);
}
