/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What our ruleset is made from. */
#ifndef SYNPRINT_RULESET_PARAMS_H
#define SYNPRINT_RULESET_PARAMS_H

#include "ruleset/marks.h"

#define RULES_SETS_MAX MARKS_SETS_MAX

enum rules_engine {
	RULES_AUTO, /* nft where the kernel has it, else xt */
	RULES_NFT, /* the queue expression (CONFIG_NFT_QUEUE) */
	RULES_XT, /* the NFQUEUE target through nft_compat */
	RULES_NONE, /* the administrator's own rules; only rules_print() is of use then */
};

/* A pair of sets of ours, NAME4 and NAME6, that packets fill. */
struct rules_set {
	const char *name;
	bool has_port; /* keyed by address and source port */
	bool is_map; /* maps to @value */
	bool removes; /* who was judged and does not belong in it is taken out */
	uint32_t value;
	unsigned prefix6; /* NAME6 holds addresses cut to so many bits; 128: whole ones */
	uint32_t timeout_s, size;
	uint32_t bit; /* of the packet mark; 0: commits fill it, no rule does */
	bool is_served; /* the bit makes a candidate, and the server's answer a member */
	uint32_t ct_bit; /* of the connection mark; 0: none was left */
	bool is_paused; /* it is there, and its bit publishes nothing yet */
};

/* How candidates are confirmed. */
struct rules_confirm {
	bool is_on; /* conntrack may be used: these rules switch it on */
	bool has_labels; /* bits are labels, as somebody else takes the mark for his own */
	uint32_t ask; /* bit of the connection mark: the agent is to be told, and no more */
	bool has_log;
	uint16_t group; /* of NFLOG; with has_log */
};

#define RULES_CLOCKS_PACKETS 20 /* of a client, that are copied: its SYN, and what c1 and c2 need */

/* Which connections are copied to who measures their clocks. */
struct rules_clocks {
	bool is_on; /* conntrack may be used, and counts packets then */
	uint32_t bit; /* of the connection mark; 0: the packet counter alone */
	uint32_t limit; /* connections a second */
	uint16_t group; /* of NFLOG */
};

struct rules_params {
	enum rules_engine engine;
	uint16_t queue_first, queue_count; /* at least one, the last at most 65535 */
	const char *const *interfaces; /* names; a trailing '*' stands for any rest */
	unsigned interface_count; /* 0: all */
	const char *const *vrfs; /* that are there: iptables cannot ask for the kind of a device */
	unsigned vrf_count;
	uint32_t limit; /* SYNs/s that each rule diverts at the most; 0: all */
	bool diverts_answers; /* SYN+ACKs too, from wherever they come */
	struct marks marks;
	struct rules_confirm confirm;
	struct rules_clocks clocks;
	uint32_t
		skip_known_s; /* the same shape of a known client passes unasked so long; 0: never */
	bool defragments; /* SYNs in fragments are seen; left out where the kernel cannot */
	bool is_trial; /* half of the SYNs pass unasked, and what comes again is noted */
	bool may_resize; /* a set of ours with another size is made anew, and loses its elements */
	struct rules_set sets[RULES_SETS_MAX];
	unsigned set_count;
};

#endif
