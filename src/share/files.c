/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As libmosquitto will use them, which says what is wrong with a certificate only once a broker is
 * there. Nobody is asked for a passphrase.
 */
#include "share/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "sys/file.h"

static int no_passphrase(char *buf, int size, int is_write, void *ctx)
{
	(void)buf;
	(void)size;
	(void)is_write;
	(void)ctx;
	return 0;
}

static int check_readable(const char *path, struct text_error *ret_error)
{
	if (!path || access(path, R_OK) == 0)
		return 0;
	return text_error_set(ret_error, 0, 0, "%s: %s", path, strerror(errno));
}

static int refuse(const char *path, const char *what, struct text_error *ret_error)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	return text_error_set(ret_error, 0, 0, "%s: %s (%s)", path, what,
			      reason ? reason : "no reason is given");
}

static int check_tls(SSL_CTX *ctx, const struct share_broker *broker, struct text_error *ret_error)
{
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_load_verify_locations(ctx, broker->ca, NULL) != 1)
		return refuse(broker->ca, "has no certificate in PEM form", ret_error);
	if (!broker->cert)
		return 0;
	if (SSL_CTX_use_certificate_chain_file(ctx, broker->cert) != 1)
		return refuse(broker->cert, "has no certificate in PEM form", ret_error);
	if (SSL_CTX_use_PrivateKey_file(ctx, broker->key, SSL_FILETYPE_PEM) != 1)
		return refuse(broker->key, "is no key of that certificate without a passphrase",
			      ret_error);
	return 0;
}

static int check_broker(const struct share_broker *broker, struct text_error *ret_error)
{
	int rc = check_readable(broker->ca, ret_error);
	SSL_CTX *ctx;

	rc = rc ? rc : check_readable(broker->cert, ret_error);
	rc = rc ? rc : check_readable(broker->key, ret_error);
	if (rc < 0 || !broker->ca)
		return rc;
	ctx = SSL_CTX_new(TLS_client_method());
	rc = ctx ? check_tls(ctx, broker, ret_error)
		 : text_error_set(ret_error, 0, 0, "out of memory");
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}

static int refuse_same(const char *written, const char *other, struct text_error *ret_error)
{
	if (!other || !file_is_same(written, other))
		return 0;
	return text_error_set(ret_error, 0, 0,
			      "%s is to be written, and is another key's or the configuration: "
			      "give one of them another",
			      written);
}

/* @sink: whose it is; sink_count for the figures'. */
static int check_written(const struct share_config *config, const char *config_path, unsigned sink,
			 struct text_error *ret_error)
{
	const char *path = sink < config->sink_count ? config->sinks[sink].path : config->textfile;
	int rc;

	if (!path)
		return 0;
	rc = refuse_same(path, config_path, ret_error);
	for (unsigned i = 0; rc == 0 && i < config->sink_count; i++) {
		rc = i < sink ? refuse_same(path, config->sinks[i].path, ret_error) : 0;
		rc = rc ? rc : refuse_same(path, config->sinks[i].password_file, ret_error);
	}
	for (unsigned i = 0; rc == 0 && i < config->broker_count; i++) {
		rc = refuse_same(path, config->brokers[i].ca, ret_error);
		rc = rc ? rc : refuse_same(path, config->brokers[i].cert, ret_error);
		rc = rc ? rc : refuse_same(path, config->brokers[i].key, ret_error);
	}
	return rc;
}

int files_check(const struct share_config *config, const char *path, struct text_error *ret_error)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < config->broker_count; i++)
		rc = check_broker(&config->brokers[i], ret_error);
	for (unsigned i = 0; rc == 0 && i < config->sink_count; i++)
		rc = check_readable(config->sinks[i].password_file, ret_error);
	for (unsigned i = 0; rc == 0 && i <= config->sink_count; i++)
		rc = check_written(config, path, i, ret_error);
	return rc;
}
