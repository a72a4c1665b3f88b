/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of synprint-share, read once at the start; share.conf(5) is in synprint-share(8). */
#ifndef SYNPRINT_SHARE_SHARE_CONFIG_H
#define SYNPRINT_SHARE_SHARE_CONFIG_H

#include "share/words/local.h"
#include "share/words/message.h"
#include "share/sign.h"
#include "share/sinks/sink.h"

#define SHARE_CONFIG_PATH SYNPRINT_SYSCONFDIR "/share.conf"
#define SHARE_BROKERS_MAX 8
#define SHARE_RULES_MAX 32
#define SHARE_NETS_MAX 256
#define SHARE_SINKS_MAX 8

struct share_broker {
	const char *host;
	int port;
	const char *ca, *cert, *key; /* PEM files or NULL */
	const char *user, *password; /* or NULL */
};

/* Whom of the others is believed, and how far. */
struct share_accept {
	const char *origin; /* a gateway's name, or "*" */
	unsigned flags; /* what is believed */
	int most; /* slots */
	uint32_t expiry_s; /* at most */
	const char *key_file; /* of its public key; NULL: unsigned words are believed */
	struct sign_key *key;
};

struct share_config {
	char gateway[MESSAGE_GATEWAY_MAX];
	const char *control; /* path of the control socket */
	struct share_broker brokers[SHARE_BROKERS_MAX];
	unsigned broker_count;
	struct local_rule publish[SHARE_RULES_MAX];
	unsigned publish_count;
	struct share_accept accept[SHARE_RULES_MAX];
	unsigned accept_count;
	struct addr_net never[SHARE_NETS_MAX];
	unsigned never_count;
	bool accepts_private; /* else private and special networks are on the never-list */
	int entries; /* of all origins together */
	const char *sign_file;
	struct sign_key *sign_key; /* NULL: what we say is unsigned */
	struct sink_config sinks[SHARE_SINKS_MAX];
	unsigned sink_count;
	const char *textfile; /* of the figures; NULL: none */
	void *storage; /* private: owns the strings */
};

/**
 * share_config_load() - read and check a file, and the keys that it names.
 * @ret_error: "FILE:LINE: reason", at most @size bytes
 * Return: 0 or -EINVAL.
 */
int share_config_load(const char *path, char *ret_error, size_t size,
		      struct share_config **ret_config);

/** share_config_free() - NULL is allowed. */
void share_config_free(struct share_config *config);

#endif
