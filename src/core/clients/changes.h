/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which changes of verdicts are news. Anybody can send SYNs with a client's address, and each may say
 * something else. So of one client a change is told at once, and then, for a while, only what has
 * a flag or a grade that was not told; the newest of the others is told when that while is over, if it
 * still is a change. One thread uses it.
 */
#ifndef SYNPRINT_CORE_CLIENTS_CHANGES_H
#define SYNPRINT_CORE_CLIENTS_CHANGES_H

#include "core/clients/client_known.h"
#include "core/syn/syn.h"

#define CHANGES_QUIET_MS 10000 /* of one client, after a change that was told */
#define CHANGES_CLIENTS 16384 /* about so many are told apart; changes of more are told at once */

struct changes;

/* What a SYN changed. */
struct changes_item {
	uint64_t now_ms; /* any clock that only goes forward */
	struct syn syn;
	struct verdict verdict, old_verdict;
};

/** changes_new() - @seed: random, so that nobody can aim at one place; NULL: no memory. */
struct changes *changes_new(uint64_t seed);
void changes_free(struct changes *changes);

/**
 * changes_take() - a client's verdict is another one.
 * @addr: of the client, masked where subnets are clients
 * @item: where it is told, and one before it was not, its old verdict becomes what was told last
 * Return: whether it is to be told now. Else it is counted, and kept until another one takes its
 * place.
 */
bool changes_take(struct changes *changes, const struct addr *addr, struct changes_item *item);

/**
 * changes_note() - what the client is was told as no change: it is new, or a handshake said it. What was
 * kept of it is old.
 */
void changes_note(struct changes *changes, const struct addr *addr, const struct verdict *verdict);

/**
 * changes_settle() - about once a second: hand to @fn what was kept long enough and still is a change
 * to what was told last, which is its old verdict then.
 */
void changes_settle(struct changes *changes, uint64_t now_ms,
		    void (*fn)(void *ctx, const struct changes_item *item), void *ctx);

/** changes_held() - how many were not told when they came. */
uint64_t changes_held(const struct changes *changes);

#endif
