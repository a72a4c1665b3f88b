/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of TCP fingerprints as Satori has them (tcp.xml): `<fingerprint name="...">` around
 * `<test tcpflag="S" tcpsig="..."/>`, where tcpsig is p0f v2's notation
 * `window:ttl:df:size:options:quirks`. Read leniently, since such lists are made by hand: what
 * cannot be converted is counted by its reason.
 */
#ifndef SYNPRINT_CORE_SIG_SATORI_H
#define SYNPRINT_CORE_SIG_SATORI_H

#include "core/sig/sig.h"

#define SATORI_NAME_MAX 128

enum satori_result {
	SATORI_OK,
	SATORI_NOT_SYN, /* of a SYN+ACK or another packet */
	SATORI_BAD_FIELD, /* not p0f v2's notation */
	SATORI_WINDOW, /* a window that our notation has no word for */
	SATORI_OPTIONS, /* likewise options, such as a multiple of a number as MSS */
	SATORI_QUIRKS, /* likewise quirks: flags (F) and unused fields (X) are not told apart */
	SATORI_NO_NAME, /* a test outside of a fingerprint with a name */
	SATORI_RESULT_COUNT
};

/* Position in a list; zeroed but for text and len to begin. */
struct satori_reader {
	const char *text;
	size_t len, pos;
	char name[SATORI_NAME_MAX];
};

struct satori_test {
	enum satori_result result;
	const char *name; /* of the fingerprint, entities resolved, without ':'; in the reader */
	struct sig sig; /* only where SATORI_OK */
};

/** satori_next() - the next test of a list. Return: false behind the last one. */
bool satori_next(struct satori_reader *reader, struct satori_test *ret_test);

/** satori_parse_sig() - p0f v2's notation for a SYN over IPv4. @ret_sig: only where SATORI_OK */
enum satori_result satori_parse_sig(const char *text, size_t len, struct sig *ret_sig);

/** satori_result_text() - why a test was left out, in words. */
const char *satori_result_text(enum satori_result result);

#endif
