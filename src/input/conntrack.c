/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel shows the connections whose mark has a bit, or all of them where labels are looked for;
 * some at a time are kept here, and then told anew. A connection is found again by its original tuple
 * and its zone.
 */
#include "input/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ruleset/marks.h"

#define TUPLE_BYTES 160 /* an IPv6 tuple in attributes has 88 */
#define AT_ONCE 1024
#define ROUNDS_MAX 1024 /* of AT_ONCE connections; new ones may come all the time */

struct found {
	uint8_t family;
	bool has_zone;
	uint16_t zone_be;
	uint16_t len; /* of the tuple's attributes */
	uint8_t tuple[TUPLE_BYTES];
};

/* Bits of the mark, or labels. */
struct wanted {
	uint32_t bits;
	bool is_labels;
	uint8_t labels[MARKS_LABELS_BYTES];
};

struct batch {
	const struct wanted *wanted;
	unsigned count;
	struct found found[AT_ONCE];
};

static bool has_any(const struct wanted *wanted, const struct nlattr *attr)
{
	const uint8_t *labels = mnl_attr_get_payload(attr);

	for (unsigned i = 0; i < MARKS_LABELS_BYTES && i < mnl_attr_get_payload_len(attr); i++)
		if (labels[i] & wanted->labels[i])
			return true;
	return false;
}

static int take(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct found one = {.family = nfg->nfgen_family};
	struct batch *batch = ctx;
	bool is_wanted = !batch->wanted->is_labels;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		uint16_t type = mnl_attr_get_type(attr), len = mnl_attr_get_payload_len(attr);

		if (type == CTA_TUPLE_ORIG && len <= TUPLE_BYTES) {
			one.len = len;
			memcpy(one.tuple, mnl_attr_get_payload(attr), len);
		} else if (type == CTA_ZONE && len == sizeof(one.zone_be)) {
			one.has_zone = true;
			one.zone_be = mnl_attr_get_u16(attr);
		} else if (type == CTA_LABELS && !is_wanted) {
			is_wanted = has_any(batch->wanted, attr);
		}
	}
	if (is_wanted && one.len && batch->count < AT_ONCE)
		batch->found[batch->count++] = one;
	return MNL_CB_OK;
}

/* The kernel has no choice by labels. @bit: of the mark */
static int find(struct nl *nl, uint32_t bit, struct batch *batch)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
					 AF_UNSPEC, NLM_F_DUMP);

	batch->count = 0;
	if (!batch->wanted->is_labels) {
		mnl_attr_put_u32(nlh, CTA_MARK, htonl(bit));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(bit));
	}
	return nl_request(nl, nlh, take, batch);
}

/* One that has ended meanwhile is as good as cleared. */
static int clear(struct nl *nl, const struct found *found, const struct wanted *wanted)
{
	static const uint8_t none[MARKS_LABELS_BYTES];
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
					 found->family, NLM_F_ACK);
	int rc;

	mnl_attr_put(nlh, CTA_TUPLE_ORIG | NLA_F_NESTED, found->len, found->tuple);
	if (found->has_zone)
		mnl_attr_put_u16(nlh, CTA_ZONE, found->zone_be);
	if (wanted->is_labels) {
		mnl_attr_put(nlh, CTA_LABELS, sizeof(none), none);
		mnl_attr_put(nlh, CTA_LABELS_MASK, sizeof(wanted->labels), wanted->labels);
	} else {
		mnl_attr_put_u32(nlh, CTA_MARK, 0);
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(wanted->bits));
	}
	rc = nl_request(nl, nlh, NULL, NULL);
	return rc == -ENOENT ? 0 : rc;
}

/* @bit: of the mark, one of those that are wanted; of labels all are taken at once */
static int clear_bit(struct nl *nl, uint32_t bit, struct batch *batch, unsigned *cleared)
{
	int rc = 0;

	for (unsigned round = 0; round < ROUNDS_MAX && rc == 0; round++) {
		rc = find(nl, bit, batch);
		for (unsigned i = 0; i < batch->count && rc == 0; i++)
			rc = clear(nl, &batch->found[i], batch->wanted);
		*cleared += rc == 0 ? batch->count : 0;
		if (batch->count < AT_ONCE)
			break;
	}
	return rc;
}

int conntrack_clear(struct nl *nl, uint32_t bits, bool is_labels, unsigned *ret_cleared)
{
	struct wanted wanted = {.bits = bits, .is_labels = is_labels};
	struct batch *batch = malloc(sizeof(*batch));
	unsigned cleared = 0;
	int rc = batch ? 0 : -ENOMEM;

	marks_put_labels(bits, 0, wanted.labels);
	if (batch)
		batch->wanted = &wanted;
	for (uint32_t left = bits; left && rc == 0; left = is_labels ? 0 : left & (left - 1))
		rc = clear_bit(nl, left & -left, batch, &cleared);
	free(batch);
	if (rc == -EINVAL) /* nfnetlink.c: there is no such subsystem */
		rc = -EOPNOTSUPP;
	if (rc == 0)
		*ret_cleared = cleared;
	return rc;
}
