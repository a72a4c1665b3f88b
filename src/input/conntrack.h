/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's table of connections, as far as we change it: bits of ours in their marks or labels. */
#ifndef SYNPRINT_INPUT_CONNTRACK_H
#define SYNPRINT_INPUT_CONNTRACK_H

#include <stdbool.h>

#include "nl/nl.h"

/**
 * conntrack_clear() - no connection has any of these bits any more: an earlier process may have meant
 * something else by them. Costs a walk through the table, for each bit of the mark.
 * @is_labels: they are labels, from 96 on, a bit for each; else they are bits of the mark
 * @max_ms: of it, beside one walk; a million connections take 9 s
 * @ret_cleared: how many had some
 * Return: 0; -EPERM; -EOPNOTSUPP: the kernel has no conntrack to ask; -ETIME: some have them still;
 * -errno.
 */
int conntrack_clear(struct nl *nl, uint32_t bits, bool is_labels, unsigned max_ms,
		    unsigned *ret_cleared);

#endif
