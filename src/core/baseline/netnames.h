/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of networks, such as AS numbers, by prefix: read from text once, then immutable. It
 * lets the baseline count a carrier as one, however many prefixes it has.
 */
#ifndef SYNPRINT_CORE_BASELINE_NETNAMES_H
#define SYNPRINT_CORE_BASELINE_NETNAMES_H

#include "core/base/addr.h"
#include "core/base/text.h"

#define NETNAMES_NAME_MAX 31 /* bytes of a name */

struct netnames;

/** netnames_new() - an empty table; NULL: no memory. */
struct netnames *netnames_new(void);
void netnames_free(struct netnames *names);

/**
 * netnames_load() - read lines of a prefix, a blank and a name (synprint-db(5)), once.
 * @ret_error: says line, column and reason on failure; may be NULL
 * Return: 0, -EINVAL for a bad line, -ENOMEM; after a failure the table is to be freed.
 */
int netnames_load(struct netnames *names, const char *text, size_t len,
		  struct text_error *ret_error);

/** netnames_find() - the name of the longest prefix that holds an address, or NULL; the table's. */
const char *netnames_find(const struct netnames *names, const struct addr *addr);

#endif
