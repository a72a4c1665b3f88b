/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a state file, for its writer and its reader. */
#ifndef SYNPRINT_CORE_STATE_STATE_FORMAT_H
#define SYNPRINT_CORE_STATE_STATE_FORMAT_H

#include "core/base/vocab.h"

#define STATE_MAGIC "synprint"
#define STATE_VERSION 1u
#define STATE_HEADER_BYTES 12 /* magic, version */

/* A chunk's head: name, version of its contents, length of its contents. A checksum ends it. */
#define STATE_NAME_BYTES 4
#define STATE_HEAD_BYTES (STATE_NAME_BYTES + 4 + 8)
#define STATE_SUM_BYTES 8 /* XXH3 with 64 bits, of the head and the contents */

#define STATE_WORDS "WORD" /* {kind, number, length, text} each */
#define STATE_WORD_BYTES_MAX (1 + 2 + 1 + VOCAB_WORD_MAX)
#define STATE_CLIENTS "CLNT" /* records of fixed size, any number; may come several times */
#define STATE_WITHHELD_SHIFT 6 /* behind the connections' bits: no older version looks there */
#define STATE_BASELINE "BASE" /* baseline_export() */
#define STATE_END "END "
#define STATE_CHUNK_VERSION 1u

#define STATE_CONN_BYTES 26
#define STATE_AT_LAST_SEEN 20 /* in a client's record */
#define STATE_CLIENT_BYTES (16 + 4 * 4 + 4 + 4 * STATE_CONN_BYTES)

static inline void state_put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static inline uint64_t state_get(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)at[i] << 8 * i;
	return value;
}

#endif
