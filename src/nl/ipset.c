/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of nfnetlink's subsystem for ipsets; include/uapi/linux/netfilter/ipset/ip_set.h. */
#include "nl/ipset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>

#define ERR_HASH_FULL IPSET_ERR_TYPE_SPECIFIC /* ip_set_hash.h; of hash sets */
#define NET_ORDER(type) ((uint16_t)((type) | NLA_F_NET_BYTEORDER))

struct nlmsghdr *ipset_begin(void *buf, uint8_t protocol, enum ipset_cmd command, uint8_t family,
			     const char *name, uint16_t flags)
{
	struct nlmsghdr *nlh =
		nl_header(buf, (uint16_t)(NFNL_SUBSYS_IPSET << 8 | command), family, flags);

	mnl_attr_put_u8(nlh, IPSET_ATTR_PROTOCOL, protocol);
	if (name)
		mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, name);
	return nlh;
}

void ipset_put_u32(struct nlmsghdr *nlh, int type, uint32_t value)
{
	mnl_attr_put_u32(nlh, NET_ORDER(type), htonl(value));
}

void ipset_put_address(struct nlmsghdr *nlh, const uint8_t *bytes, size_t len)
{
	struct nlattr *ip = mnl_attr_nest_start(nlh, IPSET_ATTR_IP);
	int type = len == 4 ? IPSET_ATTR_IPADDR_IPV4 : IPSET_ATTR_IPADDR_IPV6;

	mnl_attr_put(nlh, NET_ORDER(type), len, bytes);
	mnl_attr_nest_end(nlh, ip);
}

static int to_errno(int rc)
{
	switch (-rc) {
	case ERR_HASH_FULL:
	case IPSET_ERR_MAX_SETS: return -ENOSPC;
	case IPSET_ERR_EXIST: return -ENOENT; /* of an element that was asked for */
	case IPSET_ERR_BUSY:
	case IPSET_ERR_REFERENCED: return -EBUSY;
	case IPSET_ERR_FIND_TYPE:
	case IPSET_ERR_PROTOCOL: return -EOPNOTSUPP;
	default: return -rc >= IPSET_ERR_PRIVATE ? -EPROTO : rc;
	}
}

int ipset_request(struct nl *nl, struct nlmsghdr *nlh, mnl_cb_t cb, void *ctx)
{
	return to_errno(nl_request(nl, nlh, cb, ctx));
}

static int take_protocol(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr;
	uint8_t *protocol = ctx;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == IPSET_ATTR_PROTOCOL)
			*protocol = mnl_attr_get_u8(attr);
	}
	return MNL_CB_OK;
}

int ipset_ask_protocol(struct nl *nl, uint8_t *ret_protocol)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	uint8_t protocol = 0;
	int rc = ipset_request(nl,
			       ipset_begin(buf, IPSET_PROTOCOL, IPSET_CMD_PROTOCOL, NFPROTO_UNSPEC,
					   NULL, NLM_F_ACK),
			       take_protocol, &protocol);

	if (rc == -EINVAL) /* nfnetlink.c: there is no such subsystem */
		return -EOPNOTSUPP;
	if (rc == 0 && protocol < IPSET_PROTOCOL_MIN)
		return -EOPNOTSUPP;
	if (rc == 0)
		*ret_protocol = protocol < IPSET_PROTOCOL ? protocol : IPSET_PROTOCOL;
	return rc;
}

static void take_option(const struct nlattr *attr, struct ipset_header *header)
{
	if (mnl_attr_get_type(attr) == IPSET_ATTR_TIMEOUT)
		header->has_timeout = true;
	else if (mnl_attr_get_type(attr) == IPSET_ATTR_CADT_FLAGS)
		header->has_comment = ntohl(mnl_attr_get_u32(attr)) & IPSET_FLAG_WITH_COMMENT;
}

static int take_header(const struct nlmsghdr *nlh, void *ctx)
{
	struct ipset_header *header = ctx;
	const struct nlattr *attr, *inner;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == IPSET_ATTR_TYPENAME)
			snprintf(header->type, sizeof(header->type), "%.*s",
				 (int)mnl_attr_get_payload_len(attr), mnl_attr_get_str(attr));
		else if (mnl_attr_get_type(attr) == IPSET_ATTR_FAMILY)
			header->family = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == IPSET_ATTR_DATA)
			mnl_attr_for_each_nested(inner, attr) take_option(inner, header);
	}
	return MNL_CB_OK;
}

int ipset_get_header(struct nl *nl, uint8_t protocol, const char *name,
		     struct ipset_header *ret_header)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = ipset_begin(buf, protocol, IPSET_CMD_LIST, NFPROTO_UNSPEC, name,
					   NLM_F_ACK | NLM_F_DUMP);

	ipset_put_u32(nlh, IPSET_ATTR_FLAGS, IPSET_FLAG_LIST_HEADER);
	*ret_header = (struct ipset_header){.family = NFPROTO_UNSPEC};
	return ipset_request(nl, nlh, take_header, ret_header);
}

struct element_visitor {
	void (*fn)(const uint8_t *bytes, size_t len, void *ctx);
	void *ctx;
};

/* An element is a nest of attributes, and its address another one. */
static void take_element(const struct nlattr *element, const struct element_visitor *visitor)
{
	const struct nlattr *attr, *addr;

	mnl_attr_for_each_nested(attr, element)
	{
		if (mnl_attr_get_type(attr) != IPSET_ATTR_IP)
			continue;
		mnl_attr_for_each_nested(addr, attr)
		{
			uint16_t len = mnl_attr_get_payload_len(addr);

			if (len == 4 || len == 16)
				visitor->fn(mnl_attr_get_payload(addr), len, visitor->ctx);
		}
	}
}

static int take_elements(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr, *element;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != IPSET_ATTR_ADT)
			continue;
		mnl_attr_for_each_nested(element, attr) take_element(element, ctx);
	}
	return MNL_CB_OK;
}

int ipset_list_elements(struct nl *nl, uint8_t protocol, const char *name,
			void (*fn)(const uint8_t *bytes, size_t len, void *ctx), void *ctx)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = ipset_begin(buf, protocol, IPSET_CMD_LIST, NFPROTO_UNSPEC, name,
					   NLM_F_ACK | NLM_F_DUMP);
	struct element_visitor visitor = {fn, ctx};

	return ipset_request(nl, nlh, take_elements, &visitor);
}
