/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to nf_tables: one message each, and the answers taken apart by hand, as libnftnl copies
 * whatever it reads.
 */
#include "nl/nft_ask.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <string.h>

static const char *comment_find(const void *data, size_t len, uint8_t type)
{
	const char *pos = data, *end;

	if (!data)
		return NULL;
	end = pos + len;
	while (end - pos > 2) {
		size_t value_len = (uint8_t)pos[1];

		if ((size_t)(end - pos) < 2 + value_len)
			return NULL;
		if ((uint8_t)pos[0] == type && value_len && pos[1 + value_len] == '\0')
			return pos + 2;
		pos += 2 + value_len;
	}
	return NULL;
}

static bool has_tag(const struct nlattr *attr, uint8_t type)
{
	const char *comment = attr ? comment_find(mnl_attr_get_payload(attr),
						  mnl_attr_get_payload_len(attr), type)
				   : NULL;

	return comment && strcmp(comment, NFT_OUR_TAG) == 0;
}

/* The attributes of a nf_tables message, in a table of @max + 1 entries. */
struct attributes {
	const struct nlattr **table;
	uint16_t max;
};

static int collect_attribute(const struct nlattr *attr, void *ctx)
{
	struct attributes *attributes = ctx;

	if (mnl_attr_get_type(attr) <= attributes->max)
		attributes->table[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static void parse(const struct nlmsghdr *nlh, const struct nlattr **table, uint16_t max)
{
	struct attributes attributes = {table, max};

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), collect_attribute, &attributes);
}

static uint32_t get_u32(const struct nlattr *attr)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) >= 0 ? ntohl(mnl_attr_get_u32(attr))
								  : 0;
}

static int take_generation(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_GEN_ID + 1] = {NULL};

	parse(nlh, attr, NFTA_GEN_ID);
	*(uint32_t *)ctx = get_u32(attr[NFTA_GEN_ID]);
	return MNL_CB_OK;
}

int nft_generation(struct nl *nl, uint32_t *ret_generation)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETGEN), AF_UNSPEC, NLM_F_ACK);
	uint32_t generation = 0;
	int rc = nl_request(nl, nlh, take_generation, &generation);

	if (rc == 0)
		*ret_generation = generation;
	return rc;
}

static uint32_t get_size(const struct nlattr *description)
{
	const struct nlattr *attr;
	uint32_t size = 0;

	if (!description)
		return 0;
	mnl_attr_for_each_nested(attr, description) if (mnl_attr_get_type(attr) ==
							NFTA_SET_DESC_SIZE) size = get_u32(attr);
	return size;
}

static int take_set(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_SET_USERDATA + 1] = {NULL};
	struct nft_set_info *info = ctx;

	parse(nlh, attr, NFTA_SET_USERDATA);
	info->key_type = get_u32(attr[NFTA_SET_KEY_TYPE]);
	info->size = get_size(attr[NFTA_SET_DESC]);
	info->collect_ms = get_u32(attr[NFTA_SET_GC_INTERVAL]);
	info->data_type = attr[NFTA_SET_DATA_TYPE] ? get_u32(attr[NFTA_SET_DATA_TYPE]) : 0;
	info->flags = get_u32(attr[NFTA_SET_FLAGS]);
	info->has_tag = has_tag(attr[NFTA_SET_USERDATA], NFTNL_UDATA_SET_COMMENT);
	return MNL_CB_OK;
}

int nft_get_set(struct nl *nl, uint8_t family, const char *table, const char *name,
		struct nft_set_info *ret_info)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETSET), family, NLM_F_ACK);
	struct nft_set_info info = {0};
	int rc;

	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	rc = nl_request(nl, nlh, take_set, &info);
	if (rc == 0)
		*ret_info = info;
	return rc;
}

int nft_remove_set(struct nl *nl, struct nft_batch *batch, const char *name)
{
	struct nft_set_info info = {0};
	struct nlmsghdr *nlh;
	int rc = nft_get_set(nl, NFPROTO_INET, NFT_OUR_TABLE, name, &info);

	if (rc < 0 || !info.has_tag)
		return rc == -ENOENT ? 0 : rc;
	nlh = nft_batch_put(batch, NFT_MSG_DELSET, NFPROTO_INET, 0);
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	rc = nft_batch_commit(batch, NULL);
	return rc == -ENOENT ? 0 : rc;
}

static int take_chain(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_CHAIN_USERDATA + 1] = {NULL};

	parse(nlh, attr, NFTA_CHAIN_USERDATA);
	*(bool *)ctx = has_tag(attr[NFTA_CHAIN_USERDATA], NFTNL_UDATA_CHAIN_COMMENT);
	return MNL_CB_OK;
}

int nft_remove_chain(struct nl *nl, struct nft_batch *batch, const char *name)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETCHAIN), NFPROTO_INET, NLM_F_ACK);
	bool is_ours = false;
	int rc;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	rc = nl_request(nl, nlh, take_chain, &is_ours);
	if (rc < 0 || !is_ours)
		return rc == -ENOENT ? 0 : rc;
	/* NLM_F_NONREC: the kernel says EBUSY where rules are left in the chain. */
	nlh = nft_batch_put(batch, NFT_MSG_DELCHAIN, NFPROTO_INET, NLM_F_NONREC);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, name);
	rc = nft_batch_commit(batch, NULL);
	return rc == -ENOENT || rc == -EBUSY ? 0 : rc;
}

struct table_info {
	uint32_t flags;
	bool is_ours;
};

static int take_table(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_TABLE_USERDATA + 1] = {NULL};
	struct table_info *info = ctx;

	parse(nlh, attr, NFTA_TABLE_USERDATA);
	info->flags = get_u32(attr[NFTA_TABLE_FLAGS]);
	info->is_ours = has_tag(attr[NFTA_TABLE_USERDATA], NFTNL_UDATA_TABLE_COMMENT);
	return MNL_CB_OK;
}

static int get_table(struct nl *nl, uint8_t family, const char *name, struct table_info *ret_info)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETTABLE), family, NLM_F_ACK);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	return nl_request(nl, nlh, take_table, ret_info);
}

const char *nft_explain(struct nl *nl, uint8_t family, const char *table, int rc)
{
	struct table_info info = {0};

	if (rc == -EOPNOTSUPP)
		return "the kernel has no nf_tables";
	if (rc != -EPERM)
		return strerror(-rc);
	if (get_table(nl, family, table, &info) == 0 && info.flags & NFT_TABLE_F_OWNER)
		return "another process owns the table (nft's flag 'owner'), and nobody else may "
		       "change it";
	return "CAP_NET_ADMIN is missing; run as root";
}

int nft_get_table(struct nl *nl, const char *name, uint32_t *ret_flags)
{
	struct table_info info = {0};
	int rc = get_table(nl, NFPROTO_INET, name, &info);

	if (rc == 0)
		*ret_flags = info.flags;
	return rc;
}

int nft_remove_table(struct nl *nl, struct nft_batch *batch)
{
	struct table_info info = {0};
	struct nlmsghdr *nlh;
	int rc = get_table(nl, NFPROTO_INET, NFT_OUR_TABLE, &info);

	if (rc < 0 || !info.is_ours)
		return rc == -ENOENT ? 0 : rc;
	/* NLM_F_NONREC: the kernel says EBUSY where anything is left in the table. */
	nlh = nft_batch_put(batch, NFT_MSG_DELTABLE, NFPROTO_INET, NLM_F_NONREC);
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, NFT_OUR_TABLE);
	rc = nft_batch_commit(batch, NULL);
	return rc == -ENOENT || rc == -EBUSY ? 0 : rc;
}

struct element_visitor {
	void (*fn)(const void *key, size_t len, uint64_t left_ms, void *ctx);
	void *ctx;
};

static void take_element(const struct nlattr *element, const struct element_visitor *visitor)
{
	const struct nlattr *attr, *key = NULL, *data;
	uint64_t left_ms = 0;

	mnl_attr_for_each_nested(attr, element)
	{
		if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_KEY)
			key = attr;
		else if (mnl_attr_get_type(attr) == NFTA_SET_ELEM_EXPIRATION)
			left_ms = be64toh(mnl_attr_get_u64(attr));
	}
	if (!key)
		return;
	mnl_attr_for_each_nested(data, key) if (mnl_attr_get_type(data) == NFTA_DATA_VALUE)
		visitor->fn(mnl_attr_get_payload(data), mnl_attr_get_payload_len(data), left_ms,
			    visitor->ctx);
}

static int take_elements(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_SET_ELEM_LIST_ELEMENTS + 1] = {NULL}, *element;

	parse(nlh, attr, NFTA_SET_ELEM_LIST_ELEMENTS);
	if (attr[NFTA_SET_ELEM_LIST_ELEMENTS])
		mnl_attr_for_each_nested(element, attr[NFTA_SET_ELEM_LIST_ELEMENTS])
			take_element(element, ctx);
	return MNL_CB_OK;
}

int nft_list_elements(struct nl *nl, const struct nft_set_place *place,
		      void (*fn)(const void *key, size_t len, uint64_t left_ms, void *ctx),
		      void *ctx)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETSETELEM), place->family, NLM_F_DUMP);
	struct element_visitor visitor = {fn, ctx};

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, place->table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, place->set);
	return nl_request(nl, nlh, take_elements, &visitor);
}

struct rule_visitor {
	void (*fn)(struct nftnl_rule *rule, void *ctx);
	void *ctx;
};

static int take_rule(const struct nlmsghdr *nlh, void *ctx)
{
	struct rule_visitor *visitor = ctx;
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return MNL_CB_ERROR;
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0)
		visitor->fn(rule, visitor->ctx);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

struct chain_visitor {
	void (*fn)(const char *name, bool is_ours, void *ctx);
	void *ctx;
};

static int visit_chain(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr[NFTA_CHAIN_USERDATA + 1] = {NULL};
	const struct chain_visitor *visitor = ctx;

	parse(nlh, attr, NFTA_CHAIN_USERDATA);
	if (attr[NFTA_CHAIN_TABLE] && attr[NFTA_CHAIN_NAME] &&
	    strcmp(mnl_attr_get_str(attr[NFTA_CHAIN_TABLE]), NFT_OUR_TABLE) == 0)
		visitor->fn(mnl_attr_get_str(attr[NFTA_CHAIN_NAME]),
			    has_tag(attr[NFTA_CHAIN_USERDATA], NFTNL_UDATA_CHAIN_COMMENT),
			    visitor->ctx);
	return MNL_CB_OK;
}

/* Chains cannot be asked for by their table: the dump has all of the family. */
int nft_list_chains(struct nl *nl, void (*fn)(const char *name, bool is_ours, void *ctx), void *ctx)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETCHAIN), NFPROTO_INET, NLM_F_DUMP);
	struct chain_visitor visitor = {fn, ctx};

	return nl_request(nl, nlh, visit_chain, &visitor);
}

int nft_list_rules(struct nl *nl, uint8_t family, const char *table, const char *chain,
		   void (*fn)(struct nftnl_rule *rule, void *ctx), void *ctx)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETRULE), family, NLM_F_DUMP);
	struct rule_visitor visitor = {fn, ctx};
	int rc;

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, table);
	if (chain)
		mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, chain);
	rc = nl_request(nl, nlh, take_rule, &visitor);
	return rc == -ENOENT ? 0 : rc;
}

const char *nft_rule_comment(const struct nftnl_rule *rule)
{
	uint32_t len = 0;
	const void *data = nftnl_rule_get_data(rule, NFTNL_RULE_USERDATA, &len);

	return comment_find(data, len, NFTNL_UDATA_RULE_COMMENT);
}
