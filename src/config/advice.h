/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a configuration that is right in itself meets on this machine: interfaces that are not there,
 * groups, files. Said by `synprintd -t`, the log, the status reply and `synprint selftest`.
 */
#ifndef SYNPRINT_CONFIG_ADVICE_H
#define SYNPRINT_CONFIG_ADVICE_H

#include "config/config.h"
#include "input/netdevs.h"

#define ADVICE_MAX 24
#define ADVICE_BYTES 320

enum advice_level {
	ADVICE_NOTE, /* may be as it should be */
	ADVICE_FAULT, /* something that the configuration asks for does not work */
	ADVICE_REFUSED, /* synprintd does not start so */
};

struct advice {
	enum advice_level level;
	char about[16]; /* as a check of selftest is called */
	char text[ADVICE_BYTES]; /* cause and remedy */
};

struct advice_list {
	unsigned count;
	struct advice list[ADVICE_MAX];
};

/** advice_add() - one more; beyond ADVICE_MAX it is left out. */
void advice_add(struct advice_list *list, enum advice_level level, const char *about,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/** advice_has() - whether the same text is in it. */
bool advice_has(const struct advice_list *list, const struct advice *advice);

/** advice_interfaces() - names and patterns of rules.interfaces under which nothing comes in. */
void advice_interfaces(const struct config *config, const struct netdevs *netdevs,
		       struct advice_list *list);

/**
 * advice_names() - users and groups that the configuration names and that there are not. Asks name
 * services.
 */
void advice_names(const struct config *config, struct advice_list *list);

/**
 * advice_files() - whether a user could write what is to be written.
 * @uid, @gid: whose rights count, without further groups
 */
void advice_files(const struct config *config, uid_t uid, gid_t gid, struct advice_list *list);

#endif
