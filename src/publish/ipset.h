/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of ipsets, one for each address version: made when missing, as hash:ip with timeouts,
 * or the administrator's of type hash:ip or hash:net, with or without timeouts and comments. For
 * policy in iptables, which cannot see nft sets. Where the kernel keeps no timeout, we do.
 */
#ifndef SYNPRINT_PUBLISH_IPSET_H
#define SYNPRINT_PUBLISH_IPSET_H

#include "publish/target.h"

struct ipset_params {
	const char *name4, *name6; /* NULL: addresses of that version are not published */
	unsigned prefix6; /* below 128: the IPv6 set is of type hash:net and holds such prefixes */
	bool has_comment; /* sets that we make have a comment for each element */
	uint32_t timeout_s; /* of an element, 1 to 2147483 (IPSET_MAX_TIMEOUT) */
	uint32_t size; /* elements at most of a set that we make; 0: 65536 */
	bool is_foreign; /* the administrator's: never made, never deleted */
};

/**
 * ipset_new() - a target; the kernel is not asked before ensure(). Strings are copied.
 * Return: 0, -EINVAL: parameters, -ENOMEM, -errno of the socket.
 */
int ipset_new(const struct ipset_params *params, struct target **ret_target);

#endif
