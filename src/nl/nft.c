/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nf_tables over libnftnl. Only the last message of a batch asks to be acknowledged: failures are
 * answered anyway, and the kernel answers in order when the transaction is through.
 */
#include "nl/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define MESSAGE_BYTES 4096 /* of a message that has no elements */
#define COLLECT_PART 60 /* of a set's timeout */
#define COLLECT_MAX_S 60

struct nft_batch {
	struct nl *nl;
	size_t len; /* of all messages but the last */
	struct nlmsghdr *last;
	uint32_t first_seq;
	unsigned count; /* without the batch's own begin and end */
	bool overflow;
	_Alignas(8) char data[NFT_BATCH_BYTES + MESSAGE_BYTES];
};

static void batch_reset(struct nft_batch *batch)
{
	batch->len = 0;
	batch->count = 0;
	batch->overflow = false;
	batch->first_seq = nl_next_seq(batch->nl);
	batch->last = nftnl_batch_begin(batch->data, batch->first_seq);
}

struct nft_batch *nft_batch_new(struct nl *nl)
{
	struct nft_batch *batch = malloc(sizeof(*batch));

	if (!batch)
		return NULL;
	batch->nl = nl;
	batch_reset(batch);
	return batch;
}

void nft_batch_free(struct nft_batch *batch)
{
	free(batch);
}

static void batch_close_last(struct nft_batch *batch)
{
	size_t len = batch->len + batch->last->nlmsg_len;

	if (len > NFT_BATCH_BYTES)
		batch->overflow = true;
	else
		batch->len = len;
}

struct nlmsghdr *nft_batch_put(struct nft_batch *batch, uint16_t type, uint8_t family,
			       uint16_t flags)
{
	batch_close_last(batch);
	batch->count++;
	batch->last = nftnl_nlmsg_build_hdr(batch->data + batch->len, type, family, flags,
					    nl_next_seq(batch->nl));
	return batch->last;
}

void nft_batch_clear(struct nft_batch *batch)
{
	batch_reset(batch);
}

void nft_batch_expect(struct nft_batch *batch, uint32_t generation)
{
	assert(batch->count == 0);
	mnl_attr_put_u32(batch->last, NFNL_BATCH_GENID, htonl(generation));
}

/* The place of a message; requests between two messages took numbers too. */
static unsigned message_index(const struct nft_batch *batch, uint32_t seq)
{
	const struct nlmsghdr *nlh = (const void *)batch->data;
	unsigned index = 0;

	for (size_t pos = nlh->nlmsg_len; pos < batch->len; pos += nlh->nlmsg_len, index++) {
		nlh = (const void *)(batch->data + pos);
		if (nlh->nlmsg_seq == seq)
			break;
	}
	return index;
}

int nft_batch_commit(struct nft_batch *batch, unsigned *ret_failed)
{
	uint32_t last_seq = batch->last->nlmsg_seq, failed_seq = 0;
	struct nlmsghdr *end;
	int rc = 0;

	batch->last->nlmsg_flags |= NLM_F_ACK;
	batch_close_last(batch);
	if (batch->overflow) {
		rc = -EMSGSIZE;
	} else if (batch->count) {
		end = nftnl_batch_end(batch->data + batch->len, nl_next_seq(batch->nl));
		rc = nl_send_batch(batch->nl, batch->data, batch->len + end->nlmsg_len,
				   batch->first_seq, last_seq, &failed_seq);
		if (rc < 0 && ret_failed)
			*ret_failed = message_index(batch, failed_seq);
	}
	batch_reset(batch);
	return rc;
}

/* A comment as user data: pairs of a type and a length byte, then so many bytes (libnftnl: udata.h). */
static size_t comment_write(char buf[NFT_COMMENT_MAX + 3], uint8_t type, const char *text)
{
	size_t len = strnlen(text, NFT_COMMENT_MAX);

	buf[0] = (char)type;
	buf[1] = (char)(len + 1);
	memcpy(buf + 2, text, len);
	buf[2 + len] = '\0';
	return len + 3;
}

static void put_tag(struct nlmsghdr *nlh, uint16_t attribute, uint8_t type)
{
	char buf[NFT_COMMENT_MAX + 3];
	size_t len = comment_write(buf, type, NFT_OUR_TAG);

	mnl_attr_put(nlh, attribute, len, buf);
}

void nft_batch_put_table(struct nft_batch *batch, bool must_work)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_NEWTABLE, NFPROTO_INET, NLM_F_CREATE);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_OUR_TABLE);
	if (must_work)
		mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, 0);
	put_tag(nlh, NFTA_TABLE_USERDATA, NFTNL_UDATA_TABLE_COMMENT);
}

/* Without its byte order nft lists a mark with its bytes swapped. */
static void put_set_userdata(struct nlmsghdr *nlh, bool is_mark_map,
			     const struct nftnl_udata_buf *more)
{
	size_t more_len = more ? nftnl_udata_buf_len(more) : 0;
	struct nftnl_udata_buf *buf =
		nftnl_udata_buf_alloc((uint32_t)more_len + NFT_COMMENT_MAX + 16);

	if (!buf)
		return; /* a set without our tag is not removed, and works */
	if (more)
		nftnl_udata_buf_put(buf, nftnl_udata_buf_data(more), (uint32_t)more_len);
	if (is_mark_map)
		nftnl_udata_put_u32(buf, NFTNL_UDATA_SET_DATABYTEORDER, NFT_HOST_ENDIAN);
	nftnl_udata_put_strz(buf, NFTNL_UDATA_SET_COMMENT, NFT_OUR_TAG);
	mnl_attr_put(nlh, NFTA_SET_USERDATA, nftnl_udata_buf_len(buf), nftnl_udata_buf_data(buf));
	nftnl_udata_buf_free(buf);
}

uint32_t nft_collect_ms(uint64_t timeout_ms)
{
	uint64_t seconds = timeout_ms / COLLECT_PART / 1000;

	if (seconds < 2)
		return 0;
	return 1000 * (uint32_t)(seconds < COLLECT_MAX_S ? seconds : COLLECT_MAX_S);
}

void nft_batch_put_set(struct nft_batch *batch, const struct nft_set_spec *spec,
		       const struct nftnl_udata_buf *udata)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_NEWSET, NFPROTO_INET, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, spec->name);
	mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl(batch->count)); /* must be there, any number */
	mnl_attr_put_u32(nlh, NFTA_SET_FLAGS,
			 htonl(NFT_SET_TIMEOUT | NFT_SET_EVAL |
			       (spec->is_mark_map ? NFT_SET_MAP : 0)));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_TYPE, htonl(spec->key_type));
	mnl_attr_put_u32(nlh, NFTA_SET_KEY_LEN, htonl(spec->key_len));
	if (spec->is_mark_map) {
		mnl_attr_put_u32(nlh, NFTA_SET_DATA_TYPE, htonl(NFT_TYPE_MARK));
		mnl_attr_put_u32(nlh, NFTA_SET_DATA_LEN, htonl(sizeof(uint32_t)));
	}
	if (spec->timeout_ms)
		mnl_attr_put_u64(nlh, NFTA_SET_TIMEOUT, htobe64(spec->timeout_ms));
	if (spec->collect_ms)
		mnl_attr_put_u32(nlh, NFTA_SET_GC_INTERVAL, htonl(spec->collect_ms));
	if (spec->size) {
		nest = mnl_attr_nest_start(nlh, NFTA_SET_DESC);
		mnl_attr_put_u32(nlh, NFTA_SET_DESC_SIZE, htonl(spec->size));
		mnl_attr_nest_end(nlh, nest);
	}
	put_set_userdata(nlh, spec->is_mark_map, udata);
}

struct nlattr *nft_begin_elements(struct nlmsghdr *nlh, const char *table, const char *set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	return mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void nft_batch_put_flush(struct nft_batch *batch, const char *set)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_DELSETELEM, NFPROTO_INET, 0);

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
}

bool nft_updates_elements(void)
{
	struct utsname name;
	unsigned major, minor;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 12));
}

void nft_put_element(struct nlmsghdr *nlh, const void *key, size_t key_len, const uint32_t *mark,
		     uint64_t timeout_ms, uint64_t expires_ms)
{
	struct nlattr *elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

	mnl_attr_put(nlh, NFTA_DATA_VALUE, key_len, key);
	mnl_attr_nest_end(nlh, nest);
	if (mark) {
		nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(*mark), mark);
		mnl_attr_nest_end(nlh, nest);
	}
	if (timeout_ms)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT, htobe64(timeout_ms));
	if (expires_ms)
		mnl_attr_put_u64(nlh, NFTA_SET_ELEM_EXPIRATION, htobe64(expires_ms));
	mnl_attr_nest_end(nlh, elem);
}

void nft_put_chain_tag(struct nlmsghdr *nlh)
{
	put_tag(nlh, NFTA_CHAIN_USERDATA, NFTNL_UDATA_CHAIN_COMMENT);
}

int nft_rule_set_comment(struct nftnl_rule *rule, const char *comment)
{
	char buf[NFT_COMMENT_MAX + 3];
	size_t len = comment_write(buf, NFTNL_UDATA_RULE_COMMENT, comment);

	return nftnl_rule_set_data(rule, NFTNL_RULE_USERDATA, buf, (uint32_t)len) < 0 ? -ENOMEM : 0;
}
