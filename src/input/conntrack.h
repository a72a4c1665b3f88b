/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's table of connections, as far as we change it: bits of ours in their marks. */
#ifndef SYNPRINT_INPUT_CONNTRACK_H
#define SYNPRINT_INPUT_CONNTRACK_H

#include "nl/nl.h"

/**
 * conntrack_clear_marks() - no connection has any of these bits in its mark any more: an earlier
 * process may have meant something else by them. Costs a walk through the table for each bit.
 * @ret_cleared: how many had some
 * Return: 0; -EPERM; -EOPNOTSUPP: the kernel has no conntrack to ask; -errno.
 */
int conntrack_clear_marks(struct nl *nl, uint32_t bits, unsigned *ret_cleared);

#endif
