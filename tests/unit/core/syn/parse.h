/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of the tests, parsed behind a guard page. */
#ifndef SYNPRINT_TESTS_UNIT_CORE_SYN_PARSE_H
#define SYNPRINT_TESTS_UNIT_CORE_SYN_PARSE_H

#include <criterion/criterion.h>
#include <string.h>

#include "guard.h"
#include "packet.h"
#include "core/syn/syn.h"

/* mss 1460, sok, ts 1/0, nop, ws 7: what Linux sends. */
#define LINUX_OPTS "020405b4 0402 080a00000001 00000000 01 030307"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NEXT_TCP "06"
#define EXT_8 "00 010400000000" /* an 8 byte header behind its next header */

static inline enum syn_result parse(const void *bytes, size_t len, struct syn *ret_syn)
{
	return syn_parse(guard_place(bytes, len), len, ret_syn);
}

static inline struct syn must_parse(const struct packet *packet, const char *name)
{
	struct syn syn = {.quirks = 0};
	enum syn_result result = parse(packet->bytes, packet->len, &syn);

	cr_assert_eq(result, SYN_OK, "%s: %s", name, syn_result_name(result));
	return syn;
}

static inline struct addr addr(const char *text)
{
	struct addr parsed = {{0}};

	cr_assert_eq(addr_parse(text, &parsed), 0);
	return parsed;
}

static inline bool has_kinds(const struct syn *syn, const char *hex)
{
	struct packet kinds = {.len = 0};

	packet_put(&kinds, hex);
	return syn->opt_count == kinds.len && memcmp(syn->opt_kinds, kinds.bytes, kinds.len) == 0;
}

#endif
