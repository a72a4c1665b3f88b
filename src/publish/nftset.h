/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of nft sets, one for each address version, with element timeouts: ours in table
 * `inet synprint`, made when missing, or the administrator's in any table, only filled. They
 * hold addresses, or addresses with their source port, or map these to a mark.
 */
#ifndef SYNPRINT_PUBLISH_NFTSET_H
#define SYNPRINT_PUBLISH_NFTSET_H

#include "publish/target.h"

/**
 * nftset_new() - a target; the kernel is not asked before target_ensure().
 * Return: 0, -EINVAL: parameters, -ENOMEM, -errno of the socket.
 */
int nftset_new(const struct target_params *params, struct target **ret_target);

#endif
