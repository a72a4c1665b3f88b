/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each rule is followed from its first expression to its last, with what is known of each register:
 * which bits come from the connection mark, and which of these are still as they were.
 */
#include "input/foreign.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_CONNMARK.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_connmark.h>
#include <stdio.h>
#include <string.h>

#include "nl/nft_ask.h"

#define SLOTS 20 /* registers of 4 bytes: nf_tables.h has NFT_REG32_00 to 15, and the verdict's */

struct look {
	uint32_t bits;
	uint32_t from_mark[SLOTS], kept[SLOTS];
	bool uses_conntrack, takes_mark, offloads, sees_bits;
};

/* A register by its old name is four of the new ones (nf_tables_api.c: nft_parse_register). */
static unsigned slot_of(uint32_t reg)
{
	if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		return reg - NFT_REG32_00;
	return reg >= NFT_REG_1 && reg <= NFT_REG_4 ? (reg - NFT_REG_1) * 4 : SLOTS - 1;
}

static bool is_named(const struct nftnl_expr *expr, const char *name)
{
	return strcmp(nftnl_expr_get_str(expr, NFTNL_EXPR_NAME), name) == 0;
}

static bool is_any(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* What is loaded there now has nothing to do with the mark. */
static void forget(struct look *look, uint32_t reg)
{
	look->from_mark[slot_of(reg)] = look->kept[slot_of(reg)] = 0;
}

static void look_at_ct(struct look *look, const struct nftnl_expr *expr)
{
	bool is_mark = nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_KEY) == NFT_CT_MARK;

	look->uses_conntrack = true;
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_CT_DREG)) {
		unsigned slot = slot_of(nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_DREG));

		look->from_mark[slot] = look->kept[slot] = is_mark ? UINT32_MAX : 0;
	} else if (is_mark && nftnl_expr_is_set(expr, NFTNL_EXPR_CT_SREG)) {
		unsigned slot = slot_of(nftnl_expr_get_u32(expr, NFTNL_EXPR_CT_SREG));

		if (look->bits & ~look->kept[slot])
			look->takes_mark = true;
	}
}

static uint32_t u32_of(const struct nftnl_expr *expr, uint16_t attribute, uint32_t otherwise)
{
	uint32_t len = 0, value = otherwise;
	const void *data =
		nftnl_expr_is_set(expr, attribute) ? nftnl_expr_get(expr, attribute, &len) : NULL;

	if (data && len >= sizeof(value))
		memcpy(&value, data, sizeof(value));
	return value;
}

static void look_at_bitwise(struct look *look, const struct nftnl_expr *expr)
{
	unsigned from = slot_of(nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_SREG));
	unsigned to = slot_of(nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_DREG));
	uint32_t mask = u32_of(expr, NFTNL_EXPR_BITWISE_MASK, 0);
	uint32_t flipped = u32_of(expr, NFTNL_EXPR_BITWISE_XOR, 0);
	bool is_shift = nftnl_expr_is_set(expr, NFTNL_EXPR_BITWISE_OP) &&
			nftnl_expr_get_u32(expr, NFTNL_EXPR_BITWISE_OP) != 0;

	if (is_shift) {
		look->from_mark[to] = look->from_mark[from] ? UINT32_MAX : 0;
		look->kept[to] = 0;
		return;
	}
	look->from_mark[to] = look->from_mark[from] & mask;
	look->kept[to] = look->kept[from] & mask & ~flipped;
}

/* Whoever looks at a register sees what is in it. @count: how many of 4 bytes */
static void see(struct look *look, uint32_t reg, unsigned count)
{
	for (unsigned slot = slot_of(reg); count-- && slot < SLOTS; slot++)
		if (look->from_mark[slot] & look->bits)
			look->takes_mark = true;
}

/* Somebody who asks for nothing but our bits knows them: he keeps candidates out of his flowtable. */
static void look_at_compare(struct look *look, const struct nftnl_expr *expr)
{
	uint32_t reg = nftnl_expr_get_u32(expr, NFTNL_EXPR_CMP_SREG);
	uint32_t seen = look->from_mark[slot_of(reg)];

	if (seen && !(seen & ~look->bits))
		look->sees_bits = true;
	else
		see(look, reg, 1);
}

static void look_at_meta(struct look *look, const struct nftnl_expr *expr)
{
	if (nftnl_expr_is_set(expr, NFTNL_EXPR_META_SREG))
		see(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_META_SREG), 1);
	else if (nftnl_expr_is_set(expr, NFTNL_EXPR_META_DREG))
		forget(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_META_DREG));
}

static void look_at_match(struct look *look, const struct nftnl_expr *expr)
{
	static const char *const trackers[] = {"conntrack", "state",     "connmark",
					       "connlabel", "connbytes", "connlimit",
					       "helper",    "cluster",   NULL};
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_MT_NAME);
	uint32_t len = 0;
	const struct xt_connmark_mtinfo1 *info = nftnl_expr_get(expr, NFTNL_EXPR_MT_INFO, &len);

	if (!name || !is_any(name, trackers))
		return;
	look->uses_conntrack = true;
	if (strcmp(name, "connmark") != 0 || !info || len < sizeof(*info))
		return;
	if (info->mask && !(info->mask & ~look->bits))
		look->sees_bits = true;
	else if (info->mask & look->bits)
		look->takes_mark = true;
}

static void look_at_target(struct look *look, const struct nftnl_expr *expr)
{
	static const char *const trackers[] = {"CONNMARK",   "CONNSECMARK", "DNAT",   "SNAT",
					       "MASQUERADE", "REDIRECT",    "NETMAP", "CT",
					       "SYNPROXY",   NULL};
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
	uint32_t len = 0;
	const struct xt_connmark_tginfo1 *info = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);

	if (!name || !is_any(name, trackers))
		return;
	look->uses_conntrack = true;
	if (strcmp(name, "CONNMARK") == 0 && info && len >= sizeof(*info) &&
	    info->ctmask & look->bits)
		look->takes_mark = true;
}

static int look_at_expr(struct nftnl_expr *expr, void *ctx)
{
	static const char *const trackers[] = {"nat",          "masq",     "redir", "connlimit",
					       "flow_offload", "synproxy", NULL};
	struct look *look = ctx;
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	look->uses_conntrack |= is_any(name, trackers);
	if (is_named(expr, "ct"))
		look_at_ct(look, expr);
	else if (is_named(expr, "bitwise"))
		look_at_bitwise(look, expr);
	else if (is_named(expr, "cmp"))
		look_at_compare(look, expr);
	else if (is_named(expr, "lookup"))
		see(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_LOOKUP_SREG), SLOTS);
	else if (is_named(expr, "range"))
		see(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_RANGE_SREG), 1);
	else if (is_named(expr, "meta"))
		look_at_meta(look, expr);
	else if (is_named(expr, "immediate"))
		forget(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_IMM_DREG));
	else if (is_named(expr, "payload"))
		forget(look, nftnl_expr_get_u32(expr, NFTNL_EXPR_PAYLOAD_DREG));
	else if (is_named(expr, "match"))
		look_at_match(look, expr);
	else if (is_named(expr, "target"))
		look_at_target(look, expr);
	else if (is_named(expr, "flow_offload") && !look->sees_bits)
		look->offloads = true;
	return 0;
}

static void say_where(const struct nftnl_rule *rule, char where[FOREIGN_WHERE_MAX])
{
	static const char *const families[] =
		{[NFPROTO_INET] = "inet",     [NFPROTO_IPV4] = "ip",       [NFPROTO_IPV6] = "ip6",
		 [NFPROTO_BRIDGE] = "bridge", [NFPROTO_NETDEV] = "netdev", [NFPROTO_ARP] = "arp"};
	uint32_t family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY);

	if (where[0])
		return;
	snprintf(where, FOREIGN_WHERE_MAX, "table %s %.80s, chain %.80s, rule %llu",
		 family < sizeof(families) / sizeof(families[0]) && families[family]
			 ? families[family]
			 : "?",
		 nftnl_rule_get_str(rule, NFTNL_RULE_TABLE),
		 nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN),
		 (unsigned long long)nftnl_rule_get_u64(rule, NFTNL_RULE_HANDLE));
}

void foreign_look_at(const struct nftnl_rule *rule, uint32_t bits, struct foreign *foreign)
{
	struct look look = {.bits = bits};

	nftnl_expr_foreach((struct nftnl_rule *)(uintptr_t)rule, look_at_expr, &look);
	foreign->uses_conntrack |= look.uses_conntrack;
	foreign->takes_mark |= look.takes_mark;
	foreign->offloads |= look.offloads;
	if (look.takes_mark)
		say_where(rule, foreign->mark_where);
	if (look.offloads)
		say_where(rule, foreign->offload_where);
}

struct visit {
	void (*look)(const struct nftnl_rule *rule, void *ctx);
	void *ctx;
};

static bool is_ours(const struct nftnl_rule *rule)
{
	const char *comment = nft_rule_comment(rule);

	return nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY) == NFPROTO_INET &&
	       strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), NFT_OUR_TABLE) == 0 && comment &&
	       strncmp(comment, NFT_OUR_TAG, strlen(NFT_OUR_TAG)) == 0;
}

static int take_rule(const struct nlmsghdr *nlh, void *ctx)
{
	const struct visit *visit = ctx;
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule)
		return MNL_CB_OK;
	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 && !is_ours(rule))
		visit->look(rule, visit->ctx);
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

static int visit_rules(struct nl *nl, void (*look)(const struct nftnl_rule *rule, void *ctx),
		       void *ctx)
{
	struct visit visit = {look, ctx};
	char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh =
		nl_header(buf, NFT_MSG_TYPE(NFT_MSG_GETRULE), NFPROTO_UNSPEC, NLM_F_DUMP);

	return nl_request(nl, nlh, take_rule, &visit);
}

struct confirm_look {
	uint32_t bits;
	struct foreign foreign;
};

static void look_for_conntrack(const struct nftnl_rule *rule, void *ctx)
{
	struct confirm_look *look = ctx;

	foreign_look_at(rule, look->bits, &look->foreign);
}

int foreign_look(struct nl *nl, uint32_t bits, struct foreign *ret_foreign)
{
	struct confirm_look look = {.bits = bits};
	int rc = visit_rules(nl, look_for_conntrack, &look);

	if (rc == 0)
		*ret_foreign = look.foreign;
	return rc;
}

struct queue_look {
	uint16_t first, count;
	bool may_be;
	bool leads, bypasses; /* the rule that is looked at */
	struct foreign_queues queues;
};

/* @total: queues from @number on, of which each packet gets one */
static void take_queue(struct queue_look *look, unsigned number, unsigned total, bool bypasses)
{
	if (number >= look->first + look->count || number + (total ? total : 1) <= look->first)
		return;
	look->leads = true;
	look->bypasses = bypasses;
}

/* Its revisions have one form, of which the older ones have less (xt_NFQUEUE.h). */
static void take_target(struct queue_look *look, const struct nftnl_expr *expr)
{
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_TG_NAME);
	uint32_t len = 0, revision = nftnl_expr_get_u32(expr, NFTNL_EXPR_TG_REV);
	struct xt_NFQ_info_v3 info = {0};
	const void *data = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);

	if (!name || strcmp(name, "NFQUEUE") != 0 || !data)
		return;
	memcpy(&info, data, len < sizeof(info) ? len : sizeof(info));
	take_queue(look, info.queuenum, revision > 0 ? info.queues_total : 1,
		   revision > 1 && info.flags & NFQ_FLAG_BYPASS);
}

static int look_at_queue_expr(struct nftnl_expr *expr, void *ctx)
{
	struct queue_look *look = ctx;
	bool is_mapped = nftnl_expr_is_set(expr, NFTNL_EXPR_QUEUE_SREG_QNUM);

	if (is_named(expr, "target"))
		take_target(look, expr);
	else if (is_named(expr, "queue") && (!is_mapped || look->may_be))
		take_queue(look,
			   is_mapped ? look->first : nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_NUM),
			   nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_TOTAL),
			   nftnl_expr_get_u16(expr, NFTNL_EXPR_QUEUE_FLAGS) &
				   NFT_QUEUE_FLAG_BYPASS);
	return 0;
}

static void look_for_queues(const struct nftnl_rule *rule, void *ctx)
{
	struct queue_look *look = ctx;

	look->leads = false;
	nftnl_expr_foreach((struct nftnl_rule *)(uintptr_t)rule, look_at_queue_expr, look);
	if (!look->leads)
		return;
	look->queues.count++;
	say_where(rule, look->queues.where);
	if (look->bypasses)
		return;
	look->queues.holds = true;
	say_where(rule, look->queues.holds_where);
}

int foreign_find_queues(struct nl *nl, uint16_t first, uint16_t count, bool may_be,
			struct foreign_queues *ret_queues)
{
	struct queue_look look = {.first = first, .count = count, .may_be = may_be};
	int rc = visit_rules(nl, look_for_queues, &look);

	if (rc == 0)
		*ret_queues = look.queues;
	return rc;
}
