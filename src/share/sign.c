/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signatures by OpenSSL's libcrypto, over the topic, a zero byte, and the payload. */
#include "share/sign.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "share/words/message.h"

#define SIGNATURE_LEN 64 /* RFC 8032 section 5.1.6 */
#define SIGNED_MAX (MESSAGE_TOPIC_MAX + MESSAGE_PAYLOAD_MAX)

struct sign_key {
	EVP_PKEY *pkey;
};

int sign_key_load(const char *path, bool is_private, struct sign_key **ret_key)
{
	FILE *file = fopen(path, "re");
	struct sign_key *key;
	EVP_PKEY *pkey;

	if (!file)
		return -errno;
	pkey = is_private ? PEM_read_PrivateKey(file, NULL, NULL, NULL)
			  : PEM_read_PUBKEY(file, NULL, NULL, NULL);
	fclose(file);
	key = pkey && EVP_PKEY_is_a(pkey, "ED25519") ? calloc(1, sizeof(*key)) : NULL;
	if (!key) {
		EVP_PKEY_free(pkey);
		return -EINVAL;
	}
	key->pkey = pkey;
	*ret_key = key;
	return 0;
}

void sign_key_free(struct sign_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

static size_t put_together(const char *topic, const char *payload, size_t len, uint8_t *out)
{
	size_t topic_len = strlen(topic) + 1;

	if (topic_len > MESSAGE_TOPIC_MAX || len > MESSAGE_PAYLOAD_MAX)
		return 0;
	memcpy(out, topic, topic_len);
	memcpy(out + topic_len, payload, len);
	return topic_len + len;
}

int sign_make(const struct sign_key *key, const char *topic, const char *payload, size_t len,
	      char ret_text[SIGN_TEXT_MAX])
{
	uint8_t text[SIGNED_MAX], signature[SIGNATURE_LEN];
	size_t size = put_together(topic, payload, len, text), made = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -EINVAL;

	if (ctx && size && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
	    EVP_DigestSign(ctx, signature, &made, text, size) == 1 && made == SIGNATURE_LEN) {
		EVP_EncodeBlock((unsigned char *)ret_text, signature, SIGNATURE_LEN);
		rc = 0;
	}
	EVP_MD_CTX_free(ctx);
	return rc;
}

bool sign_check(const struct sign_key *key, const char *topic, const char *payload, size_t len,
		const char *signature)
{
	uint8_t text[SIGNED_MAX], raw[SIGN_TEXT_MAX];
	size_t size = put_together(topic, payload, len, text);
	EVP_MD_CTX *ctx;
	bool is_good;

	if (!size || strlen(signature) != SIGN_TEXT_MAX - 1 ||
	    EVP_DecodeBlock(raw, (const unsigned char *)signature, SIGN_TEXT_MAX - 1) <
		    SIGNATURE_LEN)
		return false;
	ctx = EVP_MD_CTX_new();
	is_good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
		  EVP_DigestVerify(ctx, raw, SIGNATURE_LEN, text, size) == 1;
	EVP_MD_CTX_free(ctx);
	return is_good;
}
