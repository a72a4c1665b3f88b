/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of fields; see field.h. */
#include "ruleset/field.h"

#include <linux/netfilter/nf_tables.h>

/* Data types by nft's numbers (nftables: include/datatype.h). */
enum {
	TYPE_NFPROTO = 2,
	TYPE_INTEGER = 4,
	TYPE_STRING = 5,
	TYPE_IPV4_ADDR = 7,
	TYPE_IPV6_ADDR = 8,
	TYPE_INET_PROTO = 12,
	TYPE_INET_SERVICE = 13,
	TYPE_TCP_FLAG = 17,
	TYPE_MARK = 19,
	TYPE_CLASSID = 23,
	TYPE_IFNAME = 41,
	TYPE_BOOLEAN = 43,
};

/* Headers, and the place of a field in nft's list of theirs (nftables: include/proto.h). */
enum { DESC_RAW = 0, DESC_IP = 12, DESC_IP6 = 13 };
enum { IP_TTL_TEMPLATE = 8, IP_SADDR_TEMPLATE = 11, IP6_SADDR_TEMPLATE = 8 };

#define META(text, key, len, type)                                                                 \
	{                                                                                          \
		text, FIELD_META, key, 0, len, type, 0, 0, 0, 0                                    \
	}
#define CT(text, key, len, type, direction)                                                        \
	{                                                                                          \
		text, FIELD_CT, key, 0, len, type, 0, 0, 0, direction                              \
	}
#define IP NFT_PAYLOAD_NETWORK_HEADER
#define TCP NFT_PAYLOAD_TRANSPORT_HEADER

static const struct field_info fields[FIELD_COUNT] = {
	[FIELD_IIFNAME] = META("iifname", NFT_META_IIFNAME, 16, TYPE_IFNAME),
	[FIELD_IIFKIND] = META("meta iifkind", NFT_META_IIFKIND, 16, TYPE_STRING),
	[FIELD_NFPROTO] = META("meta nfproto", NFT_META_NFPROTO, 1, TYPE_NFPROTO),
	[FIELD_L4PROTO] = {"meta l4proto", FIELD_META, NFT_META_L4PROTO, 0, 1, TYPE_INET_PROTO,
			   "inet_proto", 0, 0, 0},
	[FIELD_MARK] = META("meta mark", NFT_META_MARK, 4, TYPE_MARK),
	[FIELD_PRIORITY] = META("meta priority", NFT_META_PRIORITY, 4, TYPE_CLASSID),
	[FIELD_RANDOM] = META("meta random", NFT_META_PRANDOM, 4, TYPE_INTEGER),
	[FIELD_QUEUE] = {"symhash", FIELD_HASH, 0, 0, 4, TYPE_INTEGER, NULL, 0, 0, 0},
	[FIELD_IP_SADDR] = {"ip saddr", FIELD_PAYLOAD, IP, 12, 4, TYPE_IPV4_ADDR, "ipv4_addr",
			    DESC_IP, IP_SADDR_TEMPLATE, 0},
	[FIELD_IP6_SADDR] = {"ip6 saddr", FIELD_PAYLOAD, IP, 8, 16, TYPE_IPV6_ADDR, "ipv6_addr",
			     DESC_IP6, IP6_SADDR_TEMPLATE, 0},
	[FIELD_IP_TTL] = {"ip ttl", FIELD_PAYLOAD, IP, 8, 1, TYPE_INTEGER, NULL, DESC_IP,
			  IP_TTL_TEMPLATE, 0},
	[FIELD_IP6_LENGTH_HOPS] = {"@nh,32,32", FIELD_PAYLOAD, IP, 4, 4, TYPE_INTEGER, NULL,
				   DESC_RAW, 0, 0},
	[FIELD_TCP_SPORT] = {"tcp sport", FIELD_PAYLOAD, TCP, 0, 2, TYPE_INET_SERVICE,
			     "inet_service", 0, 0, 0},
	[FIELD_TCP_PORTS] = {"@th,0,32", FIELD_PAYLOAD, TCP, 0, 4, TYPE_INTEGER, NULL, DESC_RAW, 0,
			     0},
	[FIELD_TCP_SEQ] = {"@th,32,32", FIELD_PAYLOAD, TCP, 4, 4, TYPE_INTEGER, NULL, DESC_RAW, 0,
			   0},
	[FIELD_TCP_FLAGS] = {"tcp flags", FIELD_PAYLOAD, TCP, 13, 1, TYPE_TCP_FLAG, NULL, 0, 0, 0},
	[FIELD_TCP_LENGTH_WINDOW] = {"@th,96,32", FIELD_PAYLOAD, TCP, 12, 4, TYPE_INTEGER, NULL,
				     DESC_RAW, 0, 0},
	[FIELD_TCP_OPTION] = {"@th,160,32", FIELD_PAYLOAD, TCP, 20, 4, TYPE_INTEGER, NULL, DESC_RAW,
			      0, 0},
	[FIELD_CT_STATE] = CT("ct state", NFT_CT_STATE, 4, TYPE_INTEGER, 0),
	[FIELD_CT_STATUS] = CT("ct status", NFT_CT_STATUS, 4, TYPE_INTEGER, 0),
	[FIELD_CT_DIRECTION] = CT("ct direction", NFT_CT_DIRECTION, 1, TYPE_INTEGER, 0),
	[FIELD_CT_MARK] = CT("ct mark", NFT_CT_MARK, 4, TYPE_MARK, 0),
	[FIELD_CT_ORIGINAL_PACKETS] = CT("ct original packets", NFT_CT_PKTS, 8, TYPE_INTEGER, 1),
	[FIELD_CT_ORIGINAL_IP_SADDR] = {"ct original ip saddr", FIELD_CT, NFT_CT_SRC_IP, 0, 4,
					TYPE_IPV4_ADDR, "ipv4_addr", 0, 0, 1},
	[FIELD_CT_ORIGINAL_IP6_SADDR] = {"ct original ip6 saddr", FIELD_CT, NFT_CT_SRC_IP6, 0, 16,
					 TYPE_IPV6_ADDR, "ipv6_addr", 0, 0, 1},
	/* As long as nft compares it, which else prints `missing/8`, and cannot load that again. */
	[FIELD_WAY_BACK] = {"fib saddr . iif oif", FIELD_FIB,
			    NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT, 0, 4,
			    TYPE_BOOLEAN, NULL, 0, 0, 0},
};

const struct field_info *field_info(enum field field)
{
	return &fields[field];
}
