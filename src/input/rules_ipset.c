/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dead-man's switch of iptables rules, which see ipsets only: a list:set whose members, one
 * set for each IP version that holds every address, are in it while the daemon works. The sets
 * are the administrator's, as `synprint rules print --format ipset` makes them.
 */
#include "input/rules.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/ipset/ip_set.h>
#include <linux/netfilter/ipset/ip_set_list.h>
#include <linux/netfilter/nfnetlink.h>

#include "input/rules_impl.h"

#define NET_ORDER(type) ((uint16_t)((type) | NLA_F_NET_BYTEORDER))

/* Not there, not in the list, or no ipset in this kernel at all: there is no such switch. */
static int to_errno(int rc)
{
	switch (-rc) {
	case IPSET_ERR_EXIST:
	case IPSET_ERR_NAME:
	case IPSET_ERR_REF_EXIST:
	case EINVAL: return -ENOENT;
	default: return -rc >= IPSET_ERR_PRIVATE ? -EPROTO : rc;
	}
}

static int switch_member(struct nl *nl, enum ipset_cmd command, const char *member)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, (uint16_t)(NFNL_SUBSYS_IPSET << 8 | command),
					 NFPROTO_UNSPEC, NLM_F_ACK);
	struct nlattr *data;

	mnl_attr_put_u8(nlh, IPSET_ATTR_PROTOCOL, IPSET_PROTOCOL_MIN);
	mnl_attr_put_strz(nlh, IPSET_ATTR_SETNAME, RULES_IPSET_ALIVE);
	data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	mnl_attr_put_strz(nlh, IPSET_ATTR_NAME, member);
	if (command == IPSET_CMD_ADD)
		mnl_attr_put_u32(nlh, NET_ORDER(IPSET_ATTR_TIMEOUT), htonl(RULES_IPSET_TIMEOUT_S));
	mnl_attr_nest_end(nlh, data);
	return to_errno(nl_request(nl, nlh, NULL, NULL));
}

int rules_heartbeat_ipset(struct nl *nl)
{
	int rc4 = switch_member(nl, IPSET_CMD_ADD, RULES_IPSET_ALL4);
	int rc6 = switch_member(nl, IPSET_CMD_ADD, RULES_IPSET_ALL6);

	return rc4 < 0 ? rc6 : 0;
}

int rules_disarm_ipset(struct nl *nl)
{
	int rc4 = switch_member(nl, IPSET_CMD_DEL, RULES_IPSET_ALL4);
	int rc6 = switch_member(nl, IPSET_CMD_DEL, RULES_IPSET_ALL6);
	int rc = rc4 < 0 ? rc4 : rc6;

	return rc == -ENOENT ? 0 : rc;
}
