/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The link table as link.c reads it: one entry for each MTU, so that judging a SYN costs one
 * load, and the windows that senders choose, so that finding the MSS behind one is no search.
 */
#ifndef SYNPRINT_CORE_LINK_LINKDB_H
#define SYNPRINT_CORE_LINK_LINKDB_H

#include "core/link/link.h"

#define LINKDB_MTU_MAX 65536 /* Linux' loopback (drivers/net/loopback.c) */
#define LINKDB_BASES_MAX 32
#define LINKDB_TERMS_MAX 12
#define LINKDB_TERM_NAME_MAX 23
#define LINKDB_ROWS_MAX 4096

/* IP and TCP without options, between MSS and MTU (RFC 9293 section 3.7.1). */
#define LINK_HEADERS_V4 40u
#define LINK_HEADERS_V6 60u

/* The MSS that a sender on Ethernet or less may have had: from what every link must carry
 * (RFC 791, RFC 8200 section 5) to 1500 bytes. */
#define LINK_MSS_MIN_V4 536
#define LINK_MSS_MAX_V4 1460
#define LINK_MSS_MIN_V6 1220
#define LINK_MSS_MAX_V6 1440

#define LINK_MSS_RANGE (LINK_MSS_MAX_V4 - LINK_MSS_MIN_V4 + 1)

/* What all candidates of an MTU come to. */
struct linkdb_mtu {
	uint8_t label; /* VOCAB_LINK */
	uint8_t kind; /* enum link_kind */
	bool by_clamp; /* ambiguous only because every router may clamp to it */
};

/* The MSS m of the range, ordered by their window floor(space / m) * m: those of the window
 * space - d are mss[first[d]] to mss[first[d + 1] - 1], ascending. */
struct link_windows {
	uint16_t space;
	uint16_t first[LINK_MSS_MAX_V4 + 1];
	uint16_t mss[LINK_MSS_RANGE];
};

struct linkdb_term {
	char name[LINKDB_TERM_NAME_MAX + 1];
	uint16_t bytes;
	bool is_block; /* what follows is inside a multiple of this many bytes */
};

/* One `mtu` or `cost` line, with what its block says. */
struct linkdb_row {
	char *source; /* owned */
	uint32_t bases; /* bits of linkdb.bases; 0 for a listed MTU */
	uint32_t mtu; /* listed, else 0 */
	uint8_t label; /* VOCAB_LINK */
	uint8_t kind; /* enum link_kind */
	bool ip4, ip6; /* inner packets that it carries */
	bool on_interface;
	uint8_t term_count;
	struct linkdb_term terms[LINKDB_TERMS_MAX];
};

struct linkdb_base {
	char *name; /* owned */
	uint16_t mtu;
};

struct linkdb {
	struct vocab *vocab;
	struct linkdb_row *rows;
	size_t row_count, row_alloc;
	struct linkdb_base bases[LINKDB_BASES_MAX];
	unsigned base_count;
	struct link_candidate *cands; /* by MTU, then the best first */
	size_t cand_count;
	struct link_windows win_64k, win_43k;
	struct linkdb_mtu mtus[2][LINKDB_MTU_MAX + 1][2]; /* IPv4, IPv6; as it is, clamped */
};

/* Both copy what they are given; 0 or -ENOMEM. The caller keeps to the limits. */
int linkdb_add_base(struct linkdb *db, uint16_t mtu, const char *name, size_t name_len);
int linkdb_add_row(struct linkdb *db, const struct linkdb_row *row, const char *source,
		   size_t source_len);

/** linkdb_index() - work out candidates and MTUs anew after rows were added; 0 or -ENOMEM. */
int linkdb_index(struct linkdb *db);

#endif
