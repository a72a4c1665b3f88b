/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switches of administrators' rules, which live by heartbeats. Our own rules have none; see
 * ruleset/group_switch.c.
 */
#include "input/rules_heartbeat.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>

#include "input/rules_impl.h"
#include "nl/ipset.h"

/* ---- printed by version 0.1: a set with one element, which is there while somebody renews it ---- */

static void put_alive(struct nlmsghdr *nlh, uint64_t timeout_ms)
{
	const uint8_t tcp = IPPROTO_TCP;
	struct nlattr *nest = nft_begin_elements(nlh, NFT_OUR_TABLE, RULES_OLD_ALIVE);

	nft_put_element(nlh, &tcp, sizeof(tcp), NULL, timeout_ms, 0);
	mnl_attr_nest_end(nlh, nest);
}

/* Asked first, because a transaction that fails holds the commit mutex for milliseconds. */
static int check_set(struct nl *nl)
{
	struct nft_set_info info;
	int rc = nft_get_set(nl, NFPROTO_INET, NFT_OUR_TABLE, RULES_OLD_ALIVE, &info);

	return rc == 0 && info.key_type != NFT_TYPE_INET_PROTO ? -ENOENT : rc;
}

/* Only a new element has a new timeout on Linux 6.1, so it is made anew; nobody sees it missing. */
int rules_heartbeat(struct nl *nl, unsigned timeout_ms)
{
	struct nft_batch *batch;
	int rc = check_set(nl);

	if (rc < 0)
		return rc;
	batch = nft_batch_new(nl);
	if (!batch)
		return -ENOMEM;
	put_alive(nft_batch_put(batch, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE), 0);
	put_alive(nft_batch_put(batch, NFT_MSG_DELSETELEM, NFPROTO_INET, 0), 0);
	put_alive(nft_batch_put(batch, NFT_MSG_NEWSETELEM, NFPROTO_INET, NLM_F_CREATE), timeout_ms);
	rc = nft_batch_commit(batch, NULL);
	nft_batch_free(batch);
	return rc;
}

int rules_disarm(struct nl *nl)
{
	struct nft_batch *batch = nft_batch_new(nl);
	int rc;

	if (!batch)
		return -ENOMEM;
	put_alive(nft_batch_put(batch, NFT_MSG_DELSETELEM, NFPROTO_INET, 0), 0);
	rc = nft_batch_commit(batch, NULL);
	nft_batch_free(batch);
	return rc == -ENOENT ? 0 : rc;
}

/*
 * ---- of iptables, which sees ipsets only ----
 *
 * A list:set whose members, one set for each IP version that holds every address, are in it while the
 * daemon works. The sets are the administrator's, as `synprint rules print --format ipset` makes them.
 */

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
