/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch of rules that version 0.1 printed for administrators: a set with one element, which
 * is there while somebody renews it. Our own rules have none; see ruleset/group_switch.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>

#include "input/rules_impl.h"

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
