/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements as expressions of the kernel. A key is loaded once in a rule, however often the rule
 * uses it: the hash that FIELD_QUEUE is costs as much as a look into a set.
 */
#include "ruleset/ruleset_kernel.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/marks.h"
#include "ruleset/ruleset_udata.h"

#define XT_INFO_BYTES 8 /* struct xt_NFQ_info_v3, aligned as x_tables.h's XT_ALIGN does */
#define DATA_REGISTER NFT_REG_3 /* behind the longest key */
#define TYPE_BITS 6 /* of one type in a concatenation (nftables: include/datatype.h) */

/* A rule while it is written; NULL in rule: no memory. */
struct writer {
	const struct ruleset *ruleset;
	struct nftnl_rule *rule;
	bool failed;
	struct rule_key loaded; /* what is in the registers; count 0: nothing that is known */
};

/* A new expression that the rule owns, or NULL. */
static struct nftnl_expr *add(struct writer *writer, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(writer->rule, expr);
	else
		writer->failed = true;
	return expr;
}

static void load_meta(struct writer *writer, uint32_t key, uint32_t reg)
{
	struct nftnl_expr *expr = add(writer, "meta");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, reg);
}

static void load_payload(struct writer *writer, const struct field_info *info, uint32_t reg)
{
	struct nftnl_expr *expr = add(writer, "payload");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, info->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, info->offset);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, info->len);
}

static void load_hash(struct writer *writer, uint32_t reg)
{
	struct nftnl_expr *expr = add(writer, "hash");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_TYPE, NFT_HASH_SYM);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_DREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, writer->ruleset->queue_count);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_OFFSET, writer->ruleset->queue_first);
}

static void load_ct(struct writer *writer, const struct field_info *info, uint32_t reg)
{
	struct nftnl_expr *expr = add(writer, "ct");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, info->key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, reg);
	if (info->has_direction)
		nftnl_expr_set_u8(expr, NFTNL_EXPR_CT_DIR, FIELD_CT_ORIGINAL);
}

static void load_fib(struct writer *writer, uint32_t flags, uint32_t reg)
{
	struct nftnl_expr *expr = add(writer, "fib");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, reg);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_OIF);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, flags);
}

static void load_field(struct writer *writer, enum field field, uint32_t reg)
{
	const struct field_info *info = field_info(field);

	switch (info->source) {
	case FIELD_META: load_meta(writer, info->key, reg); return;
	case FIELD_PAYLOAD: load_payload(writer, info, reg); return;
	case FIELD_HASH: load_hash(writer, reg); return;
	case FIELD_CT: load_ct(writer, info, reg); return;
	case FIELD_FIB: load_fib(writer, info->key, reg); return;
	}
}

static void add_bitwise(struct writer *writer, const void *mask, const void * xor, uint32_t len)
{
	struct nftnl_expr *expr = add(writer, "bitwise");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void add_compare(struct writer *writer, bool is_not, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = add(writer, "cmp");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, is_not ? NFT_CMP_NEQ : NFT_CMP_EQ);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, len);
}

static void cut_prefix(struct writer *writer, unsigned prefix)
{
	uint8_t mask[16] = {0};
	const uint8_t zero[16] = {0};

	for (unsigned bit = 0; bit < prefix; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	add_bitwise(writer, mask, zero, sizeof(mask));
}

/* A register is 4 bytes, and the first one is also called NFT_REG_1. */
static uint32_t next_register(uint32_t reg, enum field field)
{
	uint32_t registers = (field_info(field)->len + 3) / 4;

	return (reg == NFT_REG_1 ? NFT_REG32_00 : reg) + registers;
}

static void load_key(struct writer *writer, const struct rule_key *key)
{
	uint32_t reg = NFT_REG_1;

	if (memcmp(&writer->loaded, key, sizeof(*key)) == 0)
		return;
	for (unsigned i = 0; i < key->count; i++) {
		load_field(writer, key->fields[i], reg);
		if (key->prefix6 && field_is_ip6(key->fields[i]))
			cut_prefix(writer, key->prefix6);
		reg = next_register(reg, key->fields[i]);
	}
	writer->loaded = *key;
}

/* A value as it is in a register: of packets in network order, of all else in the host's. */
static uint32_t to_register(const struct field_info *info, uint32_t value)
{
	bool is_wire = info->source == FIELD_PAYLOAD;
	uint16_t two = is_wire ? htons((uint16_t)value) : (uint16_t)value;
	uint8_t one = (uint8_t)value;
	uint32_t data = 0;

	if (info->len == 1)
		memcpy(&data, &one, sizeof(one));
	else if (info->len == 2)
		memcpy(&data, &two, sizeof(two));
	else
		data = is_wire ? htonl(value) : value;
	return data;
}

static void write_match(struct writer *writer, const struct statement *match)
{
	const struct field_info *info = field_info(match->field);
	uint32_t value = to_register(info, match->value), mask = to_register(info, match->mask);
	const uint32_t zero = 0;

	load_key(writer, &(struct rule_key){.count = 1, .fields = {match->field}});
	if (match->mask != UINT32_MAX) {
		add_bitwise(writer, &mask, &zero, info->len);
		writer->loaded.count = 0;
	}
	add_compare(writer, match->is_not, &value, info->len);
}

static void load_packets(struct writer *writer)
{
	load_key(writer, &(struct rule_key){.count = 1, .fields = {FIELD_CT_ORIGINAL_PACKETS}});
}

static void write_match_count(struct writer *writer, const struct statement *match)
{
	const uint64_t mask = ~(uint64_t)(match->value - 1), zero = 0;

	load_packets(writer);
	add_bitwise(writer, &mask, &zero, sizeof(mask));
	writer->loaded.count = 0;
	add_compare(writer, match->is_not, &zero, sizeof(zero));
}

static void add_bound(struct writer *writer, uint32_t op, uint64_t bound)
{
	struct nftnl_expr *expr = add(writer, "cmp");

	if (!expr)
		return;
	bound = htobe64(bound);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, &bound, sizeof(bound));
}

/* Registers are compared byte by byte, so numbers of the host are turned round first. */
static void write_match_packets(struct writer *writer, const struct statement *match)
{
	struct nftnl_expr *expr;

	load_packets(writer);
	expr = add(writer, "byteorder");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_LEN, sizeof(uint64_t));
	nftnl_expr_set_u32(expr, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(uint64_t));
	writer->loaded.count = 0;
	add_bound(writer, NFT_CMP_GTE, match->mask);
	add_bound(writer, NFT_CMP_LTE, match->value);
}

/* A name is compared with its NULs, a name that ends in '*' only as far as it goes. */
static void write_match_name(struct writer *writer, const struct statement *match)
{
	char name[16] = "";
	size_t len = strnlen(match->name, sizeof(name) - 1);

	memcpy(name, match->name, len);
	len = name[len - 1] == '*' ? len - 1 : sizeof(name);
	load_key(writer, &(struct rule_key){.count = 1, .fields = {match->field}});
	add_compare(writer, false, name, (uint32_t)len);
}

static void write_lookup(struct writer *writer, const struct statement *lookup)
{
	struct nftnl_expr *expr;

	load_key(writer, &lookup->key);
	expr = add(writer, "lookup");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, lookup->set);
	if (lookup->is_not)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

static void load_data(struct writer *writer, uint32_t reg, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = add(writer, "immediate");

	writer->loaded.count = reg == DATA_REGISTER ? writer->loaded.count : 0;
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(expr, NFTNL_EXPR_IMM_DATA, data, len);
}

static void write_change(struct writer *writer, const struct statement *change)
{
	struct nftnl_expr *expr;

	load_key(writer, &change->key);
	if (change->has_data)
		load_data(writer, DATA_REGISTER, &change->value, sizeof(change->value));
	expr = add(writer, "dynset");
	if (!expr)
		return;
	nftnl_expr_set_str(expr, NFTNL_EXPR_DYNSET_SET_NAME, change->set);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_OP, change->change);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	if (change->has_data)
		nftnl_expr_set_u32(expr, NFTNL_EXPR_DYNSET_SREG_DATA, DATA_REGISTER);
	if (change->timeout_ms)
		nftnl_expr_set_u64(expr, NFTNL_EXPR_DYNSET_TIMEOUT, change->timeout_ms);
}

static void write_set_field(struct writer *writer, const struct statement *set)
{
	const struct field_info *info = field_info(set->field);
	bool is_ct = info->source == FIELD_CT;
	struct nftnl_expr *expr;

	if (set->mask) {
		load_key(writer, &(struct rule_key){.count = 1, .fields = {set->field}});
		add_bitwise(writer, &set->mask, &set->value, sizeof(set->mask));
	} else {
		load_data(writer, NFT_REG_1, &set->value, sizeof(set->value));
	}
	writer->loaded.count = 0;
	expr = add(writer, is_ct ? "ct" : "meta");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, is_ct ? NFTNL_EXPR_CT_KEY : NFTNL_EXPR_META_KEY, info->key);
	nftnl_expr_set_u32(expr, is_ct ? NFTNL_EXPR_CT_SREG : NFTNL_EXPR_META_SREG, NFT_REG_1);
}

static void write_limit(struct writer *writer, const struct statement *limit)
{
	struct nftnl_expr *expr = add(writer, "limit");

	if (!expr)
		return;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, limit->rate);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, limit->burst);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
}

static void write_verdict(struct writer *writer, const struct statement *end)
{
	static const int32_t verdicts[] = {NFT_GOTO, NFT_JUMP, NFT_RETURN};
	struct nftnl_expr *expr = add(writer, "immediate");

	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdicts[end->verdict]);
	if (end->name[0])
		nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, end->name);
}

static void write_native_queue(struct writer *writer, const struct statement *queue)
{
	const struct rule_key key = {.count = 1, .fields = {FIELD_QUEUE}};
	struct nftnl_expr *expr;

	if (queue->queue_count > 1)
		load_key(writer, &key);
	expr = add(writer, "queue");
	if (!expr)
		return;
	if (queue->queue_count > 1) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_QUEUE_SREG_QNUM, NFT_REG_1);
	} else {
		nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, queue->queue_first);
		nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, 1);
	}
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
}

static void write_xt_queue(struct writer *writer, const struct statement *queue)
{
	struct nftnl_expr *expr = add(writer, "target");
	struct xt_NFQ_info_v3 *info = calloc(1, XT_INFO_BYTES);

	if (!expr || !info) {
		writer->failed = true;
		free(info);
		return;
	}
	info->queuenum = queue->queue_first;
	info->queues_total = 1;
	info->flags = NFQ_FLAG_BYPASS;
	nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, 3);
	/* The expression frees it (libnftnl: src/expr/target.c), which gcc and clang do not know. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
	nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, info, XT_INFO_BYTES);
#pragma GCC diagnostic pop
} /* NOLINT(clang-analyzer-unix.Malloc) */

static void write_log(struct writer *writer, const struct statement *log)
{
	struct nftnl_expr *expr = add(writer, "log");

	if (!expr)
		return;
	nftnl_expr_set_u16(expr, NFTNL_EXPR_LOG_GROUP, (uint16_t)log->rate);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOG_SNAPLEN, log->burst);
}

#define NOWHERE_PORT 1 /* of a rule that nothing reaches */

static void write_whole(struct writer *writer)
{
	uint16_t port = htons(NOWHERE_PORT);
	struct nftnl_expr *expr;

	load_data(writer, NFT_REG_1, &port, sizeof(port));
	expr = add(writer, "tproxy");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TPROXY_FAMILY, NFPROTO_UNSPEC);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TPROXY_REG_PORT, NFT_REG_1);
}

static void load_labels(struct writer *writer)
{
	struct nftnl_expr *expr = add(writer, "ct");

	writer->loaded.count = 0;
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, NFT_CT_LABELS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, NFT_REG_1);
}

static void write_match_labels(struct writer *writer, const struct statement *labels)
{
	const uint8_t zero[16] = {0};
	uint8_t mask[16];

	marks_put_labels(labels->mask, labels->value, mask);
	load_labels(writer);
	add_bitwise(writer, mask, zero, sizeof(mask));
	add_compare(writer, !labels->is_not, zero, sizeof(zero));
}

static void write_set_labels(struct writer *writer, const struct statement *labels)
{
	struct nftnl_expr *expr;
	uint8_t bitmap[16];

	marks_put_labels(labels->mask, labels->value, bitmap);
	load_data(writer, NFT_REG_1, bitmap, sizeof(bitmap));
	expr = add(writer, "ct");
	if (!expr)
		return;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, NFT_CT_LABELS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_SREG, NFT_REG_1);
}

static void write_statement(struct writer *writer, const struct statement *statement)
{
	switch (statement->kind) {
	case STATEMENT_MATCH: write_match(writer, statement); return;
	case STATEMENT_MATCH_NAME: write_match_name(writer, statement); return;
	case STATEMENT_LOOKUP: write_lookup(writer, statement); return;
	case STATEMENT_CHANGE: write_change(writer, statement); return;
	case STATEMENT_SET_FIELD: write_set_field(writer, statement); return;
	case STATEMENT_COUNTER: add(writer, "counter"); return;
	case STATEMENT_LIMIT: write_limit(writer, statement); return;
	case STATEMENT_VERDICT: write_verdict(writer, statement); return;
	case STATEMENT_LOG: write_log(writer, statement); return;
	case STATEMENT_WHOLE: write_whole(writer); return;
	case STATEMENT_MATCH_COUNT: write_match_count(writer, statement); return;
	case STATEMENT_MATCH_PACKETS: write_match_packets(writer, statement); return;
	case STATEMENT_MATCH_LABELS: write_match_labels(writer, statement); return;
	case STATEMENT_SET_LABELS: write_set_labels(writer, statement); return;
	case STATEMENT_QUEUE:
		if (writer->ruleset->is_xt)
			write_xt_queue(writer, statement);
		else
			write_native_queue(writer, statement);
		return;
	}
}

static int set_comment(struct nftnl_rule *rule, const char *comment)
{
	char text[NFT_COMMENT_MAX + 1];

	snprintf(text, sizeof(text), NFT_OUR_TAG "%s%s", comment[0] ? " " : "", comment);
	return nft_rule_set_comment(rule, text);
}

int ruleset_batch_rule(struct nft_batch *batch, const struct ruleset *ruleset,
		       const struct rule *rule)
{
	struct writer writer = {.ruleset = ruleset, .rule = nftnl_rule_alloc()};

	if (!writer.rule)
		return -ENOMEM;
	nftnl_rule_set_str(writer.rule, NFTNL_RULE_TABLE, NFT_OUR_TABLE);
	nftnl_rule_set_str(writer.rule, NFTNL_RULE_CHAIN, rule->chain);
	for (unsigned i = 0; i < rule->count; i++)
		write_statement(&writer, &rule->statements[i]);
	if (set_comment(writer.rule, rule->comment) < 0)
		writer.failed = true;
	if (!writer.failed)
		nftnl_rule_nlmsg_build_payload(nft_batch_put(batch, NFT_MSG_NEWRULE, NFPROTO_INET,
							     NLM_F_CREATE | NLM_F_APPEND),
					       writer.rule);
	nftnl_rule_free(writer.rule);
	return writer.failed ? -ENOMEM : 0;
}

void ruleset_batch_chain(struct nft_batch *batch, const struct ruleset_chain *chain)
{
	struct nlmsghdr *nlh = nft_batch_put(batch, NFT_MSG_NEWCHAIN, NFPROTO_INET, NLM_F_CREATE);
	struct nlattr *hook;

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, NFT_OUR_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, chain->name);
	nft_put_chain_tag(nlh);
	if (!chain->is_base)
		return;
	mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
	mnl_attr_put_u32(nlh, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	hook = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(chain->hook));
	mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl((uint32_t)chain->priority));
	mnl_attr_nest_end(nlh, hook);
}

uint32_t ruleset_key_type(const struct rule_key *key, uint32_t *ret_len)
{
	uint32_t type = 0;

	*ret_len = key->count == 1 ? field_info(key->fields[0])->len : 0;
	for (unsigned i = 0; i < key->count; i++) {
		type = type << TYPE_BITS | field_info(key->fields[i])->type;
		if (key->count > 1)
			*ret_len += (field_info(key->fields[i])->len + 3) & ~3u;
	}
	return type;
}

void ruleset_batch_set(struct nft_batch *batch, const struct ruleset *ruleset,
		       const struct ruleset_set *set)
{
	uint32_t len, type = ruleset_key_type(&set->key, &len);
	struct nft_set_spec spec = {.name = set->name,
				    .key_type = type,
				    .key_len = len,
				    .is_mark_map = set->is_mark_map,
				    .timeout_ms = set->timeout_ms,
				    .collect_ms = set->collect_ms,
				    .size = set->size};
	struct nftnl_udata_buf *udata = ruleset_udata_new(ruleset, set);

	nft_batch_put_set(batch, &spec, udata);
	ruleset_udata_free(udata);
}
