/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel shows the connections whose mark has a bit, or all of them where labels are looked for,
 * in one walk; those that are meant are told anew meanwhile, by another socket. A connection is found
 * again by its original tuple and its zone.
 */
#include "input/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdbool.h>
#include <string.h>

#include "ruleset/marks.h"
#include "sys/clock.h"

#define TUPLE_BYTES 160 /* an IPv6 tuple in attributes has 88 */

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

struct walk {
	const struct wanted *wanted;
	struct nl *clearing;
	uint64_t until_ms; /* CLOCK_MONOTONIC */
	unsigned cleared;
	int rc;
};

static bool has_any(const struct wanted *wanted, const struct nlattr *attr)
{
	const uint8_t *labels = mnl_attr_get_payload(attr);

	for (unsigned i = 0; i < MARKS_LABELS_BYTES && i < mnl_attr_get_payload_len(attr); i++)
		if (labels[i] & wanted->labels[i])
			return true;
	return false;
}

/* Return: whether it has some of what is wanted. */
static bool read_found(const struct nlmsghdr *nlh, const struct wanted *wanted,
		       struct found *ret_found)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct found one = {.family = nfg->nfgen_family};
	bool is_wanted = !wanted->is_labels;
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
			is_wanted = has_any(wanted, attr);
		}
	}
	*ret_found = one;
	return is_wanted && one.len;
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

static int take(const struct nlmsghdr *nlh, void *ctx)
{
	struct walk *walk = ctx;
	struct found found;

	if (walk->rc < 0 || !read_found(nlh, walk->wanted, &found))
		return MNL_CB_OK;
	walk->rc = clock_monotonic_ms() < walk->until_ms
			   ? clear(walk->clearing, &found, walk->wanted)
			   : -ETIME;
	walk->cleared += walk->rc == 0;
	return MNL_CB_OK;
}

/* The kernel has no choice by labels. @bit: of the mark, one of those that are wanted */
static int walk_through(struct nl *nl, uint32_t bit, struct walk *walk)
{
	_Alignas(8) char buf[NL_MESSAGE_BYTES];
	struct nlmsghdr *nlh = nl_header(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
					 AF_UNSPEC, NLM_F_DUMP);
	int rc;

	if (!walk->wanted->is_labels) {
		mnl_attr_put_u32(nlh, CTA_MARK, htonl(bit));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(bit));
	}
	rc = nl_request(nl, nlh, take, walk);
	return rc < 0 ? rc : walk->rc;
}

int conntrack_clear(struct nl *nl, uint32_t bits, bool is_labels, unsigned max_ms,
		    unsigned *ret_cleared)
{
	struct wanted wanted = {.bits = bits, .is_labels = is_labels};
	struct walk walk = {.wanted = &wanted, .until_ms = clock_monotonic_ms() + max_ms};
	int rc = nl_open(&walk.clearing);

	marks_put_labels(bits, 0, wanted.labels);
	for (uint32_t left = bits; left && rc == 0; left = is_labels ? 0 : left & (left - 1))
		rc = walk_through(nl, left & -left, &walk);
	nl_close(walk.clearing);
	if (rc == -EINVAL) /* nfnetlink.c: there is no such subsystem */
		rc = -EOPNOTSUPP;
	if (rc == 0)
		*ret_cleared = walk.cleared;
	return rc;
}
