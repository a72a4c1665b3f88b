/* SPDX-License-Identifier: GPL-2.0-or-later */
/* synprint-web's configuration: a libconfig file, checked to the last key, then immutable. */
#ifndef SYNPRINT_WEB_CONFIG_H
#define SYNPRINT_WEB_CONFIG_H

#include "web/access.h"
#include "web/visitor.h"

#define WEB_CONFIG_DEFAULT_PATH SYNPRINT_SYSCONFDIR "/web.conf"
#define WEB_CONFIG_DEFAULT_GROUP "synprint-web"
#define WEB_LISTEN_MAX 8
#define WEB_PATH_MAX 256
#define WEB_SOCKET_MAX 108 /* bytes of a path with its NUL: unix(7) */
#define WEB_DENY_MAX 16

struct web_config {
	char listen[WEB_LISTEN_MAX][WEB_PATH_MAX]; /* ADDRESS:PORT, or unix:PATH */
	unsigned listen_count;
	char control[WEB_SOCKET_MAX]; /* "": the library's default */
	int timeout_ms; /* for each answer of synprintd's */
	struct visitor_trust trust;
	bool claims; /* what a User-Agent says is kept, and reaches sets */
	unsigned deny; /* enum verdict_flag, or-ed: for which /auth says 403 */
	bool deny_exact_only; /* only where the verdict is about this very connection */
	char token_file[WEB_PATH_MAX]; /* "": none */
	char chart[WEB_PATH_MAX]; /* of the library that draws charts */
	char user[64]; /* whom to become; "": nobody else */
	char group[64]; /* of the Unix socket */
	int connections; /* of each listener, at the most */
	int streams; /* readers of events, at the most */
};

/** web_config_init() - every key's default. */
void web_config_init(struct web_config *ret_config);

/**
 * web_config_read() - what a file says beside the defaults.
 * @config: initialised; undefined on failure
 * Return: 0; -ENOENT: there is no such file; -EINVAL, -errno, with the reason.
 */
int web_config_read(struct web_config *config, const char *path, struct text_error *ret_error);

/** web_config_add_listener() - ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH. Return: 0, -EINVAL, -ENOSPC. */
int web_config_add_listener(struct web_config *config, const char *text);

/** web_config_flags() - words between commas as enum verdict_flag. Return: 0; -EINVAL: one is none. */
int web_config_flags(const char *words, unsigned *ret_flags);

#endif
