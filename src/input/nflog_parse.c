/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message of NFLOG: the connection from conntrack, where the kernel adds it, and the answer. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <netinet/in.h>
#include <string.h>

#include "core/base/wire.h"
#include "input/nflog.h"
#include "input/nflog_tuple.h"

#define IPV4_BYTES 20
#define IPV6_BYTES 40
#define TCP_BYTES 20

struct attributes {
	const struct nlattr **table;
	uint16_t max;
};

static int keep(const struct nlattr *attr, void *ctx)
{
	const struct attributes *attributes = ctx;

	if (mnl_attr_get_type(attr) <= attributes->max)
		attributes->table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool parse_nested(const struct nlattr *nest, const struct nlattr **table, uint16_t max)
{
	struct attributes attributes = {table, max};

	return nest && mnl_attr_parse_nested(nest, keep, &attributes) >= 0;
}

static bool take_addr(const struct nlattr *attr, bool is_v6, struct addr *ret_addr)
{
	if (!attr || mnl_attr_get_payload_len(attr) != (is_v6 ? 16 : 4))
		return false;
	*ret_addr = is_v6 ? addr_from_v6(mnl_attr_get_payload(attr))
			  : addr_from_v4(mnl_attr_get_payload(attr));
	return true;
}

static bool take_port(const struct nlattr *attr, uint16_t *ret_port)
{
	if (!attr || mnl_attr_get_payload_len(attr) != 2)
		return false;
	*ret_port = ntohs(mnl_attr_get_u16(attr));
	return true;
}

bool nflog_take_tuple(const struct nlattr *tuple, struct nflog_event *event)
{
	const struct nlattr *parts[CTA_TUPLE_MAX + 1] = {NULL}, *ip[CTA_IP_MAX + 1] = {NULL};
	const struct nlattr *proto[CTA_PROTO_MAX + 1] = {NULL};
	bool is_v6;

	if (!parse_nested(tuple, parts, CTA_TUPLE_MAX) ||
	    !parse_nested(parts[CTA_TUPLE_IP], ip, CTA_IP_MAX) ||
	    !parse_nested(parts[CTA_TUPLE_PROTO], proto, CTA_PROTO_MAX))
		return false;
	is_v6 = ip[CTA_IP_V6_SRC] != NULL;
	return take_addr(ip[is_v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC], is_v6, &event->client) &&
	       take_addr(ip[is_v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST], is_v6, &event->server) &&
	       take_port(proto[CTA_PROTO_SRC_PORT], &event->client_port) &&
	       take_port(proto[CTA_PROTO_DST_PORT], &event->server_port);
}

/* Behind IPv6 extension headers we do not look: conntrack has told who it is. */
static bool find_tcp(const struct wire *packet, bool is_v6, size_t *ret_at)
{
	size_t at = is_v6 ? IPV6_BYTES : (wire_u8(packet, 0) & 15u) * 4;

	if (!is_v6 && (wire_u8(packet, 0) >> 4 != 4 || at < IPV4_BYTES))
		return false;
	if (!wire_has(packet, at, TCP_BYTES) || wire_u8(packet, is_v6 ? 6 : 9) != IPPROTO_TCP)
		return false;
	*ret_at = at;
	return true;
}

/* The answer goes from the server to the client. */
static bool take_packet(const struct nlattr *payload, struct nflog_event *event)
{
	struct wire packet = {NULL, 0};
	const uint8_t *bytes;
	bool is_v6;
	size_t at;

	if (payload)
		packet = (struct wire){mnl_attr_get_payload(payload),
				       mnl_attr_get_payload_len(payload)};
	bytes = packet.bytes;
	is_v6 = wire_u8(&packet, 0) >> 4 == 6;
	if (!find_tcp(&packet, is_v6, &at))
		return false;
	event->has_ack = true;
	event->ack = wire_u32(&packet, at + 8);
	if (event->has_original)
		return true;
	event->server_port = wire_u16(&packet, at);
	event->client_port = wire_u16(&packet, at + 2);
	event->server = is_v6 ? addr_from_v6(bytes + 8) : addr_from_v4(bytes + 12);
	event->client = is_v6 ? addr_from_v6(bytes + 24) : addr_from_v4(bytes + 16);
	return true;
}

/* A message of the log, with its attributes. Return: whether it is one. */
static bool read_attributes(const struct nlmsghdr *nlh, size_t len, const struct nlattr **attrs,
			    uint32_t *ret_seq)
{
	struct attributes attributes = {attrs, NFULA_MAX};

	if (!mnl_nlmsg_ok(nlh, (int)len) ||
	    nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg) ||
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), keep, &attributes) < 0)
		return false;
	if (attrs[NFULA_SEQ] && mnl_attr_get_payload_len(attrs[NFULA_SEQ]) == sizeof(uint32_t))
		*ret_seq = ntohl(mnl_attr_get_u32(attrs[NFULA_SEQ]));
	return true;
}

int nflog_parse(const void *message, size_t len, struct nflog_event *ret_event, uint32_t *ret_seq)
{
	const struct nlattr *attrs[NFULA_MAX + 1] = {NULL}, *ct[CTA_MAX + 1] = {NULL};
	struct nflog_event event = {.has_original = false};
	bool has_packet;

	if (!read_attributes(message, len, attrs, ret_seq))
		return -EINVAL;
	event.has_original = parse_nested(attrs[NFULA_CT], ct, CTA_MAX) &&
			     nflog_take_tuple(ct[CTA_TUPLE_ORIG], &event);
	has_packet = take_packet(attrs[NFULA_PAYLOAD], &event);
	if (!event.has_original && !has_packet)
		return -EINVAL;
	*ret_event = event;
	return 0;
}

/* Microseconds since 1970 in network order (linux/netfilter/nfnetlink_log.h). */
static uint64_t take_time(const struct nlattr *attr)
{
	struct nfulnl_msg_packet_timestamp stamp;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(stamp))
		return 0;
	memcpy(&stamp, mnl_attr_get_payload(attr), sizeof(stamp));
	return be64toh(stamp.sec) * 1000000000 + be64toh(stamp.usec) * 1000;
}

int nflog_parse_copy(const void *message, size_t len, struct nflog_copy *ret_copy,
		     uint32_t *ret_seq)
{
	const struct nlattr *attrs[NFULA_MAX + 1] = {NULL};

	if (!read_attributes(message, len, attrs, ret_seq) || !attrs[NFULA_PAYLOAD])
		return -EINVAL;
	*ret_copy = (struct nflog_copy){.bytes = mnl_attr_get_payload(attrs[NFULA_PAYLOAD]),
					.len = mnl_attr_get_payload_len(attrs[NFULA_PAYLOAD]),
					.time_ns = take_time(attrs[NFULA_TIMESTAMP])};
	return 0;
}
