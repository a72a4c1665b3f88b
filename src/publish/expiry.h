/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the elements of a set without timeouts are to go: a table of fixed size, beside the set.
 * Pure; time comes from the caller. An element that finds no room is not remembered, and stays.
 */
#ifndef SYNPRINT_PUBLISH_EXPIRY_H
#define SYNPRINT_PUBLISH_EXPIRY_H

#include "publish/setops.h"

struct expiry;

/** expiry_new() - for @capacity elements; NULL: no memory. */
struct expiry *expiry_new(size_t capacity);
/**
 * expiry_share() - one more owner of the same, who gives it back by expiry_free(): both from the one
 * thread that makes and frees targets.
 */
struct expiry *expiry_share(struct expiry *expiry);
void expiry_free(struct expiry *expiry);

/** expiry_set() - @addr is to go at @until_ms; 0: it is gone. Return: false where there is no room. */
bool expiry_set(struct expiry *expiry, const struct addr *addr, uint64_t until_ms);

/**
 * expiry_due() - elements whose time has come, as removals. They come again until they are forgotten.
 * Return: how many were written, at most @max; forget them and call again while it is @max.
 */
size_t expiry_due(struct expiry *expiry, uint64_t now_ms, struct publish_op *ret_ops, size_t max);

/** expiry_forget() - these have gone, unless their time is behind @now_ms by now. */
void expiry_forget(struct expiry *expiry, uint64_t now_ms, const struct publish_op *ops,
		   size_t count);

#endif
