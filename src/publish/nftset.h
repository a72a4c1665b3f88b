/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pair of nft sets, one for each address version, with element timeouts: ours in table
 * `inet synprint`, made when missing, or the administrator's in any table, only filled. They
 * hold addresses, or addresses with their source port, or map these to a mark.
 */
#ifndef SYNPRINT_PUBLISH_NFTSET_H
#define SYNPRINT_PUBLISH_NFTSET_H

#include "publish/target.h"

enum nftset_family { NFTSET_INET, NFTSET_IP, NFTSET_IP6 };

struct nftset_params {
	enum nftset_family family; /* of the table */
	const char *table; /* NULL: ours, `inet synprint` */
	const char *name4, *name6; /* NULL: addresses of that version are not published */
	bool has_port; /* elements are `addr . port` */
	bool is_map; /* elements map to @mark */
	bool is_kept; /* a map of ours has the right mark already; else it is emptied */
	uint32_t mark;
	unsigned prefix6; /* IPv6 addresses are cut to so many bits; 0 or 128: whole ones */
	uint32_t timeout_s; /* of an element, at least 1 */
	uint32_t size; /* elements at most of a set that we make; 0: no limit */
	bool is_foreign; /* the administrator's: never made, never deleted */
};

/**
 * nftset_new() - a target; the kernel is not asked before ensure(). Strings are copied.
 * Return: 0, -EINVAL: parameters, -ENOMEM, -errno of the socket.
 */
int nftset_new(const struct nftset_params *params, struct target **ret_target);

#endif
