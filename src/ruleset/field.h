/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rules look at in a packet and its surroundings: how nft writes it, how the kernel loads it,
 * and of which type it is. A new field is a row of the table in field.c.
 */
#ifndef SYNPRINT_RULESET_FIELD_H
#define SYNPRINT_RULESET_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_FIELDS_MAX 4 /* nft 1.0.6 lists no typeof of more */

enum field {
	FIELD_IIFNAME,
	FIELD_IIFKIND, /* such as "vrf"; Linux 5.1 */
	FIELD_NFPROTO,
	FIELD_L4PROTO,
	FIELD_MARK,
	FIELD_PRIORITY, /* by which packets are queued for a device */
	FIELD_RANDOM, /* 32 bits, others with each packet */
	FIELD_QUEUE, /* the queue's number: a hash of the connection, the same in every rule */
	FIELD_IP_SADDR,
	FIELD_IP6_SADDR,
	FIELD_IP_TTL,
	FIELD_IP6_LENGTH_HOPS, /* payload length, next header and hop limit */
	FIELD_TCP_SPORT,
	FIELD_TCP_PORTS, /* both */
	FIELD_TCP_SEQ,
	FIELD_TCP_FLAGS, /* all eight; TCP_FLAG_* */
	FIELD_TCP_LENGTH_WINDOW, /* header length, flags and window */
	FIELD_TCP_OPTION, /* the first four bytes of options: where a SYN has its MSS */
	FIELD_CT_STATE,
	FIELD_CT_STATUS,
	FIELD_CT_DIRECTION,
	FIELD_CT_MARK,
	FIELD_CT_ORIGINAL_PACKETS, /* eight bytes: rule_match_count(), rule_match_packets() */
	FIELD_CT_ORIGINAL_IP_SADDR,
	FIELD_CT_ORIGINAL_IP6_SADDR,
	FIELD_WAY_BACK, /* 1: the way to the packet's source is by the interface it came in by */
	FIELD_COUNT,
};

enum field_source { FIELD_META, FIELD_PAYLOAD, FIELD_HASH, FIELD_CT, FIELD_FIB };

struct field_info {
	const char *text; /* as nft writes it */
	enum field_source source;
	uint32_t key; /* NFT_META_*, NFT_CT_*, NFTA_FIB_F_*, or NFT_PAYLOAD_*_HEADER */
	uint32_t offset; /* bytes from that header */
	uint32_t len; /* bytes */
	uint32_t type; /* nft's number of the data type (nftables: include/datatype.h) */
	const char *type_text;
	uint32_t desc, template; /* nft's own numbers of a header and its field, for typeof */
	uint8_t has_direction; /* of the connection: the original one's */
};

/** field_info() - the row of a field. */
const struct field_info *field_info(enum field field);

/** field_is_ip6() - an IPv6 address, which a key may cut to a prefix. */
static inline bool field_is_ip6(enum field field)
{
	return field == FIELD_IP6_SADDR || field == FIELD_CT_ORIGINAL_IP6_SADDR;
}

/* A connection's first direction, and what a rule may ask of its state (linux/nf_conntrack_common.h). */
#define FIELD_CT_ORIGINAL 0
#define FIELD_CT_REPLY 1
#define FIELD_CT_STATE_NEW 8 /* NF_CT_STATE_BIT(IP_CT_NEW) as nft sees it */
#define FIELD_CT_ASSURED 4 /* IPS_ASSURED: a handshake to its end */
#define FIELD_CT_CONFIRMED 8 /* IPS_CONFIRMED: a packet before this one has passed */

#define TCP_FLAG_FIN 0x01 /* RFC 9293 section 3.1 */
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_PSH 0x08
#define TCP_FLAG_ACK 0x10
/* What makes a SYN, of the flags that are looked at; ECE and CWR may be set (RFC 3168). */
#define TCP_FLAGS_OF_SYN (TCP_FLAG_FIN | TCP_FLAG_SYN | TCP_FLAG_RST | TCP_FLAG_ACK)

#endif
