/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dead-man's switch of iptables rules, which see ipsets only: a list:set whose members, one
 * set for each IP version that holds every address, are in it while the daemon works. The sets
 * are the administrator's, as `synprint rules print --format ipset` makes them.
 */
#include "input/rules.h"

#include <errno.h>
#include <linux/netfilter.h>

#include "input/rules_impl.h"
#include "nl/ipset.h"

/*
 * Without the list, its members, or ipsets in this kernel there is no such switch. Of a list, the
 * number of ENOSPC means that no set has the member's name, and EPROTO that it is not in the list.
 */
static bool is_missing(int rc)
{
	return rc == -ENOENT || rc == -ENOSPC || rc == -EPROTO || rc == -EINVAL;
}

static int switch_member(struct nl *nl, enum ipset_cmd command, const char *member)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = ipset_begin(buf, IPSET_PROTOCOL_MIN, command, NFPROTO_UNSPEC,
					   RULES_IPSET_ALIVE, NLM_F_ACK);
	struct nlattr *data = mnl_attr_nest_start(nlh, IPSET_ATTR_DATA);
	int rc;

	mnl_attr_put_strz(nlh, IPSET_ATTR_NAME, member);
	if (command == IPSET_CMD_ADD)
		ipset_put_u32(nlh, IPSET_ATTR_TIMEOUT, RULES_IPSET_TIMEOUT_S);
	mnl_attr_nest_end(nlh, data);
	rc = ipset_request(nl, nlh, NULL, NULL);
	return is_missing(rc) ? -ENOENT : rc;
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
