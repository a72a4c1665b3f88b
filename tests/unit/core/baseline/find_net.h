/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network of an address, out of all that a baseline has. */
#ifndef SYNPRINT_TESTS_FIND_NET_H
#define SYNPRINT_TESTS_FIND_NET_H

#include <errno.h>
#include <string.h>

#include "core/baseline/baseline.h"

static inline bool net_holds(const struct baseline_prefix *prefix, const struct netnames *names,
			     const struct addr *addr)
{
	const char *name = names ? netnames_find(names, addr) : NULL;
	struct addr net = addr_mask(addr, prefix->bits);

	if (name || prefix->name[0])
		return name && strcmp(name, prefix->name) == 0;
	return addr_is_v4(addr) == addr_is_v4(&prefix->net) && addr_equal(&net, &prefix->net);
}

static inline int find_net(struct baseline *baseline, const struct netnames *names, uint32_t now_s,
			   const struct addr *addr, struct baseline_prefix *ret_prefix)
{
	struct baseline_prefix prefix = {.clients = 0};
	uint64_t cursor = 0;

	do
		if (baseline_page(baseline, now_s, cursor, 1, &prefix, &cursor) == 1 &&
		    net_holds(&prefix, names, addr)) {
			*ret_prefix = prefix;
			return 0;
		}
	while (cursor);
	return -ENOENT;
}

#endif
