/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our answer about one SYN, small enough to be kept for each of a client's connections: 16
 * bytes, numbers of the vocabulary instead of words. It says what the machine is; it is never
 * netfilter's verdict, which is always NF_ACCEPT.
 */
#ifndef SYNPRINT_CORE_VERDICT_VERDICT_H
#define SYNPRINT_CORE_VERDICT_VERDICT_H

#include "core/link/link.h"
#include "core/match/match.h"
#include "core/base/reason.h"
#include "core/syn/syn.h"

enum verdict_flag {
	VERDICT_VPN = 1u << 0,
	VERDICT_TUNNEL = 1u << 1,
	VERDICT_SCANNER = 1u << 2,
	VERDICT_OS_MISMATCH = 1u << 3, /* only in answers to a query with a User-Agent */
	VERDICT_INCONSISTENT = 1u << 4,
	VERDICT_SHARED = 1u << 5, /* set by the client table */
	VERDICT_MSS_CLAMPED = 1u << 6,
	VERDICT_UNKNOWN = 1u << 7,
	VERDICT_MALFORMED = 1u << 8,
	VERDICT_PROXY =
		1u << 9, /* by what the clocks of earlier connections say; set by who knows */
	VERDICT_FLAG_COUNT = 10
};

#define VERDICT_DIST_UNKNOWN 127
#define VERDICT_FLAGS_MASK 0x3ffu
#define VERDICT_REASONS_MASK ((UINT64_C(1) << 37) - 1)

struct verdict {
	uint64_t reasons : 37; /* bits of enum reason */
	uint64_t flags : 10; /* enum verdict_flag, or-ed */
	uint64_t match : 2; /* enum match_kind */
	uint64_t grade : 2; /* enum link_grade */
	uint64_t dist_hops : 7; /* 0 to 126, or VERDICT_DIST_UNKNOWN */
	uint64_t class_id : 6; /* VOCAB_CLASS */
	uint64_t label : 16; /* VOCAB_LABEL */
	uint64_t mss : 16; /* bytes; 0 without the option */
	uint64_t confidence_permille : 10; /* P(class) */
	uint64_t family_permille : 10; /* P(family of the class), which shared shapes leave high */
	uint64_t link : 8; /* VOCAB_LINK */
	uint64_t interface : 4; /* VOCAB_INTERFACE; set by who knows where the SYN came in */
};

_Static_assert(sizeof(struct verdict) == 16, "the client table counts on 16 bytes");
_Static_assert(REASON_COUNT <= 37, "reasons must fit");
_Static_assert(VOCAB_CLASSES_MAX <= 64 && VOCAB_LABELS_MAX < 65536 && VOCAB_LINKS_MAX < 256 &&
		       VOCAB_INTERFACES_MAX <= 16,
	       "words must fit");

/**
 * verdict_decide() - put match and link together into one answer.
 * @link_threshold: the grade from which VPN and tunnel are flagged, LINK_LIKELY by default
 */
struct verdict verdict_decide(const struct syn *syn, const struct match *match,
			      const struct link *link, enum link_grade link_threshold);

/**
 * verdict_link_flags() - VERDICT_VPN or VERDICT_TUNNEL of what was found at that grade, or 0.
 * What is ambiguous, and flags only under a lowered threshold, counts as a VPN.
 */
unsigned verdict_link_flags(enum link_kind kind, enum link_grade grade, enum link_grade threshold);

/**
 * verdict_weigh() - grade and link flags anew, once reasons from beyond the SYN were added to
 * what verdict_decide() said (link_weigh()).
 */
void verdict_weigh(struct verdict *verdict, enum link_grade link_threshold);

/** verdict_is_same() - do both say the same of the machine, its link and its flags? */
bool verdict_is_same(const struct verdict *a, const struct verdict *b);

/** verdict_flag_name() - "vpn", "scanner", ...; NULL for no flag. */
const char *verdict_flag_name(enum verdict_flag flag);

/** verdict_flag_parse() - the flag of a name of @len bytes, or 0. */
unsigned verdict_flag_parse(const char *name, size_t len);

#endif
