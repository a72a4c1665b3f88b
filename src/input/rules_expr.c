/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The diverting rule as expressions of the kernel: interface, TCP, SYN, counter, alive, limit, queue.
 * The counter stands before the look at `alive`, so it counts every inbound SYN.
 */
#include "input/rules_impl.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define TCP_FLAGS_OFFSET 13 /* RFC 9293 section 3.1 */
/* The TCP flags that make a SYN, of those that are looked at; ECE and CWR may be set (RFC 3168). */
#define FLAGS_MASK 0x17 /* FIN, SYN, RST, ACK */
#define FLAGS_SYN 0x02
#define XT_INFO_BYTES 8 /* struct xt_NFQ_info_v3, aligned as x_tables.h's XT_ALIGN does */

/* A new expression that the rule owns, or NULL. */
static struct nftnl_expr *add(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(rule, expr);
	return expr;
}

static int add_meta(struct nftnl_rule *rule, uint32_t key)
{
	struct nftnl_expr *expr = add(rule, "meta");

	if (!expr)
		return -ENOMEM;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, NFT_REG_1);
	return 0;
}

static int add_equals(struct nftnl_rule *rule, const void *data, uint32_t len)
{
	struct nftnl_expr *expr = add(rule, "cmp");

	if (!expr)
		return -ENOMEM;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, data, len);
	return 0;
}

/* A name is compared with its NULs, a name that ends in '*' only as far as it goes. */
static int add_interface(struct nftnl_rule *rule, const char *interface)
{
	char name[IFNAMSIZ] = "";
	size_t len = strnlen(interface, sizeof(name) - 1);

	memcpy(name, interface, len);
	len = name[len - 1] == '*' ? len - 1 : sizeof(name);
	return add_meta(rule, NFT_META_IIFNAME) || add_equals(rule, name, (uint32_t)len) ? -ENOMEM
											 : 0;
}

static int add_tcp(struct nftnl_rule *rule)
{
	const uint8_t tcp = IPPROTO_TCP;

	return add_meta(rule, NFT_META_L4PROTO) || add_equals(rule, &tcp, sizeof(tcp)) ? -ENOMEM
										       : 0;
}

static int add_syn(struct nftnl_rule *rule)
{
	const uint8_t mask = FLAGS_MASK, flags = FLAGS_SYN, zero = 0;
	struct nftnl_expr *payload = add(rule, "payload");
	struct nftnl_expr *bitwise = add(rule, "bitwise");

	if (!payload || !bitwise)
		return -ENOMEM;
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, TCP_FLAGS_OFFSET);
	nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, sizeof(mask));
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
	nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, &zero, sizeof(zero));
	return add_equals(rule, &flags, sizeof(flags));
}

static int add_counter(struct nftnl_rule *rule)
{
	return add(rule, "counter") ? 0 : -ENOMEM;
}

static int add_alive(struct nftnl_rule *rule)
{
	struct nftnl_expr *expr;

	if (add_meta(rule, NFT_META_L4PROTO) < 0)
		return -ENOMEM;
	expr = add(rule, "lookup");
	if (!expr)
		return -ENOMEM;
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, RULES_ALIVE);
	return 0;
}

/* Behind `alive`: what is not diverted takes nothing from it. */
static int add_limit(struct nftnl_rule *rule, uint32_t limit)
{
	struct nftnl_expr *expr = add(rule, "limit");

	if (!expr)
		return -ENOMEM;
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_RATE, limit);
	nftnl_expr_set_u64(expr, NFTNL_EXPR_LIMIT_UNIT, 1);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_BURST, limit);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_LIMIT_FLAGS, 0);
	return 0;
}

static int add_queue(struct nftnl_rule *rule, const struct rules_params *params)
{
	struct nftnl_expr *expr = add(rule, "queue");

	if (!expr)
		return -ENOMEM;
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, params->queue_first);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, params->queue_count);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
	return 0;
}

static int add_xt_queue(struct nftnl_rule *rule, const struct rules_params *params)
{
	struct nftnl_expr *expr = add(rule, "target");
	struct xt_NFQ_info_v3 *info = calloc(1, XT_INFO_BYTES);

	if (!expr || !info) {
		free(info);
		return -ENOMEM;
	}
	info->queuenum = params->queue_first;
	info->queues_total = params->queue_count;
	info->flags = NFQ_FLAG_BYPASS;
	nftnl_expr_set_str(expr, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_TG_REV, 3);
	/* The expression frees it (libnftnl: src/expr/target.c), which gcc and clang do not know. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
	nftnl_expr_set(expr, NFTNL_EXPR_TG_INFO, info, XT_INFO_BYTES);
#pragma GCC diagnostic pop
	return 0; /* NOLINT(clang-analyzer-unix.Malloc) */
}

static int add_all(struct nftnl_rule *rule, const struct rules_params *params,
		   enum rules_engine engine, const char *interface)
{
	if (interface && add_interface(rule, interface) < 0)
		return -ENOMEM;
	if (add_tcp(rule) < 0 || add_syn(rule) < 0 || add_counter(rule) < 0 || add_alive(rule) < 0)
		return -ENOMEM;
	if (params->limit && add_limit(rule, params->limit) < 0)
		return -ENOMEM;
	return engine == RULES_NFT ? add_queue(rule, params) : add_xt_queue(rule, params);
}

struct nftnl_rule *rules_rule_new(const struct rules_params *params, enum rules_engine engine,
				  const char *interface)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return NULL;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, NFT_OUR_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, RULES_CHAIN);
	if (add_all(rule, params, engine, interface) < 0) {
		nftnl_rule_free(rule);
		return NULL;
	}
	return rule;
}

static int look_for_bypass(struct nftnl_expr *expr, void *ctx)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);
	bool *is_bypassing = ctx;
	uint32_t len = 0;

	if (strcmp(name, "queue") == 0) {
		*is_bypassing |=
			nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_FLAGS) & NFT_QUEUE_FLAG_BYPASS;
	} else if (strcmp(name, "target") == 0) {
		const struct xt_NFQ_info_v3 *info = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);

		*is_bypassing |= info && len >= sizeof(*info) && info->flags & NFQ_FLAG_BYPASS;
	}
	return 0;
}

bool rules_rule_bypasses(struct nftnl_rule *rule)
{
	bool is_bypassing = false;

	nftnl_expr_foreach(rule, look_for_bypass, &is_bypassing);
	return is_bypassing;
}
