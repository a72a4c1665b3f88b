/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ed25519 signatures (RFC 8032) over topic and payload, for gateways that do not trust their
 * brokers. The keys are PEM files as `openssl genpkey -algorithm ed25519` makes them; signatures
 * are text in base64.
 */
#ifndef SYNPRINT_SHARE_SIGN_H
#define SYNPRINT_SHARE_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#define SIGN_TEXT_MAX 89 /* base64 of 64 bytes, with the NUL */

struct sign_key;

/** sign_key_load() - a private or a public key of a PEM file. Return: 0; -EINVAL: no such key; -errno. */
int sign_key_load(const char *path, bool is_private, struct sign_key **ret_key);

/** sign_key_free() - NULL is allowed. */
void sign_key_free(struct sign_key *key);

/** sign_make() - Return: 0 or -EINVAL. */
int sign_make(const struct sign_key *key, const char *topic, const char *payload, size_t len,
	      char ret_text[SIGN_TEXT_MAX]);

/** sign_check() - whether the signature is this key's over this text. */
bool sign_check(const struct sign_key *key, const char *topic, const char *payload, size_t len,
		const char *signature);

#endif
