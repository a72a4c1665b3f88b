/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of ipsets, one for each address version: made when missing, as hash:ip with timeouts, or
 * hash:net for IPv6 prefixes; or the administrator's of type hash:ip or hash:net, with or without
 * timeouts and comments. For policy in iptables, which cannot see nft sets. Where the kernel keeps
 * no timeout, we do.
 */
#ifndef SYNPRINT_PUBLISH_IPSET_H
#define SYNPRINT_PUBLISH_IPSET_H

#include "publish/target.h"

/**
 * ipset_new() - a target; the kernel is not asked before target_ensure(). A timeout is 2147483 s at the
 * most (IPSET_MAX_TIMEOUT), and a size of 0 is 65536 elements.
 * Return: 0, -EINVAL: parameters, -ENOMEM, -errno of the socket.
 */
int ipset_new(const struct target_params *params, struct target **ret_target);

#endif
