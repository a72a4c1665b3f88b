/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs that wait for their SYN+ACK: what each offered, and the SYN itself where both are to be
 * shown. Of fixed size; a SYN that is never answered gives way to another one.
 */
#ifndef SYNPRINT_CLI_CLASSIFY_HANDSHAKES_H
#define SYNPRINT_CLI_CLASSIFY_HANDSHAKES_H

#include "core/syn/syn.h"

struct handshakes;

struct handshake {
	struct syn syn;
	uint64_t now_ms;
};

struct handshakes *handshakes_new(void);
void handshakes_free(struct handshakes *handshakes);

/** handshakes_put() - a SYN was seen. */
void handshakes_put(struct handshakes *handshakes, const struct syn *syn, uint64_t now_ms);

/**
 * handshakes_take() - the SYN that a SYN+ACK answers.
 * @answer: its offers are filled in
 * Return: owned by the table, valid until the next call; NULL where the SYN was not seen, or is
 * answered for the second time.
 */
const struct handshake *handshakes_take(struct handshakes *handshakes, struct syn *answer);

#endif
